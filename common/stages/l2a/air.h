// The air over a scene: sun and view angles, and the atmosphere's state, at any place. Positions are metres east and
// south of the scene's upper left corner.
#ifndef ARPENT_COMMON_STAGES_L2A_AIR_H_
#define ARPENT_COMMON_STAGES_L2A_AIR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kernels/atmosphere/inversion.h"
#include "common/kernels/atmosphere/tables.h"
#include "common/raster/image.h"
#include "common/scene/scene.h"

namespace arpent::stages {

struct Direction {
  double zenith_deg = 0, azimuth_deg = 0;
};

// Angles from a scene's coarse grid, bilinear between the nodes that have a value. Where none has, the scene's mean.
class AngleField {
 public:
  // `offset_*`: of the scene's corner from the corner that the grid starts at.
  AngleField(const scene::AngleGrid& grid, Direction mean, double offset_east_m, double offset_south_m);
  Direction At(double east_m, double south_m) const;
  const Direction& mean() const { return mean_; }
  bool mean_only() const { return mean_only_; }

 private:
  scene::AngleGrid grid_;
  Direction mean_;
  double offset_east_m_;
  double offset_south_m_;
  bool mean_only_ = true;
};

// Values on a regular lattice over the scene: the first one at half a cell from the corner. Empty: `constant`
// everywhere.
struct Field {
  raster::Image<float> values;
  double cell_m = 1;
  double constant = 0;

  double At(double east_m, double south_m) const;  // bilinear, continued by the edge values
};

// AOT taken where the scene says nothing: the default, or what CAMS has there and then.
inline constexpr double kDefaultAot = 0.15;
// How far AOT spreads around the guess from scene to scene: an estimate as vague as that counts half.
inline constexpr double kAotSpread = 0.30;
struct AotGuess {
  double aot = kDefaultAot;
  double uncertainty = 0.10;
  std::string source = "default 0.15";
};

class Air {
 public:
  // Copies what it needs of the metadata. INVALID_ARGUMENT: a sensor or band that the tables lack, no finite mean
  // angle, sun below the horizon or lower than the tables reach, view beyond them. `tables` must outlive it.
  static absl::StatusOr<Air> Create(const scene::SceneMetadata& metadata, const kernels::AtmosphereTables& tables,
                                    kernels::AerosolModel aerosol);

  // Indices of `bands` in the scene are those of its metadata.
  kernels::Geometry GeometryAt(int band, double east_m, double south_m) const;
  kernels::AtmosphericState StateAt(double east_m, double south_m) const;
  kernels::BandCoefficients CoefficientsAt(int band, double east_m, double south_m) const;
  // The same for a state of the caller's.
  kernels::BandCoefficients CoefficientsOf(int band, double east_m, double south_m,
                                           const kernels::AtmosphericState& state) const;

  const kernels::AtmosphereTables& tables() const { return *tables_; }
  int TableIndex(int band) const { return table_index_[band]; }
  const AngleField& sun() const { return sun_; }
  kernels::AerosolModel aerosol() const { return aerosol_; }
  void set_aerosol(kernels::AerosolModel aerosol) { aerosol_ = aerosol; }

  Field aot, water_gcm2, altitude_km;
  double ozone_atmcm = 0.3;
  AotGuess aot_guess;
  std::vector<std::string> notes;  // fallbacks taken

 private:
  Air(const kernels::AtmosphereTables& tables, kernels::AerosolModel aerosol, AngleField sun)
      : tables_(&tables), aerosol_(aerosol), sun_(std::move(sun)) {}

  const kernels::AtmosphereTables* tables_;
  kernels::AerosolModel aerosol_;
  AngleField sun_;
  std::vector<AngleField> view_;  // by band of the scene
  std::vector<int> table_index_;
};

// Inversions over a raster of `width` x `height` pixels of `pixel_m`, at nodes `step` pixels apart.
// `inversion_at(east_m, south_m)` is called for each node in row order.
template <typename InversionAt>
kernels::InversionNodes MakeNodes(int width, int height, double pixel_m, int step, bool with_curvature,
                                  const InversionAt& inversion_at) {
  kernels::InversionNodes nodes(width, height, step, with_curvature);
  for (int j = 0; j < nodes.gain.height(); ++j) {
    for (int i = 0; i < nodes.gain.width(); ++i) {
      nodes.Set(i, j, inversion_at((i * step + 0.5) * pixel_m, (j * step + 0.5) * pixel_m));
    }
  }
  return nodes;
}

// Total ozone by latitude, longitude (degrees) and day of year, atm-cm: the fit of van Heuklon (1979).
double OzoneClimatology(double latitude_deg, double longitude_deg, int day_of_year);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_AIR_H_
