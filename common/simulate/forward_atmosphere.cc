#include "common/simulate/forward_atmosphere.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/forward_model.h"

namespace arpent::simulate {
namespace {

constexpr double kDegree = M_PI / 180;

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Three values over a range, or one when it has no width.
std::vector<double> NodesOver(double lowest, double highest) {
  if (highest - lowest < 1e-6) return {lowest};
  return {lowest, (lowest + highest) / 2, highest};
}

// Lagrange weights of the nodes at `x`, held inside of the range.
std::array<double, 3> WeightsAt(const std::vector<double>& nodes, double x) {
  if (nodes.size() == 1) return {1, 0, 0};
  x = std::clamp(x, nodes.front(), nodes.back());
  const double a = nodes[0], b = nodes[1], c = nodes[2];
  return {(x - b) * (x - c) / ((a - b) * (a - c)), (x - a) * (x - c) / ((b - a) * (b - c)),
          (x - a) * (x - b) / ((c - a) * (c - b))};
}

}  // namespace

absl::StatusOr<kernels::RadiativeInputs> ReadRadiativeInputs(const std::string& folder) {
  std::error_code error;
  const std::string installed = ARPENT_ATMOSPHERE_INSTALLED_DATA;
  const std::string place = !folder.empty()                                     ? folder
                            : std::filesystem::is_directory(installed, error) ? installed
                                                                                : ARPENT_ATMOSPHERE_SOURCE_DATA;
  ARPENT_ASSIGN_OR_RETURN(const std::string aerosol, ReadText(absl::StrCat(place, "/", kernels::kAerosolFileName)));
  ARPENT_ASSIGN_OR_RETURN(const std::string spectral, ReadText(absl::StrCat(place, "/", kernels::kSpectralFileName)));
  ARPENT_ASSIGN_OR_RETURN(const std::string gas, ReadText(absl::StrCat(place, "/", kernels::kGasFileName)));
  absl::StatusOr<kernels::RadiativeInputs> inputs = kernels::RadiativeInputs::Parse(aerosol, spectral, gas);
  if (!inputs.ok()) return Annotate(inputs.status(), place);
  return inputs;
}

absl::StatusOr<SceneAir> SceneAir::Solve(const kernels::RadiativeInputs& inputs, const scene::SceneMetadata& metadata,
                                         const std::string& aerosol, const Range& range, int threads) {
  ARPENT_ASSIGN_OR_RETURN(const kernels::AerosolModel model, kernels::AerosolModelFromName(aerosol));
  ARPENT_ASSIGN_OR_RETURN(const kernels::Sensor sensor, kernels::SensorFromName(metadata.platform));
  SceneAir air;
  air.aots_ = NodesOver(range.lowest_aot, range.highest_aot);
  air.altitudes_km_ = NodesOver(range.lowest_km, range.highest_km);
  air.ozone_atmcm_ = range.ozone_atmcm;
  // Bands look at the ground within a few tenths of a degree: one of the middle stands for all.
  const size_t middle = metadata.bands.size() / 2;
  const kernels::Geometry geometry{metadata.mean_sun_zenith_deg, metadata.mean_view_zenith_deg[middle],
                                   metadata.mean_sun_azimuth_deg - metadata.mean_view_azimuth_deg[middle]};
  air.air_mass_ = 1 / std::cos(geometry.sun_zenith_deg * kDegree) + 1 / std::cos(geometry.view_zenith_deg * kDegree);
  std::vector<std::string> names;
  for (const scene::Band& band : metadata.bands) {
    names.push_back(band.name);
    const auto input = std::find_if(inputs.bands.begin(), inputs.bands.end(), [&](const kernels::BandInput& candidate) {
      return candidate.sensor == sensor && candidate.name == band.name;
    });
    if (input == inputs.bands.end()) return absl::InvalidArgumentError(absl::StrCat("band ", band.name, " has no spectral data"));
    air.gas_.push_back(input->gas);
  }
  const size_t aots = air.aots_.size(), states = aots * air.altitudes_km_.size();
  air.nodes_.resize(names.size() * states);
  ARPENT_RETURN_IF_ERROR(ParallelFor(states, threads, [&](size_t i) -> absl::Status {
    const double altitude_km = air.altitudes_km_[i / aots], aot = air.aots_[i % aots];
    ARPENT_ASSIGN_OR_RETURN(const std::vector<kernels::BandCoefficients> solved,
                            kernels::ExactCoefficients(inputs, sensor, names, geometry,
                                                       {model, aot, range.water_vapour_gcm2, range.ozone_atmcm, altitude_km}));
    kernels::GasState gas = air.GasAt({aot, range.water_vapour_gcm2, altitude_km});
    kernels::GasState half = gas, none = gas;
    half.water_vapour_gcm2 /= 2;
    none.water_vapour_gcm2 = 0;
    for (size_t band = 0; band < solved.size(); ++band) {
      const kernels::BandCoefficients& c = solved[band];
      Node& node = air.nodes_[band * states + i];
      node = {c.rho_atm, 0, c.t_down(), c.t_up(), c.t_down_direct, c.t_up_direct, c.s_albedo};
      // The aerosol's share of the path has passed half of the water, the molecules' none; where water matters, that tells
      // them apart.
      const double with_half = GasTransmittance(air.gas_[band], half), without = GasTransmittance(air.gas_[band], none);
      if (without - with_half > 1e-9) node.rho_molecules = (c.rho_path - c.rho_atm * with_half) / (without - with_half);
    }
    return absl::OkStatus();
  }));
  return air;
}

kernels::GasState SceneAir::GasAt(const AirState& state) const {
  return {.air_mass = air_mass_,
          .water_vapour_gcm2 = state.water_vapour_gcm2,
          .ozone_atmcm = ozone_atmcm_,
          .pressure_hpa = kernels::StandardPressureHpa(state.altitude_km)};
}

ForwardBand SceneAir::At(int band, const AirState& state) const {
  const std::array<double, 3> by_aot = WeightsAt(aots_, state.aot_550);
  const std::array<double, 3> by_altitude = WeightsAt(altitudes_km_, state.altitude_km);
  Node mean{0, 0, 0, 0, 0, 0, 0};
  for (size_t i = 0; i < altitudes_km_.size(); ++i) {
    for (size_t j = 0; j < aots_.size(); ++j) {
      const Node& node = At(band, static_cast<int>(i), static_cast<int>(j));
      const double weight = by_altitude[i] * by_aot[j];
      mean.rho_atm += weight * node.rho_atm;
      mean.rho_molecules += weight * node.rho_molecules;
      mean.t_down += weight * node.t_down;
      mean.t_up += weight * node.t_up;
      mean.t_down_direct += weight * node.t_down_direct;
      mean.t_up_direct += weight * node.t_up_direct;
      mean.s_albedo += weight * node.s_albedo;
    }
  }
  kernels::GasState gas = GasAt(state);
  ForwardBand forward;
  forward.gas = GasTransmittance(gas_[band], gas);
  gas.water_vapour_gcm2 = state.water_vapour_gcm2 / 2;
  const double with_half = GasTransmittance(gas_[band], gas);
  gas.water_vapour_gcm2 = 0;
  const double without = GasTransmittance(gas_[band], gas);
  forward.path = (mean.rho_atm - mean.rho_molecules) * with_half + mean.rho_molecules * without;
  forward.transmittance = mean.t_down * mean.t_up;
  forward.s_albedo = mean.s_albedo;
  forward.direct_share = mean.t_down_direct / mean.t_down;
  forward.up_direct_share = mean.t_up_direct / mean.t_up;
  return forward;
}

}  // namespace arpent::simulate
