#include "common/kernels/atmosphere/forward_model.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/table_data.h"

namespace arpent::kernels {
namespace {

// Solutions of one state at the wavelength nodes, made when first asked for.
class NodeSolutions {
 public:
  NodeSolutions(const RadiativeInputs& inputs, const Geometry& geometry, const AtmosphericState& state,
                const SolverSettings& settings)
      : inputs_(inputs),
        geometry_(geometry),
        state_(state),
        column_(MolecularColumn(state.altitude_km)),
        grid_(settings, {geometry.sun_zenith_deg}, {geometry.view_zenith_deg}),
        molecules_(grid_, MolecularExpansion()),
        solved_(inputs.node_um.size(), false) {
    for (std::vector<double>* values : {&path_, &molecular_path_, &down_, &up_, &albedo_}) {
      values->assign(inputs.node_um.size(), 1.0);
    }
  }

  BandScattering Band(const BandInput& band) {
    for (const SpectralSample& sample : band.samples) {
      SolveNode(sample.node);
      SolveNode(sample.node + 1);
    }
    BandScattering result{.rho_atm = band.Mean(path_.data()),
                          .rho_molecules = band.Mean(molecular_path_.data()),
                          .t_down = band.Mean(down_.data()),
                          .t_up = band.Mean(up_.data()),
                          .s_albedo = band.Mean(albedo_.data()),
                          .optical_depth = band.MolecularDepth() * column_};
    if (state_.aerosol != AerosolModel::kNone) {
      std::vector<double> extinction;
      for (const AerosolOptics& optics : inputs_.aerosol[static_cast<size_t>(state_.aerosol)]) {
        extinction.push_back(optics.relative_extinction);
      }
      result.optical_depth += state_.aot_550 * band.Mean(extinction.data());
    }
    return result;
  }

  double cos_sun() const { return grid_.sun_cosine(0); }
  double cos_view() const { return grid_.view_cosine(0); }

 private:
  double Path(const ScatteringSolution& solution, const PhaseMatrices* aerosol) const {
    return PathRadiance(grid_, solution, molecules_, aerosol, 0, 0, geometry_.relative_azimuth_deg) / cos_sun();
  }

  void SolveNode(int node) {
    if (solved_[node]) return;
    solved_[node] = true;
    const Column column = inputs_.ColumnAt(node, state_.aerosol, state_.aot_550, column_);
    std::optional<PhaseMatrices> aerosol;
    if (column.aerosol_depth > 0) {
      aerosol.emplace(grid_, inputs_.aerosol[static_cast<size_t>(state_.aerosol)][node].expansion);
    }
    const PhaseMatrices* present = aerosol ? &*aerosol : nullptr;
    const ScatteringSolution solution = Solve(grid_, column, molecules_, present);
    path_[node] = molecular_path_[node] = Path(solution, present);
    down_[node] = solution.transmittance_sun[0];
    up_[node] = solution.transmittance_view[0];
    albedo_[node] = solution.s_albedo;
    if (present == nullptr) return;
    const Column molecules{.molecular_depth = column.molecular_depth};
    molecular_path_[node] = Path(Solve(grid_, molecules, molecules_, nullptr), nullptr);
  }

  const RadiativeInputs& inputs_;
  const Geometry geometry_;
  const AtmosphericState state_;
  const double column_;
  const AngularGrid grid_;
  const PhaseMatrices molecules_;
  std::vector<bool> solved_;
  std::vector<double> path_, molecular_path_, down_, up_, albedo_;
};

}  // namespace

absl::StatusOr<std::vector<BandCoefficients>> ExactCoefficients(const RadiativeInputs& inputs, Sensor sensor,
                                                                const std::vector<std::string>& bands,
                                                                const Geometry& geometry, const AtmosphericState& state,
                                                                const SolverSettings& settings) {
  ARPENT_RETURN_IF_ERROR(AtmosphereTables::Check(geometry, state));
  NodeSolutions nodes(inputs, geometry, state, settings);
  const GasState gas{.air_mass = 1 / nodes.cos_sun() + 1 / nodes.cos_view(),
                     .water_vapour_gcm2 = state.water_vapour_gcm2,
                     .ozone_atmcm = state.ozone_atmcm,
                     .pressure_hpa = StandardPressureHpa(state.altitude_km)};
  std::vector<BandCoefficients> result;
  for (const std::string& name : bands) {
    const auto band = std::find_if(inputs.bands.begin(), inputs.bands.end(), [&](const BandInput& candidate) {
      return candidate.sensor == sensor && candidate.name == name;
    });
    if (band == inputs.bands.end()) {
      return absl::InvalidArgumentError(absl::StrCat("band \"", name, "\" is unknown for ", NameOf(sensor)));
    }
    result.push_back(Combine(nodes.Band(*band), band->gas, gas, nodes.cos_sun(), nodes.cos_view()));
  }
  return result;
}

BandCoefficients Combine(const BandScattering& scattering, const GasCoefficients& coefficients, const GasState& gas,
                         double cos_sun, double cos_view) {
  BandCoefficients c;
  GasState less_water = gas;
  c.gas = GasTransmittance(coefficients, gas);
  less_water.water_vapour_gcm2 = 0.5 * gas.water_vapour_gcm2;
  const double half_water = GasTransmittance(coefficients, less_water);
  less_water.water_vapour_gcm2 = 0;
  const double no_water = GasTransmittance(coefficients, less_water);
  // The aerosol lies within the water: its light has passed half of it, that of the molecules above has passed none.
  c.rho_atm = scattering.rho_atm;
  c.rho_path = (scattering.rho_atm - scattering.rho_molecules) * half_water + scattering.rho_molecules * no_water;
  c.t_down_direct = std::min(std::exp(-scattering.optical_depth / cos_sun), scattering.t_down);
  c.t_up_direct = std::min(std::exp(-scattering.optical_depth / cos_view), scattering.t_up);
  c.t_down_diffuse = scattering.t_down - c.t_down_direct;
  c.t_up_diffuse = scattering.t_up - c.t_up_direct;
  c.s_albedo = scattering.s_albedo;
  FinishCoefficients(c);
  return c;
}

}  // namespace arpent::kernels
