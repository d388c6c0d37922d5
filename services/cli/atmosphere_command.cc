#include "services/cli/atmosphere_command.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "services/cli/command.h"
#include "services/worker/worker_factory.h"

namespace arpent::cli {
namespace {

using kernels::AtmosphereTables;
using kernels::BandCoefficients;

struct NumberColumn {
  absl::string_view name;
  double low, high;
};
constexpr std::array<NumberColumn, 7> kNumberColumns = {{
    {"sza_deg", 0, kernels::kMaximumSunZenithDeg},
    {"vza_deg", 0, kernels::kMaximumViewZenithDeg},
    {"raa_deg", -720, 720},
    {"aot550", 0, kernels::kMaximumAot},
    {"wv_gcm2", 0, kernels::kMaximumWaterVapourGcm2},
    {"o3_atmcm", 0, kernels::kMaximumOzoneAtmcm},
    {"alt_km", kernels::kMinimumAltitudeKm, kernels::kMaximumAltitudeKm},
}};
constexpr std::array<absl::string_view, 3> kTextColumns = {"sensor", "band", "aerosol"};
constexpr absl::string_view kToaColumn = "rho_toa";
constexpr absl::string_view kAppended =
    ",arpent_rho_atm,arpent_t_down_sca,arpent_t_up_sca,arpent_s_alb,arpent_tg_total,arpent_toa_rho000,"
    "arpent_toa_rho005,arpent_toa_rho020,arpent_toa_rho040";

// The fields of a line, without the quotes around them. A comma within quotes does not separate.
void SplitLine(absl::string_view line, std::vector<absl::string_view>& fields) {
  fields.clear();
  size_t start = 0;
  bool quoted = false;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (line[i] != ',' || quoted)) continue;
    absl::string_view field = line.substr(start, i - start);
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
    fields.push_back(field);
    start = i + 1;
  }
}

class Calculator {
 public:
  explicit Calculator(const AtmosphereTables& tables) : tables_(tables) {}

  // The header line; returns what is appended to it.
  absl::StatusOr<std::string> ReadHeader(absl::string_view line) {
    SplitLine(line, fields_);
    std::map<absl::string_view, size_t> position;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (!position.emplace(absl::StripAsciiWhitespace(fields_[i]), i).second) {
        return absl::InvalidArgumentError(absl::StrCat("line 1, column ", fields_[i], ": appears twice"));
      }
    }
    column_count_ = fields_.size();
    const auto find = [&](absl::string_view name, size_t& column) -> absl::Status {
      const auto found = position.find(name);
      if (found == position.end()) {
        return absl::InvalidArgumentError(absl::StrCat("line 1, column ", name, ": is missing"));
      }
      column = found->second;
      return absl::OkStatus();
    };
    for (size_t i = 0; i < kTextColumns.size(); ++i) ARPENT_RETURN_IF_ERROR(find(kTextColumns[i], text_[i]));
    for (size_t i = 0; i < kNumberColumns.size(); ++i) {
      ARPENT_RETURN_IF_ERROR(find(kNumberColumns[i].name, number_[i]));
    }
    has_toa_ = find(kToaColumn, toa_).ok();
    return absl::StrCat(kAppended, has_toa_ ? ",arpent_rho_surface" : "");
  }

  // What is appended to a row.
  absl::StatusOr<std::string> ReadRow(absl::string_view line) {
    SplitLine(line, fields_);
    if (fields_.size() != column_count_) {
      return absl::InvalidArgumentError(absl::StrCat("column ", std::min(fields_.size(), column_count_) + 1,
                                                     ": the row has ", fields_.size(), " columns, the header ",
                                                     column_count_));
    }
    std::array<double, kNumberColumns.size()> numbers;
    for (size_t i = 0; i < numbers.size(); ++i) {
      ARPENT_ASSIGN_OR_RETURN(numbers[i], Number(i));
    }
    const kernels::Geometry geometry{numbers[0], numbers[1], numbers[2]};
    kernels::AtmosphericState state{
        .aot_550 = numbers[3], .water_vapour_gcm2 = numbers[4], .ozone_atmcm = numbers[5], .altitude_km = numbers[6]};
    ARPENT_ASSIGN_OR_RETURN(const int band, Band());
    absl::StatusOr<kernels::AerosolModel> model = kernels::AerosolModelFromName(Text(2));
    if (!model.ok()) return Annotate(model.status(), "column aerosol");
    state.aerosol = *model;
    return Format(tables_.CoefficientsUnchecked(band, geometry, state));
  }

 private:
  absl::string_view Text(size_t i) const { return absl::StripAsciiWhitespace(fields_[text_[i]]); }

  absl::StatusOr<double> Number(size_t i) const {
    const NumberColumn& column = kNumberColumns[i];
    const absl::string_view text = fields_[number_[i]];
    double value = 0;
    if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
      return absl::InvalidArgumentError(absl::StrCat("column ", column.name, ": \"", text, "\" is not a number"));
    }
    if (value < column.low || value > column.high) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", column.name, ": ", text, " is not in ", column.low, " to ", column.high));
    }
    return value;
  }

  // Rows repeat few pairs of sensor and band: each is looked up once.
  absl::StatusOr<int> Band() {
    const absl::string_view sensor = Text(0), band = Text(1);
    const auto known = bands_.find(std::make_pair(std::string(sensor), std::string(band)));
    if (known != bands_.end()) return known->second;
    absl::StatusOr<kernels::Sensor> parsed = kernels::SensorFromName(sensor);
    if (!parsed.ok()) return Annotate(parsed.status(), "column sensor");
    absl::StatusOr<int> index = tables_.BandIndex(*parsed, band);
    if (!index.ok()) return Annotate(index.status(), "column band");
    bands_.emplace(std::make_pair(std::string(sensor), std::string(band)), *index);
    return *index;
  }

  absl::StatusOr<std::string> Format(const BandCoefficients& c) const {
    std::string text = absl::StrFormat(",%.9g,%.9g,%.9g,%.9g,%.9g", c.rho_atm, c.t_down(), c.t_up(), c.s_albedo, c.gas);
    for (double rho : {0.0, 0.05, 0.2, 0.4}) absl::StrAppendFormat(&text, ",%.9g", ToaReflectance(c, rho));
    if (!has_toa_) return text;
    const absl::string_view field = fields_[toa_];
    double toa = 0;
    if (absl::StripAsciiWhitespace(field).empty()) return text + ",";
    if (!absl::SimpleAtod(field, &toa) || !std::isfinite(toa)) {
      return absl::InvalidArgumentError(absl::StrCat("column rho_toa: \"", field, "\" is not a number"));
    }
    absl::StrAppendFormat(&text, ",%.9g", SurfaceReflectance(c, toa));
    return text;
  }

  const AtmosphereTables& tables_;
  std::vector<absl::string_view> fields_;
  size_t column_count_ = 0;
  std::array<size_t, kTextColumns.size()> text_{};
  std::array<size_t, kNumberColumns.size()> number_{};
  bool has_toa_ = false;
  size_t toa_ = 0;
  std::map<std::pair<std::string, std::string>, int> bands_;
};

}  // namespace

