#include "common/kernels/atmosphere/tables.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/forward_model.h"
#include "common/kernels/atmosphere/table_data.h"

namespace arpent::kernels {
namespace {

constexpr double kRadians = std::numbers::pi / 180.0;

// `count` neighbouring nodes and their Lagrange weights.
template <int count>
struct Stencil {
  int first = 0;
  std::array<double, count> weight{};
};

template <int count, typename NodeAt>
Stencil<count> LagrangeStencil(double x, int first, const NodeAt& node) {
  Stencil<count> stencil{.first = first};
  for (int i = 0; i < count; ++i) {
    double weight = 1;
    for (int k = 0; k < count; ++k) {
      if (k != i) weight *= (x - node(first + k)) / (node(first + i) - node(first + k));
    }
    stencil.weight[i] = weight;
  }
  return stencil;
}

Stencil<4> ZenithStencil(double zenith_deg) {
  const int first = std::clamp(static_cast<int>(zenith_deg / kZenithStepDeg) - 1, 0, kZenithCount - 4);
  return LagrangeStencil<4>(zenith_deg, first, [](int i) { return i * kZenithStepDeg; });
}

Stencil<4> AotStencil(double aot) {
  const int above = static_cast<int>(std::upper_bound(kAotNodes.begin(), kAotNodes.end(), aot) - kAotNodes.begin());
  const int first = std::clamp(above - 2, 0, static_cast<int>(kAotNodes.size()) - 4);
  return LagrangeStencil<4>(aot, first, [](int i) { return kAotNodes[i]; });
}

Stencil<3> ColumnStencil(double column) {
  return LagrangeStencil<3>(column, 0, [](int i) { return kColumnNodes[i]; });
}

// What the tables hold, interpolated to one state and geometry.
struct Scattering {
  double rho_atm = 0, t_down = 1, t_up = 1, s_albedo = 0;
};

// Interpolates the rows of one state (all zeniths) to the sun and view zenith.
class StateSampler {
 public:
  StateSampler(const Geometry& geometry)
      : sun_(ZenithStencil(geometry.sun_zenith_deg)),
        view_(ZenithStencil(geometry.view_zenith_deg)),
        cos_sun_(std::cos(geometry.sun_zenith_deg * kRadians)),
        cos_view_(std::cos(geometry.view_zenith_deg * kRadians)) {
    const double s = std::sin(geometry.view_zenith_deg * kRadians);
    const double phi = geometry.relative_azimuth_deg * kRadians;
    for (int t = 0; t < kPathTermCount; ++t) {
      double basis = std::cos(kPathTerms[t].order * phi);
      for (int i = 0; i < kPathTerms[t].order + 2 * kPathTerms[t].power; ++i) basis *= s;
      basis_[t] = basis;
    }
    const double sines = s * std::sin(geometry.sun_zenith_deg * kRadians);
    cos_scattering_ = -cos_sun_ * cos_view_ - sines * std::cos(phi);
    sine_square_ = s * s;
  }

  double cos_sun() const { return cos_sun_; }
  double cos_view() const { return cos_view_; }

  // The weighted sum of the table over `column` and `aot` nodes; kNone is the first model's AOT 0.
  Scattering Sample(const BandTable& band, int model, const Stencil<3>& column, const Stencil<4>& aot) const {
    std::array<double, kTermCount> sun{};
    double view_depth = 0, albedo = 0;
    for (int c = 0; c < 3; ++c) {
      for (int a = 0; a < 4; ++a) {
        const double weight = column.weight[c] * aot.weight[a];
        if (weight == 0) continue;
        const size_t state = BandTable::StateIndex(model, column.first + c, aot.first + a);
        albedo += weight * band.albedo[state];
        const float* rows = band.terms.data() + state * kZenithCount * kTermCount;
        for (int z = 0; z < 4; ++z) {
          const double sun_weight = weight * sun_.weight[z];
          const float* row = rows + (sun_.first + z) * kTermCount;
          for (int t = 0; t < kTermCount; ++t) sun[t] += sun_weight * row[t];
          view_depth += weight * view_.weight[z] * rows[(view_.first + z) * kTermCount + kTermCount - 1];
        }
      }
    }
    double path = 0;
    for (int t = 0; t < kPathTermCount; ++t) path += sun[t] * basis_[t];
    const double* single = sun.data() + kPathTermCount;
    const double single_weight = single[0] + sine_square_ * (single[1] + sine_square_ * single[2]);
    if (single_weight != 0) path += single_weight * PhaseAt(band, model, cos_scattering_);
    return {.rho_atm = path / cos_sun_,
            .t_down = std::exp(-sun[kTermCount - 1] / cos_sun_),
            .t_up = std::exp(-view_depth / cos_view_),
            .s_albedo = albedo};
  }

