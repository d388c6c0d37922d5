// Tables of a single-scattering atmosphere for tests: right in shape and rough in size, made in a moment, so that the
// stage is tested without arpent-lut. Never used for products.
#ifndef ARPENT_COMMON_STAGES_L2A_ANALYTIC_TABLES_H_
#define ARPENT_COMMON_STAGES_L2A_ANALYTIC_TABLES_H_

#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "common/kernels/atmosphere/table_data.h"

namespace arpent::stages {

inline kernels::BandTable AnalyticBand(kernels::Sensor sensor, const std::string& name, double wavelength_um) {
  using kernels::BandTable;
  BandTable table;
  table.sensor = sensor;
  table.name = name;
  table.wavelength_um = static_cast<float>(wavelength_um);
  const double w = wavelength_um;
  const double molecules = 0.008569 / (w * w * w * w) * (1 + 0.0113 / (w * w));
  const double extinction = std::pow(w / 0.55, -1.3);
  table.molecular_optical_thickness = static_cast<float>(molecules);
  table.relative_extinction.fill(static_cast<float>(extinction));
  if (name == "B09") {
    // Depth 0.55 sqrt(air mass * water), written in the fit's own variable.
    const double middle = 0.5 * (std::log(45.0) + std::log(0.01)), half = 0.5 * (std::log(45.0) - std::log(0.01));
    table.gas.present[0] = 1;
    table.gas.water[0] = static_cast<float>(std::log(0.55) + 0.5 * middle);
    table.gas.water[kernels::GasCoefficients::kWaterPressureOrder] = static_cast<float>(0.5 * half);
  }
  table.phase.assign(BandTable::kPhaseSize, 0.0f);  // the aerosol's light is in the path terms
  table.terms.assign(BandTable::kTermsSize, 0.0f);
  table.albedo.assign(BandTable::kStateCount, 0.0f);
  for (int model = 0; model < kernels::kAerosolModelCount; ++model) {
    for (size_t column = 0; column < kernels::kColumnNodes.size(); ++column) {
      for (size_t aot = 0; aot < kernels::kAotNodes.size(); ++aot) {
        const size_t state = BandTable::StateIndex(model, static_cast<int>(column), static_cast<int>(aot));
        const double tr = molecules * kernels::kColumnNodes[column];
        const double ta = extinction * kernels::kAotNodes[aot];
        table.albedo[state] = static_cast<float>(0.46 * tr * std::exp(-tr) + 0.1 * ta);
        for (int zenith = 0; zenith < kernels::kZenithCount; ++zenith) {
          const double mu = std::cos(zenith * kernels::kZenithStepDeg * std::numbers::pi / 180);
          constexpr double g = 0.68;
          const double aerosol = (1 - g * g) / std::pow(1 + g * g + 2 * g * mu, 1.5);
          float* terms = &table.terms[(state * kernels::kZenithCount + zenith) * kernels::kTermCount];
          terms[0] =
              static_cast<float>((tr * 0.75 * (1 + mu * mu) + 0.95 * ta * aerosol) / 4 * std::exp(-0.35 * (tr + ta)));
          terms[kernels::kTermCount - 1] = static_cast<float>(0.52 * tr + 0.2 * ta);
        }
      }
    }
  }
  return table;
}

// The bytes of a tables file for Sentinel-2A.
inline std::string AnalyticTables() {
  kernels::TableData data;
  for (const auto& [name, wavelength_um] : {std::pair<const char*, double>{"B01", 0.443},
                                            {"B02", 0.492},
                                            {"B03", 0.560},
                                            {"B04", 0.665},
                                            {"B05", 0.704},
                                            {"B06", 0.741},
                                            {"B07", 0.783},
                                            {"B08", 0.833},
                                            {"B8A", 0.865},
                                            {"B09", 0.945},
                                            {"B10", 1.374},
                                            {"B11", 1.614},
                                            {"B12", 2.202}}) {
    data.bands.push_back(AnalyticBand(kernels::Sensor::kS2A, name, wavelength_um));
  }
  return kernels::SerializeTables(data);
}

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_ANALYTIC_TABLES_H_
