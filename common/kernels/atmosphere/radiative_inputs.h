// The physical input of the solver, from the text of the files in data/: aerosol optics and phase matrices at a few
// wavelengths, the bands' spectral weights and gas fits. No file is read here.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_RADIATIVE_INPUTS_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_RADIATIVE_INPUTS_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kernels/atmosphere/gas.h"
#include "common/kernels/atmosphere/sensor.h"
#include "common/kernels/atmosphere/solver.h"

namespace arpent::kernels {

// Names of the files within the data folder.
inline constexpr char kAerosolFileName[] = "aerosol_expansion.csv";
inline constexpr char kSpectralFileName[] = "spectral_weights.csv";
inline constexpr char kGasFileName[] = "gas_coefficients.csv";

struct AerosolOptics {
  double relative_extinction = 1;  // to 550 nm
  double albedo = 1;               // single scattering
  PhaseExpansion expansion;
};

// A wavelength of a band, between two nodes: a quantity there is f0^(1-fraction) * f1^fraction (power law).
struct SpectralSample {
  double wavelength_um = 0, weight = 0;
  int node = 0;  // the one below
  double fraction = 0;
};

struct BandInput {
  Sensor sensor = Sensor::kS2A;
  std::string name;
  std::vector<SpectralSample> samples;  // weights add up to 1
  GasCoefficients gas;

  // The band's mean of a positive quantity given at the nodes; with step > 1 node i is at values[i * step].
  double Mean(const double* values, int step = 1) const;
  double WavelengthUm() const;
  // Mean optical thickness of molecules above sea level.
  double MolecularDepth() const;
};

struct RadiativeInputs {
  std::vector<double> node_um;                                         // ascending
  std::array<std::vector<AerosolOptics>, kAerosolModelCount> aerosol;  // [model][node]
  std::vector<BandInput> bands;

  // INVALID_ARGUMENT naming the file and line that is wrong, or what is missing.
  static absl::StatusOr<RadiativeInputs> Parse(absl::string_view aerosol_csv, absl::string_view spectral_csv,
                                               absl::string_view gas_csv);

  // The column at a node. `column` is relative to sea level (MolecularColumn).
  Column ColumnAt(int node, AerosolModel model, double aot_550, double column) const;
};

// Optical thickness of molecules above sea level: refraction of Edlen (1966), depolarisation 0.0279.
double MolecularDepthAt(double wavelength_um);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_RADIATIVE_INPUTS_H_
