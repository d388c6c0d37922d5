// Tables of an atmosphere simple enough to know its answers, for tests of whatever reads tables: no aerosol effect but
// on the path, transmittance exp(-depth / cos), water in B09 alone.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_SIMPLE_TABLES_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_SIMPLE_TABLES_H_

#include <string>

#include "common/kernels/atmosphere/table_data.h"

namespace arpent::kernels {

// Path reflectance is (kSimplePath + kSimplePathPerAot * AOT) / cos(sun zenith), the total scattering transmittance
// exp(-kSimpleDepth / cos), the spherical albedo kSimpleAlbedo.
inline constexpr double kSimplePath = 0.02, kSimplePathPerAot = 0.1, kSimpleDepth = 0.1, kSimpleAlbedo = 0.15;

inline BandTable SimpleBand(Sensor sensor, const std::string& name, bool absorbs_water) {
  BandTable band{.sensor = sensor, .name = name, .wavelength_um = 0.865f, .molecular_optical_thickness = 0.05f};
  band.relative_extinction.fill(0.5f);
  band.phase.assign(BandTable::kPhaseSize, 1.0f);
  band.terms.assign(BandTable::kTermsSize, 0.0f);
  band.albedo.assign(BandTable::kStateCount, static_cast<float>(kSimpleAlbedo));
  for (size_t state = 0; state < BandTable::kStateCount; ++state) {
    const double aot = kAotNodes[state % kAotNodes.size()];
    for (int zenith = 0; zenith < kZenithCount; ++zenith) {
      float* row = band.terms.data() + (state * kZenithCount + zenith) * kTermCount;
      row[0] = static_cast<float>(kSimplePath + kSimplePathPerAot * aot);
      row[kTermCount - 1] = static_cast<float>(kSimpleDepth);
    }
  }
  if (absorbs_water) {  // depth = exp(-1 + 2 t), t the scaled logarithm of air mass times water
    band.gas.present[0] = 1;
    band.gas.water[0] = -1;
    band.gas.water[GasCoefficients::kWaterPressureOrder] = 2;
  }
  return band;
}

inline TableData SimpleTables() {
  return {.bands = {SimpleBand(Sensor::kS2A, "B02", false), SimpleBand(Sensor::kS2A, "B8A", false),
                    SimpleBand(Sensor::kS2A, "B09", true), SimpleBand(Sensor::kLC08, "B2", false)}};
}

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_SIMPLE_TABLES_H_
