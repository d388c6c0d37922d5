// The content of the tables and its bytes: shared by AtmosphereTables (reads) and the program that makes tables.
//
// File, little-endian: "ARPNTLUT", uint32 version, uint32 number of bands, uint64 payload size, 64 hex digits SHA-256
// of the payload, payload. Payload, band by band: uint32 sensor, 8 characters name (zero padded), then floats in the
// order of BandTable's members.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLE_DATA_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLE_DATA_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kernels/atmosphere/gas.h"
#include "common/kernels/atmosphere/sensor.h"

namespace arpent::kernels {

// Changes whenever the layout below, the axes or the meaning of a number changes.
inline constexpr uint32_t kTableVersion = 2;

// Axes. The molecular column is relative to sea level: 1 at 0 km, 0.54 at 5 km.
inline constexpr std::array<double, 3> kColumnNodes = {1.06, 0.78, 0.50};
inline constexpr std::array<double, 9> kAotNodes = {0, 0.05, 0.1, 0.2, 0.35, 0.6, 0.9, 1.4, 2.0};
inline constexpr int kZenithCount = 16;
inline constexpr double kZenithStepDeg = 5;  // 0, 5, .. 75

// Path reflectance times cos(sun zenith) is, with s = sin(view zenith), phi the relative azimuth and theta the
// scattering angle,
//   sum over path terms of c * s^(order + 2 * power) * cos(order * phi)
//   + P(theta) * sum over k of w_k * s^(2 k):
// light scattered once by aerosol is kept apart, as its phase function P has features (glory, bow) too narrow for the
// smooth terms.
struct PathTerm {
  int order, power;
};
inline constexpr std::array<PathTerm, 10> kPathTerms = {
    {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {3, 0}, {3, 1}}};
inline constexpr int kPathTermCount = static_cast<int>(kPathTerms.size());
inline constexpr int kSingleTermCount = 3;  // behind the path terms
// The last: -cos(zenith) * ln(total scattering transmittance at that zenith).
inline constexpr int kTermCount = kPathTermCount + kSingleTermCount + 1;

// Scattering angles at which the phase function is given: 88.5, 89.25, .. 180 deg.
inline constexpr int kPhaseCount = 123;
inline constexpr double kPhaseFirstDeg = 88.5, kPhaseStepDeg = 0.75;

struct BandTable {
  Sensor sensor = Sensor::kS2A;
  std::string name;
  float wavelength_um = 0;
  float molecular_optical_thickness = 0;  // above sea level
  std::array<float, kAerosolModelCount> relative_extinction{};
  GasCoefficients gas;
  std::vector<float> phase;   // [model][scattering angle]
  std::vector<float> terms;   // [model][column][aot][zenith][term]
  std::vector<float> albedo;  // [model][column][aot]

  static constexpr size_t kStateCount = kAerosolModelCount * kColumnNodes.size() * kAotNodes.size();
  static constexpr size_t kPhaseSize = static_cast<size_t>(kAerosolModelCount) * kPhaseCount;
  static constexpr size_t kTermsSize = kStateCount * kZenithCount * kTermCount;
  static size_t StateIndex(int model, int column, int aot) {
    return (static_cast<size_t>(model) * kColumnNodes.size() + column) * kAotNodes.size() + aot;
  }
};

// The band's phase function at a scattering angle, interpolated (cubic).
double PhaseAt(const BandTable& band, int model, double cos_scattering_angle);

struct TableData {
  std::vector<BandTable> bands;
};

std::string SerializeTables(const TableData& data);

// DATA_LOSS or FAILED_PRECONDITION, see AtmosphereTables::Parse.
absl::StatusOr<TableData> ParseTables(absl::string_view bytes);

// Molecules above `altitude_km` relative to those above sea level (US 1962 standard atmosphere as 6S integrates it).
double MolecularColumn(double altitude_km);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_TABLE_DATA_H_