absl::Status RunAtmosphere(const AtmosphereTables& tables, std::istream& input, std::ostream& output) {
  Calculator calculator(tables);
  std::string line;
  if (!std::getline(input, line)) return absl::InvalidArgumentError("line 1: the header is missing");
  if (line.rfind("\xef\xbb\xbf", 0) == 0) line.erase(0, 3);  // as spreadsheets begin their files
  for (int number = 1;; ++number) {
    const absl::string_view content = absl::StripSuffix(line, "\r");
    // A blank line is passed on as it is.
    if (number > 1 && content.empty()) {
      output << line << '\n';
    } else {
      absl::StatusOr<std::string> appended = number == 1 ? calculator.ReadHeader(content) : calculator.ReadRow(content);
      if (!appended.ok()) {
        return number == 1 ? appended.status() : Annotate(appended.status(), absl::StrCat("line ", number));
      }
      output << content << *appended << (content.size() < line.size() ? "\r\n" : "\n");
    }
    if (!std::getline(input, line)) break;
  }
  output.flush();
  return output ? absl::OkStatus() : absl::DataLossError("the output cannot be written");
}

absl::Status RunAtmosphereWithFile(const std::string& tables_path, std::istream& input, std::ostream& output) {
  std::ifstream file(tables_path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat(tables_path, ": no tables there; make them with arpent-lut -o ", tables_path));
  }
  absl::StatusOr<AtmosphereTables> tables = AtmosphereTables::Parse(bytes.str());
  if (!tables.ok()) return Annotate(tables.status(), tables_path);
  return RunAtmosphere(*tables, input, output);
}

void AddAtmosphereCommand(CLI::App& app, int& exit_code) {
  auto tables = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("atmosphere", "Radiative-transfer calculator: CSV in, CSV out");
  command->add_option("--tables", *tables, "Folder of the look-up tables (default: $ARPENT_TABLES, else beside the program)");
  command->footer("Reads the columns sensor,band,sza_deg,vza_deg,raa_deg,aerosol,aot550,wv_gcm2,o3_atmcm,alt_km and, if given,\n"
                  "rho_toa; other columns pass through. Relative azimuth 0 is backscatter.\n"
                  "Example:\n  arpent atmosphere < rows.csv");
  OnCall(*command, exit_code, [tables]() -> absl::StatusOr<int> {
    const std::string folder = worker::TablesFolder(*tables);
    ARPENT_RETURN_IF_ERROR(RunAtmosphereWithFile(folder + "/" + kernels::kTablesFileName, std::cin, std::cout));
    return kDone;
  });
}

}  // namespace arpent::cli
