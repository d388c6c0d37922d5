// The atmosphere of one exact state, straight from the solver: no table, no interpolation in state or geometry. For
// whoever must not share the correction's tables (the simulator) and for checking them. About 5 ms a wavelength node
// and core with the default settings; a band touches 2 to 6 of the 20 nodes, all bands of a sensor about 18.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_FORWARD_MODEL_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_FORWARD_MODEL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/atmosphere/radiative_inputs.h"
#include "common/kernels/atmosphere/tables.h"

namespace arpent::kernels {

// Coefficients of the named bands of a sensor, in their order. INVALID_ARGUMENT for an unknown band or a state outside
// of the validity of tables.h.
absl::StatusOr<std::vector<BandCoefficients>> ExactCoefficients(const RadiativeInputs& inputs, Sensor sensor,
                                                                const std::vector<std::string>& bands,
                                                                const Geometry& geometry, const AtmosphericState& state,
                                                                const SolverSettings& settings = {});

// What scattering alone does to a band; how it and the gases make up BandCoefficients is the same for tables and
// solver.
struct BandScattering {
  double rho_atm = 0, rho_molecules = 0;  // path reflectance of the mixture, and of the molecules alone
  double t_down = 1, t_up = 1, s_albedo = 0;
  double optical_depth = 0;
};

// `gas` holds the state's air mass and columns.
BandCoefficients Combine(const BandScattering& scattering, const GasCoefficients& coefficients, const GasState& gas,
                         double cos_sun, double cos_view);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_FORWARD_MODEL_H_
