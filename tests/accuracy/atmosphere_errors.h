// Errors of the atmosphere's tables against the 6S truth table (shared data, radiative_transfer) and against the solver
// without tables, for the accuracy test and the report.
#ifndef ARPENT_TESTS_ACCURACY_ATMOSPHERE_ERRORS_H_
#define ARPENT_TESTS_ACCURACY_ATMOSPHERE_ERRORS_H_

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/atmosphere/tables.h"

namespace arpent::accuracy {

// One band in one state; errors are ours minus the truth's.
struct Sample {
  std::string sensor, band, aerosol;
  std::array<double, 4> toa{};      // TOA reflectance over ground of kGround
  std::array<double, 4> surface{};  // surface reflectance from the truth's TOA reflectance over kGround
  double gas = 0;                   // two-way gas transmittance
};
inline constexpr std::array<double, 4> kGround = {0, 0.05, 0.2, 0.4};

// The tables of the build tree.
absl::StatusOr<kernels::AtmosphereTables> BuiltTables();

// Every row of truth.csv.
absl::StatusOr<std::vector<Sample>> CompareWithTruth(const kernels::AtmosphereTables& tables, const std::string& path);

// The truth's own coefficients (columns xa, xb, xc) in the truth's TOA reflectance: `surface` only.
absl::StatusOr<std::vector<Sample>> FourNumbersOfTruth(const std::string& path);

// `count` random states (seeded) of all bands of one sensor each: sun zenith to 70 deg, view to 12, AOT to 1,
// altitude to 3 km, every aerosol model. The truth is the solver itself with more streams and layers than the tables
// use, so that the errors are those of the tables' grid and of the solver's discretisation, in ranges that truth.csv
// does not cover.
absl::StatusOr<std::vector<Sample>> CompareWithSolver(const kernels::AtmosphereTables& tables, int count);

struct Summary {
  size_t count = 0;  // values of TOA reflectance
  double toa_rms = 0, toa_99 = 0, toa_max = 0;
  double surface_rms = 0, surface_within = 0;  // within 0.005 + 0.05 rho, a fraction
  double gas_rms = 0;
};

Summary Summarise(const std::vector<Sample>& samples, const std::function<bool(const Sample&)>& chosen);

bool IsCirrus(const Sample& sample);       // B10 and Landsat's B9
bool IsWaterVapour(const Sample& sample);  // B09
bool IsLand(const Sample& sample);         // neither
bool IsCoastal(const Sample& sample);      // B01 and Landsat's B1

}  // namespace arpent::accuracy

#endif  // ARPENT_TESTS_ACCURACY_ATMOSPHERE_ERRORS_H_
