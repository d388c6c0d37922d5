#include "common/kernels/atmosphere/radiative_inputs.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <span>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace arpent::kernels {
namespace {

constexpr int kExpansionTerms = 81;
// Column of air times the constants of the formula; agrees with the optical thickness of 6S within 0.02 % in every band
// used over land.
constexpr double kMolecularFactor = 333.5506;

// One line of a file as fields, with errors that name file, line and column.
class Row {
 public:
  Row(absl::string_view file, int line, absl::string_view text)
      : file_(file), line_(line), fields_(absl::StrSplit(text, ',')) {}

  absl::Status Expect(size_t count) const {
    if (fields_.size() == count) return absl::OkStatus();
    return Error(absl::StrCat(fields_.size(), " columns, expected ", count));
  }
  absl::string_view text(size_t column) const { return fields_[column]; }
  absl::StatusOr<double> Number(size_t column) const {
    double value = 0;
    if (absl::SimpleAtod(fields_[column], &value) && std::isfinite(value)) return value;
    return Error(absl::StrCat("column ", column + 1, " is not a number: \"", fields_[column], "\""));
  }
  absl::Status Numbers(size_t first, std::span<double> values) const {
    for (size_t i = 0; i < values.size(); ++i) {
      ARPENT_ASSIGN_OR_RETURN(values[i], Number(first + i));
    }
    return absl::OkStatus();
  }
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, " line ", line_, ": ", what));
  }

 private:
  absl::string_view file_;
  int line_;
  std::vector<absl::string_view> fields_;
};

// Visits the lines behind the header.
absl::Status ForEachRow(absl::string_view file, absl::string_view text,
                        const std::function<absl::Status(const Row&)>& visit) {
  int line = 0;
  for (absl::string_view content : absl::StrSplit(text, '\n')) {
    if (++line == 1 || content.empty()) continue;
    ARPENT_RETURN_IF_ERROR(visit(Row(file, line, content)));
  }
  return absl::OkStatus();
}

absl::Status ParseAerosolRow(const Row& row, RadiativeInputs& inputs) {
  ARPENT_RETURN_IF_ERROR(row.Expect(4 + 4 * kExpansionTerms));
  absl::StatusOr<AerosolModel> model = AerosolModelFromName(row.text(0));
  if (!model.ok() || *model == AerosolModel::kNone) return row.Error("unknown aerosol model");
  std::array<double, 3 + 4 * kExpansionTerms> numbers;
  ARPENT_RETURN_IF_ERROR(row.Numbers(1, numbers));
  AerosolOptics optics{.relative_extinction = numbers[1], .albedo = numbers[2]};
  const double* part = numbers.data() + 3;
  for (std::vector<double>* values :
       {&optics.expansion.b, &optics.expansion.g, &optics.expansion.a, &optics.expansion.z}) {
    values->assign(part, part + kExpansionTerms);
    part += kExpansionTerms;
  }
  std::vector<AerosolOptics>& nodes = inputs.aerosol[static_cast<size_t>(*model)];
  // The first model sets the nodes; the others must have the same.
  if (*model == kAerosolModels[0]) {
    if (!inputs.node_um.empty() && numbers[0] <= inputs.node_um.back()) return row.Error("wavelengths must ascend");
    inputs.node_um.push_back(numbers[0]);
  } else if (nodes.size() >= inputs.node_um.size() || inputs.node_um[nodes.size()] != numbers[0]) {
    return row.Error("the wavelengths differ from those of the first model");
  }
  nodes.push_back(std::move(optics));
  return absl::OkStatus();
}

absl::Status ParseSpectralRow(const Row& row, RadiativeInputs& inputs) {
  ARPENT_RETURN_IF_ERROR(row.Expect(4));
  ARPENT_ASSIGN_OR_RETURN(const Sensor sensor, SensorFromName(row.text(0)));
  SpectralSample sample;
  ARPENT_ASSIGN_OR_RETURN(sample.wavelength_um, row.Number(2));
  ARPENT_ASSIGN_OR_RETURN(sample.weight, row.Number(3));
  const std::vector<double>& nodes = inputs.node_um;
  if (sample.wavelength_um < nodes.front() || sample.wavelength_um > nodes.back()) {
    return row.Error("the wavelength lies outside of the aerosol file's");
  }
  const auto above = std::upper_bound(nodes.begin(), nodes.end() - 1, sample.wavelength_um);
  sample.node = static_cast<int>(above - nodes.begin()) - 1;
  sample.fraction =
      std::log(sample.wavelength_um / nodes[sample.node]) / std::log(nodes[sample.node + 1] / nodes[sample.node]);
  if (inputs.bands.empty() || inputs.bands.back().sensor != sensor || inputs.bands.back().name != row.text(1)) {
    inputs.bands.push_back({.sensor = sensor, .name = std::string(row.text(1))});
  }
  inputs.bands.back().samples.push_back(sample);
  return absl::OkStatus();
}

