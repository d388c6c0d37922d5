#include "common/simulate/phenology.h"

#include <algorithm>
#include <cmath>

namespace arpent::simulate {
namespace {

// A crop's year: the canopy rises around `rise`, falls around `fall` (days of year), each over about `width` days.
struct Season {
  double rise, rise_width, fall, fall_width, floor, peak;
};
constexpr Season kSeasons[kCoverCount] = {{85, 14, 178, 8, 0.18, 0.95},    // winter wheat: green in winter, ripe in late June
                                          {75, 12, 172, 9, 0.30, 0.92},    // rapeseed: earlier, yellow in late April
                                          {165, 9, 262, 10, 0.04, 0.96},   // maize
                                          {158, 9, 232, 9, 0.04, 0.85},    // sunflower: earlier, falls in August
                                          {160, 14, 300, 15, 0.04, 0.97},  // sugar beet: green into autumn
                                          {172, 10, 252, 9, 0.05, 0.90},   // soybean
                                          {80, 22, 320, 30, 0.45, 0.85},   // meadow
                                          {112, 12, 300, 14, 0.55, 0.97},  // forest
                                          {0, 1, 400, 1, 0, 0},
                                          {90, 20, 300, 20, 0.10, 0.22},
                                          {90, 20, 300, 20, 0.05, 0.12}};

//                              B01    B02    B03    B04    B05    B06    B07    B08    B8A    B09    B10    B11    B12
constexpr Spectrum kSoil =    {0.060, 0.075, 0.105, 0.140, 0.170, 0.195, 0.215, 0.235, 0.250, 0.260, 0.250, 0.330, 0.280};
constexpr Spectrum kCanopy =  {0.018, 0.022, 0.055, 0.038, 0.095, 0.300, 0.390, 0.415, 0.440, 0.445, 0.400, 0.190, 0.080};
constexpr Spectrum kTrees =   {0.012, 0.014, 0.032, 0.018, 0.055, 0.190, 0.250, 0.270, 0.290, 0.295, 0.260, 0.125, 0.048};
constexpr Spectrum kLake =    {0.036, 0.032, 0.028, 0.018, 0.014, 0.011, 0.010, 0.009, 0.008, 0.007, 0.005, 0.004, 0.003};
constexpr Spectrum kRoofs =   {0.095, 0.110, 0.130, 0.145, 0.160, 0.170, 0.178, 0.186, 0.192, 0.198, 0.195, 0.215, 0.195};
constexpr Spectrum kStraw =   {0.070, 0.095, 0.140, 0.190, 0.225, 0.250, 0.270, 0.290, 0.305, 0.315, 0.300, 0.390, 0.300};

enum Trait { kShift, kSoilBrightness, kVigour, kRedRatio, kBlueRatio, kBrightness, kMowing };

constexpr double kRegrowth = 0.05;

double Ramp(double day, double centre, double width) { return 1 / (1 + std::exp(-(day - centre) / (width * 0.45))); }

Spectrum Blend(const Spectrum& a, const Spectrum& b, double share_of_b) {
  Spectrum mixed;
  for (int i = 0; i < kBands; ++i) mixed[i] = a[i] * (1 - share_of_b) + b[i] * share_of_b;
  return mixed;
}

// A bell of a given height around a day.
double Bell(double day, double centre, double width) {
  const double z = (day - centre) / width;
  return std::exp(-0.5 * z * z);
}

}  // namespace

double CanopyFraction(Cover cover, double day, double shift) {
  const Season& season = kSeasons[static_cast<int>(cover)];
  const double green = Ramp(day, season.rise + shift, season.rise_width) * (1 - Ramp(day, season.fall + shift, season.fall_width));
  // A winter crop is green before its season; after the harvest hardly anything is.
  const bool harvested = InfoOf(cover).is_crop && day > season.fall + shift;
  const double floor = harvested ? std::min(season.floor, kRegrowth) : season.floor;
  return floor + (season.peak - floor) * green;
}

Spectrum CellSpectrum(const Landscape& landscape, int64_t cx, int64_t cy, Cover cover, double day) {
  const auto trait = [&](Trait what) { return landscape.Trait(cx, cy, what); };
  const double brightness = 0.92 + 0.16 * trait(kBrightness);
  Spectrum result;
  if (cover == Cover::kWater) {
    result = kLake;
  } else if (cover == Cover::kVillage || cover == Cover::kRoad) {
    result = Blend(kRoofs, kCanopy, CanopyFraction(cover, day, 0));
  } else {
    const double shift = 24 * (trait(kShift) - 0.5);
    double green = CanopyFraction(cover, day, shift) * (0.88 + 0.12 * trait(kVigour));
    // Meadows are mown once or twice.
    if (cover == Cover::kMeadow) green *= 1 - 0.45 * Bell(day, 150 + 30 * trait(kMowing), 9);
    Spectrum ground = kSoil;
    for (double& value : ground) value *= 0.75 + 0.55 * trait(kSoilBrightness);
    const Season& season = kSeasons[static_cast<int>(cover)];
    const bool stubble = InfoOf(cover).is_crop && day > season.fall + shift;
    if (stubble) ground = Blend(ground, kStraw, 0.7 * std::clamp(1 - (day - season.fall - shift - 20) / 50, 0.0, 1.0));
    result = Blend(ground, cover == Cover::kForest ? kTrees : kCanopy, std::min(1.0, green));
    if (cover == Cover::kRapeseed) {  // flowers: bright in green and red
      const double flowers = 0.9 * Bell(day, 118 + 0.5 * shift, 11);
      result[2] += 0.075 * flowers;
      result[3] += 0.080 * flowers;
      result[4] += 0.075 * flowers;
    }
    if (cover == Cover::kSunflower) {
      const double flowers = Bell(day, 195 + 0.5 * shift, 9);
      result[2] += 0.030 * flowers;
      result[3] += 0.028 * flowers;
    }
    if (cover == Cover::kSugarBeet) {  // fleshier leaves: more near infrared, less short-wave
      for (int i = 6; i < 10; ++i) result[i] *= 1 + 0.10 * green;
      result[11] *= 1 - 0.12 * green;
    }
    if (cover == Cover::kSoybean) {
      for (int i = 5; i < 10; ++i) result[i] *= 1 + 0.07 * green;
      result[4] *= 1 + 0.10 * green;
    }
    // Dense vegetation: the ratios that aerosol retrievals rely on differ from field to field.
    if (green > 0.5) {
      const double weight = std::min(1.0, (green - 0.5) / 0.3);
      const double red = result[12] * (0.45 + 0.15 * trait(kRedRatio));
      result[3] = result[3] * (1 - weight) + red * weight;
      const double blue = result[3] * (0.40 + 0.20 * trait(kBlueRatio));
      result[1] = result[1] * (1 - weight) + blue * weight;
      result[0] = result[0] * (1 - weight) + blue * 0.85 * weight;
    }
  }
  for (double& value : result) value *= brightness;
  return result;
}

}  // namespace arpent::simulate
