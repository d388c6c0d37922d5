#include "tests/accuracy/atmosphere_errors.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/forward_model.h"
#include "services/lut/table_file.h"

namespace arpent::accuracy {
namespace {

using kernels::AtmosphereTables;
using kernels::BandCoefficients;

// Rows of a CSV file by column name. The file is part of the test data, so that a missing column ends the test.
class Table {
 public:
  explicit Table(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> names = absl::StrSplit(line, ',');
    for (size_t i = 0; i < names.size(); ++i) column_[names[i]] = i;
    while (std::getline(file, line)) rows_.push_back(absl::StrSplit(line, ','));
  }
  size_t size() const { return rows_.size(); }
  const std::string& Text(size_t row, const std::string& name) const { return rows_[row].at(column_.at(name)); }
  double Number(size_t row, const std::string& name) const {
    double value = std::nan("");
    return absl::SimpleAtod(Text(row, name), &value) ? value : std::nan("");
  }

 private:
  std::map<std::string, size_t> column_;
  std::vector<std::vector<std::string>> rows_;
};

Sample Compare(const BandCoefficients& ours, const std::array<double, 4>& truth_toa, double truth_gas) {
  Sample sample;
  for (size_t i = 0; i < kGround.size(); ++i) {
    sample.toa[i] = ToaReflectance(ours, kGround[i]) - truth_toa[i];
    sample.surface[i] = SurfaceReflectance(ours, truth_toa[i]) - kGround[i];
  }
  sample.gas = ours.gas - truth_gas;
  return sample;
}

double Uniform(std::mt19937& random, double low, double high) {
  return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
}

}  // namespace

absl::StatusOr<AtmosphereTables> BuiltTables() {
  std::ifstream file(ARPENT_TABLES_FILE, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) return absl::NotFoundError(ARPENT_TABLES_FILE);
  return AtmosphereTables::Parse(bytes.str());
}

absl::StatusOr<std::vector<Sample>> CompareWithTruth(const AtmosphereTables& tables, const std::string& path) {
  const Table truth(path);
  if (truth.size() == 0) return absl::NotFoundError(path);
  std::vector<Sample> samples;
  for (size_t row = 0; row < truth.size(); ++row) {
    const auto number = [&](const char* name) { return truth.Number(row, name); };
    ARPENT_ASSIGN_OR_RETURN(const kernels::Sensor sensor, kernels::SensorFromName(truth.Text(row, "sensor")));
    ARPENT_ASSIGN_OR_RETURN(const kernels::AerosolModel model,
                            kernels::AerosolModelFromName(truth.Text(row, "aerosol")));
    const kernels::Geometry geometry{number("sza_deg"), number("vza_deg"), number("raa_deg")};
    const kernels::AtmosphericState state{model, number("aot550"), number("wv_gcm2"), number("o3_atmcm"),
                                          number("alt_km")};
    ARPENT_ASSIGN_OR_RETURN(const BandCoefficients ours,
                            tables.CoefficientsOf(sensor, truth.Text(row, "band"), geometry, state));
    const std::array<double, 4> toa = {number("toa_rho000"), number("toa_rho005"), number("toa_rho020"),
                                       number("toa_rho040")};
    samples.push_back(Compare(ours, toa, number("tg_total")));
    samples.back().sensor = truth.Text(row, "sensor");
    samples.back().band = truth.Text(row, "band");
    samples.back().aerosol = truth.Text(row, "aerosol");
  }
  return samples;
}

absl::StatusOr<std::vector<Sample>> FourNumbersOfTruth(const std::string& path) {
  const Table truth(path);
  if (truth.size() == 0) return absl::NotFoundError(path);
  std::vector<Sample> samples(truth.size());
  for (size_t row = 0; row < truth.size(); ++row) {
    Sample& sample = samples[row];
    sample.sensor = truth.Text(row, "sensor");
    sample.band = truth.Text(row, "band");
    size_t i = 0;
    for (const char* column : {"toa_rho000", "toa_rho005", "toa_rho020", "toa_rho040"}) {
      const double y = truth.Number(row, "xa") * truth.Number(row, column) - truth.Number(row, "xb");
      sample.surface[i] = y / (1 + truth.Number(row, "xc") * y) - kGround[i];
      ++i;
    }
  }
  return samples;
}

absl::StatusOr<std::vector<Sample>> CompareWithSolver(const AtmosphereTables& tables, int count) {
  const kernels::SolverSettings fine{.streams = 24, .layers = 60};
  ARPENT_ASSIGN_OR_RETURN(const kernels::RadiativeInputs inputs, lut::ReadInputs(lut::DefaultDataFolder()));
  std::mt19937 random(20150711);
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i) {
    const auto sensor = static_cast<kernels::Sensor>(i % kernels::kSensorCount);
    const kernels::Geometry geometry{Uniform(random, 0, 70), Uniform(random, 0, 12), Uniform(random, 0, 180)};
    const kernels::AtmosphericState state{static_cast<kernels::AerosolModel>(random() % 6), Uniform(random, 0, 1),
                                          Uniform(random, 0.1, 6), Uniform(random, 0.2, 0.5), Uniform(random, 0, 3)};
    const std::vector<std::string> bands = tables.BandsOf(sensor);
    ARPENT_ASSIGN_OR_RETURN(const std::vector<BandCoefficients> truth,
                            kernels::ExactCoefficients(inputs, sensor, bands, geometry, state, fine));
    for (size_t b = 0; b < bands.size(); ++b) {
      ARPENT_ASSIGN_OR_RETURN(const BandCoefficients ours, tables.CoefficientsOf(sensor, bands[b], geometry, state));
      std::array<double, 4> toa;
      for (size_t g = 0; g < kGround.size(); ++g) toa[g] = ToaReflectance(truth[b], kGround[g]);
      samples.push_back(Compare(ours, toa, truth[b].gas));
      samples.back().sensor = std::string(NameOf(sensor));
      samples.back().band = bands[b];
      samples.back().aerosol = std::string(NameOf(state.aerosol));
    }
  }
  return samples;
}