 private:
  Stencil<4> sun_, view_;
  double cos_sun_, cos_view_;
  double cos_scattering_ = -1, sine_square_ = 0;
  std::array<double, kPathTermCount> basis_{};
};

absl::Status CheckRange(absl::string_view name, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, "; it must lie in ", low, " to ", high));
}

Geometry Clamped(Geometry geometry) {
  geometry.sun_zenith_deg = std::clamp(geometry.sun_zenith_deg, 0.0, kMaximumSunZenithDeg);
  geometry.view_zenith_deg = std::clamp(geometry.view_zenith_deg, 0.0, kMaximumViewZenithDeg);
  return geometry;
}

bool IsFinite(const Geometry& geometry, const AtmosphericState& state) {
  return std::isfinite(geometry.sun_zenith_deg) && std::isfinite(geometry.view_zenith_deg) &&
         std::isfinite(geometry.relative_azimuth_deg) && std::isfinite(state.aot_550) &&
         std::isfinite(state.water_vapour_gcm2) && std::isfinite(state.ozone_atmcm) && std::isfinite(state.altitude_km);
}

BandCoefficients NotANumber() {
  BandCoefficients c;
  const double nan = std::nan("");
  c.rho_path = c.rho_atm = c.t_down_direct = c.t_up_direct = c.s_albedo = c.gas = nan;
  FinishCoefficients(c);
  return c;
}

}  // namespace

AtmosphereTables::AtmosphereTables() = default;
AtmosphereTables::AtmosphereTables(AtmosphereTables&&) noexcept = default;
AtmosphereTables& AtmosphereTables::operator=(AtmosphereTables&&) noexcept = default;
AtmosphereTables::~AtmosphereTables() = default;

absl::StatusOr<AtmosphereTables> AtmosphereTables::Parse(absl::string_view bytes) {
  ARPENT_ASSIGN_OR_RETURN(TableData data, ParseTables(bytes));
  AtmosphereTables tables;
  tables.data_ = std::make_unique<const TableData>(std::move(data));
  tables.digest_ = Sha256Of(bytes);
  return tables;
}

absl::StatusOr<int> AtmosphereTables::BandIndex(Sensor sensor, absl::string_view band) const {
  for (size_t i = 0; i < data_->bands.size(); ++i) {
    if (data_->bands[i].sensor == sensor && data_->bands[i].name == band) return static_cast<int>(i);
  }
  std::string known;
  for (const std::string& name : BandsOf(sensor)) absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  return absl::InvalidArgumentError(
      absl::StrCat("band \"", band, "\" is unknown for ", NameOf(sensor), "; it has ", known));
}

std::vector<std::string> AtmosphereTables::BandsOf(Sensor sensor) const {
  std::vector<std::string> names;
  for (const BandTable& band : data_->bands) {
    if (band.sensor == sensor) names.push_back(band.name);
  }
  return names;
}

absl::Status AtmosphereTables::Check(const Geometry& geometry, const AtmosphericState& state) {
  ARPENT_RETURN_IF_ERROR(CheckRange("sun zenith (deg)", geometry.sun_zenith_deg, 0, kMaximumSunZenithDeg));
  ARPENT_RETURN_IF_ERROR(CheckRange("view zenith (deg)", geometry.view_zenith_deg, 0, kMaximumViewZenithDeg));
  ARPENT_RETURN_IF_ERROR(CheckRange("relative azimuth (deg)", geometry.relative_azimuth_deg, -720, 720));
  ARPENT_RETURN_IF_ERROR(CheckRange("AOT at 550 nm", state.aot_550, 0, kMaximumAot));
  ARPENT_RETURN_IF_ERROR(CheckRange("water vapour (g/cm2)", state.water_vapour_gcm2, 0, kMaximumWaterVapourGcm2));
  ARPENT_RETURN_IF_ERROR(CheckRange("ozone (atm-cm)", state.ozone_atmcm, 0, kMaximumOzoneAtmcm));
  return CheckRange("altitude (km)", state.altitude_km, kMinimumAltitudeKm, kMaximumAltitudeKm);
}

