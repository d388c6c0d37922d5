// The air of a simulated scene: what ground of a given reflectance looks like from above. The states come straight from the
// solver (kernels/atmosphere/forward_model.h), a few per scene, with none of the corrector's tables or inversion; between them
// this file interpolates by itself. The aerosol is a model of the site's choice, which the corrector is told or not.
#ifndef ARPENT_COMMON_SIMULATE_FORWARD_ATMOSPHERE_H_
#define ARPENT_COMMON_SIMULATE_FORWARD_ATMOSPHERE_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/atmosphere/radiative_inputs.h"
#include "common/scene/scene.h"

namespace arpent::simulate {

// The solver's input files. `folder` "": where they were installed, else the source tree. NOT_FOUND or INVALID_ARGUMENT naming
// the file.
absl::StatusOr<kernels::RadiativeInputs> ReadRadiativeInputs(const std::string& folder);

struct AirState {
  double aot_550 = 0.1, water_vapour_gcm2 = 2, altitude_km = 0;
};

// rho_toa = path + gas * transmittance * (up_direct_share * rho + (1 - up_direct_share) * rho_env) / (1 - s_albedo * rho_env),
// with rho_env the mean reflectance of the surroundings. `direct_share` is the part of the downward transmittance that a
// cloud's shadow or a slope away from the sun takes away.
struct ForwardBand {
  double path = 0, transmittance = 1, s_albedo = 0, gas = 1, direct_share = 1, up_direct_share = 1;
};

// Immutable once solved; thread-safe.
class SceneAir {
 public:
  struct Range {
    double lowest_aot = 0.1, highest_aot = 0.2;
    double lowest_km = 0, highest_km = 0;
    double water_vapour_gcm2 = 2;  // about; At() takes any
    double ozone_atmcm = 0.32;
  };

  // Solves three AOTs (and, where the ground has relief, three altitudes) for all bands of `metadata`, in the mean angles of
  // the scene. INVALID_ARGUMENT when sun, view or state are outside of the solver's validity.
  static absl::StatusOr<SceneAir> Solve(const kernels::RadiativeInputs& inputs, const scene::SceneMetadata& metadata,
                                        const std::string& aerosol, const Range& range, int threads);

  // `band` in the order of the metadata. Quadratic between the solved states, which it meets exactly.
  ForwardBand At(int band, const AirState& state) const;

 private:
  // One band in one solved state, without gas.
  struct Node {
    double rho_atm = 0, rho_molecules = 0, t_down = 1, t_up = 1, t_down_direct = 1, t_up_direct = 1, s_albedo = 0;
  };

  kernels::GasState GasAt(const AirState& state) const;
  const Node& At(int band, int altitude, int aot) const { return nodes_[(band * altitudes_km_.size() + altitude) * aots_.size() + aot]; }

  std::vector<double> aots_, altitudes_km_;
  std::vector<Node> nodes_;  // [band][altitude][aot]
  std::vector<kernels::GasCoefficients> gas_;
  double air_mass_ = 2, ozone_atmcm_ = 0.32;
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_FORWARD_ATMOSPHERE_H_