absl::Status ParseGasRow(const Row& row, size_t index, RadiativeInputs& inputs) {
  using G = GasCoefficients;
  constexpr size_t kCount = std::tuple_size_v<decltype(G::water)> + std::tuple_size_v<decltype(G::ozone)> +
                            std::tuple_size_v<decltype(G::other)> + std::tuple_size_v<decltype(G::overlap)> +
                            std::tuple_size_v<decltype(G::present)>;
  ARPENT_RETURN_IF_ERROR(row.Expect(2 + kCount));
  ARPENT_ASSIGN_OR_RETURN(const Sensor sensor, SensorFromName(row.text(0)));
  if (index >= inputs.bands.size() || inputs.bands[index].sensor != sensor || inputs.bands[index].name != row.text(1)) {
    return row.Error("bands must come in the order of the spectral weights");
  }
  std::array<double, kCount> numbers;
  ARPENT_RETURN_IF_ERROR(row.Numbers(2, numbers));
  G& gas = inputs.bands[index].gas;
  const double* next = numbers.data();
  const auto take = [&next](std::span<float> values) {
    for (float& value : values) value = static_cast<float>(*next++);
  };
  take(gas.water);
  take(gas.ozone);
  take(gas.other);
  take(gas.overlap);
  take(gas.present);
  return absl::OkStatus();
}

}  // namespace

double BandInput::Mean(const double* values, int step) const {
  double mean = 0;
  for (const SpectralSample& sample : samples) {
    const double below = values[sample.node * step], above = values[(sample.node + 1) * step];
    mean += sample.weight * std::exp((1 - sample.fraction) * std::log(below) + sample.fraction * std::log(above));
  }
  return mean;
}

double BandInput::WavelengthUm() const {
  double mean = 0;
  for (const SpectralSample& sample : samples) mean += sample.weight * sample.wavelength_um;
  return mean;
}

double BandInput::MolecularDepth() const {
  double mean = 0;
  for (const SpectralSample& sample : samples) mean += sample.weight * MolecularDepthAt(sample.wavelength_um);
  return mean;
}

double MolecularDepthAt(double wavelength_um) {
  constexpr double kDepolarisation = 0.0279;
  const double v = 1 / (wavelength_um * wavelength_um);
  const double n = 1 + 1e-8 * (8342.13 + 2406030.0 / (130.0 - v) + 15997.0 / (38.9 - v));
  const double square = n * n;
  const double lorentz = (square - 1) / (square + 2);
  return kMolecularFactor * 24 * std::pow(std::numbers::pi, 3) * lorentz * lorentz * v * v * (6 + 3 * kDepolarisation) /
         (6 - 7 * kDepolarisation);
}

absl::StatusOr<RadiativeInputs> RadiativeInputs::Parse(absl::string_view aerosol_csv, absl::string_view spectral_csv,
                                                       absl::string_view gas_csv) {
  RadiativeInputs inputs;
  ARPENT_RETURN_IF_ERROR(
      ForEachRow(kAerosolFileName, aerosol_csv, [&](const Row& row) { return ParseAerosolRow(row, inputs); }));
  for (AerosolModel model : kAerosolModels) {
    if (inputs.node_um.size() < 2 || inputs.aerosol[static_cast<size_t>(model)].size() != inputs.node_um.size()) {
      return absl::InvalidArgumentError(absl::StrCat(kAerosolFileName, ": rows of ", NameOf(model), " are missing"));
    }
  }
  ARPENT_RETURN_IF_ERROR(
      ForEachRow(kSpectralFileName, spectral_csv, [&](const Row& row) { return ParseSpectralRow(row, inputs); }));
  size_t gases = 0;
  ARPENT_RETURN_IF_ERROR(
      ForEachRow(kGasFileName, gas_csv, [&](const Row& row) { return ParseGasRow(row, gases++, inputs); }));
  if (inputs.bands.empty() || gases != inputs.bands.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kGasFileName, ": ", gases, " bands, ", kSpectralFileName, " has ", inputs.bands.size()));
  }
  for (BandInput& band : inputs.bands) {  // the file's weights are rounded
    double total = 0;
    for (const SpectralSample& sample : band.samples) total += sample.weight;
    for (SpectralSample& sample : band.samples) sample.weight /= total;
  }
  return inputs;
}

Column RadiativeInputs::ColumnAt(int node, AerosolModel model, double aot_550, double column) const {
  Column result{.molecular_depth = MolecularDepthAt(node_um[node]) * column};
  if (model == AerosolModel::kNone || aot_550 <= 0) return result;
  const AerosolOptics& optics = aerosol[static_cast<size_t>(model)][node];
  result.aerosol_depth = aot_550 * optics.relative_extinction;
  result.aerosol_albedo = optics.albedo;
  return result;
}

}  // namespace arpent::kernels