absl::StatusOr<BandCoefficients> AtmosphereTables::CoefficientsOf(int band, const Geometry& geometry,
                                                                  const AtmosphericState& state) const {
  if (band < 0 || band >= static_cast<int>(data_->bands.size())) {
    return absl::InvalidArgumentError(absl::StrCat("band index ", band, " does not exist"));
  }
  ARPENT_RETURN_IF_ERROR(Check(geometry, state));
  return CoefficientsUnchecked(band, geometry, state);
}

absl::StatusOr<BandCoefficients> AtmosphereTables::CoefficientsOf(Sensor sensor, absl::string_view band,
                                                                  const Geometry& geometry,
                                                                  const AtmosphericState& state) const {
  ARPENT_ASSIGN_OR_RETURN(const int index, BandIndex(sensor, band));
  return CoefficientsOf(index, geometry, state);
}

BandCoefficients AtmosphereTables::CoefficientsUnchecked(int band_index, const Geometry& unclamped,
                                                         const AtmosphericState& state) const {
  if (!IsFinite(unclamped, state)) return NotANumber();
  const BandTable& band = data_->bands[band_index];
  const StateSampler sampler(Clamped(unclamped));
  const bool has_aerosol = state.aerosol != AerosolModel::kNone;
  const double aot = has_aerosol ? std::clamp(state.aot_550, 0.0, kMaximumAot) : 0.0;
  const double altitude = std::clamp(state.altitude_km, kMinimumAltitudeKm, kMaximumAltitudeKm);
  const double column = MolecularColumn(altitude);
  const Stencil<3> columns = ColumnStencil(column);
  const int model = has_aerosol ? static_cast<int>(state.aerosol) : 0;
  const Scattering mixed = sampler.Sample(band, model, columns, AotStencil(aot));
  const Scattering molecules = aot == 0 ? mixed : sampler.Sample(band, model, columns, AotStencil(0));

  const GasState gas{.air_mass = 1.0 / sampler.cos_sun() + 1.0 / sampler.cos_view(),
                     .water_vapour_gcm2 = state.water_vapour_gcm2,
                     .ozone_atmcm = state.ozone_atmcm,
                     .pressure_hpa = StandardPressureHpa(altitude)};
  const BandScattering scattering{
      .rho_atm = mixed.rho_atm,
      .rho_molecules = molecules.rho_atm,
      .t_down = mixed.t_down,
      .t_up = mixed.t_up,
      .s_albedo = mixed.s_albedo,
      .optical_depth = band.molecular_optical_thickness * column + aot * RelativeExtinction(band_index, state.aerosol)};
  return Combine(scattering, band.gas, gas, sampler.cos_sun(), sampler.cos_view());
}

double AtmosphereTables::GasTransmittance(int band, double air_mass, double water_vapour_gcm2, double ozone_atmcm,
                                          double altitude_km) const {
  return kernels::GasTransmittance(data_->bands[band].gas, {.air_mass = air_mass,
                                                            .water_vapour_gcm2 = water_vapour_gcm2,
                                                            .ozone_atmcm = ozone_atmcm,
                                                            .pressure_hpa = StandardPressureHpa(altitude_km)});
}

double AtmosphereTables::RelativeExtinction(int band, AerosolModel model) const {
  if (model == AerosolModel::kNone) return 0;
  return data_->bands[band].relative_extinction[static_cast<size_t>(model)];
}

double AtmosphereTables::MolecularOpticalThickness(int band, double altitude_km) const {
  return data_->bands[band].molecular_optical_thickness * MolecularColumn(altitude_km);
}

double AtmosphereTables::WavelengthUm(int band) const { return data_->bands[band].wavelength_um; }

}  // namespace arpent::kernels
