#include "common/learn/sample_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/kernels/classify/section_file.h"

namespace arpent::learn {
namespace {

// A problem of a column, or "" when all columns fit together.
std::string ColumnProblem(const SampleTable& table) {
  const size_t rows = table.rows();
  const auto check = [rows](absl::string_view name, size_t length, size_t expected_per_row) {
    return length == rows * expected_per_row
               ? std::string()
               : absl::StrCat("column ", name, " has ", length, " values for ", rows, " samples");
  };
  for (const std::string& problem :
       {check("polygon_ids", table.polygon_ids.size(), 1), check("stratum", table.stratum.size(), 1),
        check("split", table.split.size(), 1), check("weights", table.weights.size(), 1),
        check("values", table.values.size(), table.feature_names.size())}) {
    if (!problem.empty()) return problem;
  }
  const auto by_code = [](const LegendEntry& a, const LegendEntry& b) { return a.code < b.code; };
  if (!std::is_sorted(table.legend.begin(), table.legend.end(), by_code)) return "legend is not in order of code";
  for (size_t i = 0; i < rows; ++i) {
    const LegendEntry wanted{table.class_codes[i], ""};
    if (!std::binary_search(table.legend.begin(), table.legend.end(), wanted, by_code)) {
      return absl::StrCat("sample ", i, " has class code ", table.class_codes[i], ", which the legend lacks");
    }
    if (table.stratum[i] >= table.strata.size()) return absl::StrCat("sample ", i, " has an unknown stratum");
    if (table.split[i] > SampleSplit::kValidate) return absl::StrCat("sample ", i, " has an unknown split");
    if (!(table.weights[i] > 0) || std::isinf(table.weights[i])) {
      return absl::StrCat("sample ", i, " has the weight ", table.weights[i]);
    }
  }
  return "";
}

template <typename T>
absl::Status ReadColumn(const kernels::SectionFile& file, absl::string_view name, std::vector<T>& column) {
  ARPENT_ASSIGN_OR_RETURN(std::span<const T> values, file.Array<T>(name));
  column.assign(values.begin(), values.end());
  return absl::OkStatus();
}

}  // namespace

std::string SampleTableFile(absl::string_view purpose) { return absl::StrCat(purpose, ".samples"); }

absl::StatusOr<std::string> WriteSampleTable(SampleTable table) {
  if (const std::string problem = ColumnProblem(table); !problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("sample table of ", table.tile, ": ", problem));
  }
  kernels::SectionWriter writer(kSampleTableMagic, kSampleTableVersion);
  std::vector<std::string> names;
  std::vector<uint16_t> codes;
  for (const LegendEntry& entry : table.legend) {
    codes.push_back(entry.code);
    names.push_back(entry.name);
  }
  writer.AddStrings("about", {table.purpose, table.tile});
  writer.AddStrings("features", table.feature_names);
  writer.AddArray("codes", codes);
  writer.AddStrings("names", names);
  writer.AddStrings("strata", table.strata);
  writer.AddArray("class", table.class_codes);
  writer.AddArray("polygon", table.polygon_ids);
  writer.AddArray("stratum", table.stratum);
  writer.AddArray("split", table.split);
  writer.AddArray("weight", table.weights);
  writer.AddArray("values", table.values);
  table.values = {};  // which are most of the memory: at no time are they there three times
  return writer.Finish();
}

absl::StatusOr<SampleTable> ReadSampleTable(absl::string_view bytes, absl::string_view what) {
  ARPENT_ASSIGN_OR_RETURN(const kernels::SectionFile file,
                          kernels::SectionFile::Parse(bytes, kSampleTableMagic, kSampleTableVersion, what));
  SampleTable table;
  ARPENT_ASSIGN_OR_RETURN(const std::vector<std::string> about, file.Strings("about"));
  if (about.size() != 2) return file.Damaged("about", "has a broken length");
  table.purpose = about[0];
  table.tile = about[1];
  ARPENT_ASSIGN_OR_RETURN(table.feature_names, file.Strings("features"));
  ARPENT_ASSIGN_OR_RETURN(table.strata, file.Strings("strata"));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, file.Strings("names"));
  ARPENT_ASSIGN_OR_RETURN(const std::span<const uint16_t> codes, file.Array<uint16_t>("codes"));
  if (codes.size() != names.size()) return file.Damaged("codes", "does not fit the names");
  for (size_t i = 0; i < codes.size(); ++i) table.legend.push_back({codes[i], names[i]});
  ARPENT_RETURN_IF_ERROR(ReadColumn(file, "class", table.class_codes));
  ARPENT_RETURN_IF_ERROR(ReadColumn(file, "polygon", table.polygon_ids));
  ARPENT_RETURN_IF_ERROR(ReadColumn(file, "stratum", table.stratum));
  ARPENT_RETURN_IF_ERROR(ReadColumn(file, "split", table.split));
  ARPENT_RETURN_IF_ERROR(ReadColumn(file, "weight", table.weights));
  ARPENT_RETURN_IF_ERROR(ReadColumn(file, "values", table.values));
  if (const std::string problem = ColumnProblem(table); !problem.empty()) {
    return absl::DataLossError(absl::StrCat(what, ": ", problem));
  }
  return table;
}

}  // namespace arpent::learn