Summary Summarise(const std::vector<Sample>& samples, const std::function<bool(const Sample&)>& chosen) {
  Summary summary;
  std::vector<double> toa;
  double surface = 0, gas = 0, within = 0, rows = 0;
  for (const Sample& sample : samples) {
    if (!chosen(sample)) continue;
    ++rows;
    gas += sample.gas * sample.gas;
    for (size_t i = 0; i < kGround.size(); ++i) {
      toa.push_back(std::abs(sample.toa[i]));
      surface += sample.surface[i] * sample.surface[i];
      within += std::abs(sample.surface[i]) <= 0.005 + 0.05 * kGround[i];
    }
  }
  if (toa.empty()) return summary;
  std::sort(toa.begin(), toa.end());
  const double count = static_cast<double>(toa.size());
  summary.count = toa.size();
  for (double error : toa) summary.toa_rms += error * error;
  summary.toa_rms = std::sqrt(summary.toa_rms / count);
  summary.toa_99 = toa[static_cast<size_t>(0.99 * (count - 1))];
  summary.toa_max = toa.back();
  summary.surface_rms = std::sqrt(surface / count);
  summary.surface_within = within / count;
  summary.gas_rms = std::sqrt(gas / rows);
  return summary;
}

bool IsCirrus(const Sample& sample) { return sample.band == "B10" || sample.band == "B9"; }
bool IsWaterVapour(const Sample& sample) { return sample.band == "B09"; }
bool IsLand(const Sample& sample) { return !IsCirrus(sample) && !IsWaterVapour(sample); }
bool IsCoastal(const Sample& sample) { return sample.band == "B01" || sample.band == "B1"; }

}  // namespace arpent::accuracy
