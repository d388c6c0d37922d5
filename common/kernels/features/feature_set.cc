#include "common/kernels/features/feature_set.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/geo/period.h"
#include "common/kernels/features/indices.h"
#include "common/kernels/features/plane_loops.h"
#include "common/kernels/features/season_statistics.h"

namespace arpent::kernels {
namespace {

// Sen2Agri's constants (reference: CropMask feature extraction): records per window, NDVI tolerance, NDVI of bare soil.
constexpr size_t kWindowRecords = 6;
constexpr float kPlateauTolerance = 0.05f;
constexpr float kBareSoilNdvi = 0.2f;

constexpr std::array<const char*, 4> kMainBands = {"B03", "B04", "B08", "B11"};
constexpr std::array<const char*, 4> kRedEdgeBands = {"B05", "B06", "B07", "B8A"};
constexpr std::array<const char*, 27> kStatisticNames = {
    "ndvi_max", "ndvi_mean", "ndvi_deviation",
    "ndvi_contrast_max", "ndvi_contrast_min", "ndvi_contrast_range",
    "ndvi_plateau", "ndvi_plateau_days", "ndvi_plateau_product",
    "ndvi_rise_area", "ndvi_rise_days", "ndvi_rise_slope",
    "ndvi_fall_area", "ndvi_fall_days", "ndvi_fall_slope",
    "bare_soil_up", "bare_soil_down",
    "ndwi_max", "ndwi_min", "ndwi_mean", "ndwi_median", "ndwi_deviation",
    "brightness_max", "brightness_min", "brightness_mean", "brightness_median", "brightness_deviation"};
constexpr std::array<const char*, 5> kMoments = {"max_slope", "min_slope", "max_ndvi", "min_ndvi", "max_red"};

enum RedEdgeIndex { kReNdvi, kB05B08, kPsri, kRep, kRedEdgeIndices };
constexpr std::array<const char*, kRedEdgeIndices> kRedEdgeNames = {"re_ndvi", "b05_b08", "psri", "re_position"};

std::string Dated(absl::string_view what, int day) {
  return absl::StrCat(what, "_", geo::FormatDay(geo::DayFromNumber(day)));
}

template <typename Index>
void FillIndex(size_t pixels, float* out, Index index) {
  for (size_t i = 0; i < pixels; ++i) out[i] = index(i);
}

}  // namespace

int FeatureSet::BandIndex(absl::string_view band) const {
  const auto found = std::find(bands_.begin(), bands_.end(), band);
  return found == bands_.end() ? -1 : static_cast<int>(found - bands_.begin());
}

absl::StatusOr<FeatureSet> FeatureSet::Create(FeatureKind kind, std::span<const std::string> bands,
                                              std::span<const int> days, bool red_edge) {
  FeatureSet set;
  set.kind_ = kind;
  set.bands_.assign(bands.begin(), bands.end());
  set.days_.assign(days.begin(), days.end());
  if (days.empty()) return absl::InvalidArgumentError("the season has no day: its end lies before its start");
  std::vector<std::string> missing;
  for (const char* band : kMainBands) {
    if (set.BandIndex(band) >= 0) {
      set.spectrum_.push_back(band);
    } else {
      missing.push_back(band);
    }
  }
  if (!missing.empty() && (kind != FeatureKind::kCropType || set.spectrum_.empty())) {
    return absl::InvalidArgumentError(absl::StrCat("no product of the season has band ", absl::StrJoin(missing, ", "),
                                                   ", which the features need"));
  }
  for (const char* band : kRedEdgeBands) {
    if (red_edge && set.BandIndex(band) >= 0) set.spectrum_.push_back(band);
  }
  const auto has = [&set](absl::string_view band) { return set.BandIndex(band) >= 0; };
  set.red_edge_ = red_edge && has("B02") && has("B05") && has("B06") && has("B07");
  switch (kind) {
    case FeatureKind::kCropMask: set.NameCropMask(); break;
    case FeatureKind::kCropMaskSnapshots: set.NameSnapshots(); break;
    case FeatureKind::kCropType: set.NameCropType(); break;
  }
  return set;
}

std::vector<const float*> FeatureSet::Compute(const FilledSeries& series, std::vector<float>& scratch) const {
  const size_t n = series.pixels();
  if (kind_ == FeatureKind::kCropType) return ComputeCropType(series, scratch);
  scratch.resize(names_.size() * n);
  if (kind_ == FeatureKind::kCropMask) {
    ComputeCropMask(series, scratch.data());
    if (red_edge_) ComputeRedEdge(series, scratch.data() + kStatisticNames.size() * n);
  } else {
    ComputeSnapshots(series, scratch.data());
  }
  std::vector<const float*> planes;
  for (size_t f = 0; f < names_.size(); ++f) planes.push_back(scratch.data() + f * n);
  return planes;
}

void FeatureSet::NameCropMask() {
  names_.assign(kStatisticNames.begin(), kStatisticNames.end());
  if (!red_edge_) return;
  for (int day : days_) {
    for (const char* name : kRedEdgeNames) names_.push_back(Dated(name, day));
  }
}

void FeatureSet::NameSnapshots() {
  for (const char* moment : kMoments) {
    for (const std::string& band : spectrum_) names_.push_back(absl::StrCat(moment, "_", band));
  }
}

void FeatureSet::NameCropType() {
  const auto has = [this](absl::string_view band) { return BandIndex(band) >= 0; };
  for (int day : days_) {
    for (const std::string& band : spectrum_) names_.push_back(Dated(band, day));
    if (has("B08") && has("B04")) names_.push_back(Dated("ndvi", day));
    if (has("B11") && has("B08")) names_.push_back(Dated("ndwi", day));
    if (has("B03") && has("B04") && has("B08") && has("B11")) names_.push_back(Dated("brightness", day));
  }
}

void FeatureSet::ComputeCropMask(const FilledSeries& series, float* planes) const {
  const size_t n = series.pixels();
  const int green = BandIndex("B03"), red = BandIndex("B04"), nir = BandIndex("B08"), swir = BandIndex("B11");
  std::vector<float> index(n * days_.size());
  const auto plane = [planes, n](size_t feature) { return planes + feature * n; };
  const SeriesPlanes over_time{index.data(), n, days_};

  for (size_t t = 0; t < days_.size(); ++t) {
    const float *r = series.plane(red, t), *k = series.plane(nir, t);
    NdviOfPlanes(k, r, n, index.data() + t * n);
  }
  std::vector<float> minimum(n);
  Extremes(over_time, plane(0), minimum.data());
  MeanAndDeviation(over_time, plane(1), plane(2));
  WindowContrasts(over_time, kWindowRecords, plane(3), plane(4), plane(5));
  Plateau(over_time, kWindowRecords, kPlateauTolerance, plane(6), plane(7), plane(8));
  LargestTransition(over_time, 1, plane(9), plane(10), plane(11));
  LargestTransition(over_time, -1, plane(12), plane(13), plane(14));
  Crossings(over_time, kBareSoilNdvi, plane(15), plane(16));

  for (size_t t = 0; t < days_.size(); ++t) {
    const float *s = series.plane(swir, t), *k = series.plane(nir, t);
    NdwiOfPlanes(s, k, n, index.data() + t * n);
  }
  Extremes(over_time, plane(17), plane(18));
  MeanAndDeviation(over_time, plane(19), plane(21));
  Median(over_time, plane(20));

  for (size_t t = 0; t < days_.size(); ++t) {
    const float *g = series.plane(green, t), *r = series.plane(red, t), *k = series.plane(nir, t),
                *s = series.plane(swir, t);
    BrightnessOfPlanes(g, r, k, s, n, index.data() + t * n);
  }
  Extremes(over_time, plane(22), plane(23));
  MeanAndDeviation(over_time, plane(24), plane(26));
  Median(over_time, plane(25));
}

void FeatureSet::ComputeRedEdge(const FilledSeries& series, float* planes) const {
  const size_t n = series.pixels();
  const int i02 = BandIndex("B02"), i04 = BandIndex("B04"), i05 = BandIndex("B05"), i06 = BandIndex("B06"),
            i07 = BandIndex("B07"), i08 = BandIndex("B08");
  for (size_t t = 0; t < days_.size(); ++t) {
    const float *b02 = series.plane(i02, t), *b04 = series.plane(i04, t), *b05 = series.plane(i05, t),
                *b06 = series.plane(i06, t), *b07 = series.plane(i07, t), *b08 = series.plane(i08, t);
    float* out = planes + t * kRedEdgeIndices * n;
    FillIndex(n, out + kReNdvi * n, [=](size_t i) { return RedEdgeNdvi(b08[i], b06[i]); });
    FillIndex(n, out + kB05B08 * n, [=](size_t i) { return Ratio(b05[i], b08[i]); });
    FillIndex(n, out + kPsri * n, [=](size_t i) { return Psri(b04[i], b02[i], b05[i]); });
    FillIndex(n, out + kRep * n, [=](size_t i) { return RedEdgePosition(b04[i], b05[i], b06[i], b07[i]); });
  }
}

void FeatureSet::ComputeSnapshots(const FilledSeries& series, float* planes) const {
  const size_t n = series.pixels(), dates = days_.size();
  const int red = BandIndex("B04"), nir = BandIndex("B08");
  std::vector<float> ndvi(n * dates);
  for (size_t t = 0; t < dates; ++t) {
    const float *r = series.plane(red, t), *k = series.plane(nir, t);
    NdviOfPlanes(k, r, n, ndvi.data() + t * n);
  }
  // For each moment the date that has it: the first one among equals. `score` is what is maximal at the moment.
  std::vector<uint32_t> date_of(kMoments.size() * n, 0);
  std::vector<float> best(n);
  const auto search = [&](size_t moment, auto score) {
    std::fill(best.begin(), best.end(), -INFINITY);
    uint32_t* chosen = date_of.data() + moment * n;
    for (size_t t = 0; t < dates; ++t) {
      for (size_t i = 0; i < n; ++i) {
        const float value = score(t, i);
        const bool better = value > best[i];
        best[i] = better ? value : best[i];
        chosen[i] = better ? static_cast<uint32_t>(t) : chosen[i];
      }
    }
  };
  // Change per day between the neighbouring records (one-sided at the ends of the season).
  const auto slope = [&](size_t t, size_t i) {
    const size_t before = t > 0 ? t - 1 : t, after = std::min(t + 1, dates - 1);
    const int gap = std::max(1, days_[after] - days_[before]);
    return (ndvi[after * n + i] - ndvi[before * n + i]) / static_cast<float>(gap);
  };
  search(0, slope);
  search(1, [&](size_t t, size_t i) { return -slope(t, i); });
  search(2, [&](size_t t, size_t i) { return ndvi[t * n + i]; });
  search(3, [&](size_t t, size_t i) { return -ndvi[t * n + i]; });
  search(4, [&](size_t t, size_t i) { return series.plane(red, t)[i]; });
  for (size_t moment = 0; moment < kMoments.size(); ++moment) {
    for (size_t b = 0; b < spectrum_.size(); ++b) {
      const int band = BandIndex(spectrum_[b]);
      float* out = planes + (moment * spectrum_.size() + b) * n;
      const uint32_t* chosen = date_of.data() + moment * n;
      for (size_t i = 0; i < n; ++i) out[i] = series.plane(band, chosen[i])[i];
    }
  }
}

std::vector<const float*> FeatureSet::ComputeCropType(const FilledSeries& series, std::vector<float>& scratch) const {
  const size_t n = series.pixels();
  const int green = BandIndex("B03"), red = BandIndex("B04"), nir = BandIndex("B08"), swir = BandIndex("B11");
  std::vector<size_t> bands;
  for (const std::string& band : spectrum_) bands.push_back(BandIndex(band));
  scratch.resize((names_.size() - days_.size() * bands.size()) * n);
  std::vector<const float*> planes;
  float* out = scratch.data();
  const auto keep_index = [&] {
    planes.push_back(out);
    out += n;
  };
  for (size_t t = 0; t < days_.size(); ++t) {
    for (size_t band : bands) planes.push_back(series.plane(band, t));
    const auto at = [&](int band) { return band >= 0 ? series.plane(band, t) : nullptr; };
    const float *g = at(green), *r = at(red), *k = at(nir), *s = at(swir);
    if (k != nullptr && r != nullptr) {
      NdviOfPlanes(k, r, n, out);
      keep_index();
    }
    if (s != nullptr && k != nullptr) {
      NdwiOfPlanes(s, k, n, out);
      keep_index();
    }
    if (g != nullptr && r != nullptr && k != nullptr && s != nullptr) {
      BrightnessOfPlanes(g, r, k, s, n, out);
      keep_index();
    }
  }
  return planes;
}

}  // namespace arpent::kernels
