#include "common/insitu/legend.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace arpent::insitu {
namespace {

// Fields of one CSV line; quotes double inside quotes.
std::vector<std::string> SplitCsvLine(absl::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if ((c == ',' || c == ';') && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  for (std::string& field : fields) absl::StripAsciiWhitespace(&field);
  return fields;
}

bool IsColour(absl::string_view text) {
  return text.size() == 7 && text[0] == '#' &&
         std::all_of(text.begin() + 1, text.end(), [](unsigned char c) { return absl::ascii_isxdigit(c); });
}

std::optional<int64_t> WholeNumber(absl::string_view label) {
  int64_t value = 0;
  return absl::SimpleAtoi(label, &value) ? std::optional(value) : std::nullopt;
}

bool IsCode(absl::string_view label) {
  const auto value = WholeNumber(label);
  return value && *value >= kSmallestCode && *value <= kLargestCode;
}

}  // namespace

absl::StatusOr<std::vector<LegendClass>> ParseLegend(absl::string_view csv, absl::string_view what) {
  std::vector<LegendClass> legend;
  std::set<int> codes;
  std::set<std::string> names;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(csv, '\n')) {
    ++number;
    if (number == 1 && line.size() >= 3 && line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    const std::vector<std::string> fields = SplitCsvLine(line);
    const auto problem = [&](absl::string_view text) {
      return absl::InvalidArgumentError(absl::StrCat(what, " line ", number, ": ", text));
    };
    if (!IsCode(fields[0])) {
      if (legend.empty() && absl::AsciiStrToLower(fields[0]) == "code") continue;
      return problem(absl::StrCat("'", fields[0], "' is no code from 1 to 65534"));
    }
    LegendClass entry{static_cast<uint16_t>(*WholeNumber(fields[0])), fields.size() > 1 ? fields[1] : "",
                      fields.size() > 2 ? absl::AsciiStrToLower(fields[2]) : ""};
    if (entry.name.empty()) return problem("the class has no name");
    if (!codes.insert(entry.code).second) return problem(absl::StrCat("code ", entry.code, " stands twice"));
    if (!names.insert(entry.name).second) return problem(absl::StrCat("name '", entry.name, "' stands twice"));
    if (entry.colour.empty()) entry.colour = ColourOf(entry.code);
    if (!IsColour(entry.colour)) return problem(absl::StrCat("'", entry.colour, "' is no colour like #33aa55"));
    legend.push_back(std::move(entry));
  }
  std::sort(legend.begin(), legend.end(), [](const auto& a, const auto& b) { return a.code < b.code; });
  return legend;
}

std::string ColourOf(uint16_t code) {
  // Hues a golden section apart; two levels of lightness by parity.
  const double turns = code * 0.6180339887498949;
  const double hue = 6 * (turns - std::floor(turns));
  const double value = code % 2 == 0 ? 0.85 : 0.65, chroma = value * 0.7;
  const double other = chroma * (1 - std::abs(std::fmod(hue, 2.0) - 1));
  double rgb[3] = {0, 0, 0};
  const int sector = static_cast<int>(hue);
  const int main_channel[6] = {0, 1, 1, 2, 2, 0}, second_channel[6] = {1, 0, 2, 1, 0, 2};
  rgb[main_channel[sector]] = chroma;
  rgb[second_channel[sector]] = other;
  char text[8];
  const auto channel = [&](int k) { return static_cast<int>(std::lround(255 * (rgb[k] + value - chroma))); };
  std::snprintf(text, sizeof text, "#%02x%02x%02x", channel(0) & 255, channel(1) & 255, channel(2) & 255);
  return text;
}

LabelCodes AssignCodes(const std::vector<std::string>& labels, const std::vector<LegendClass>& legend) {
  LabelCodes codes;
  codes.as_given = std::all_of(labels.begin(), labels.end(), [](const std::string& label) { return IsCode(label); });
  if (codes.as_given) {
    for (const std::string& label : labels) codes.code_of[label] = static_cast<uint16_t>(*WholeNumber(label));
    return codes;
  }
  if (!legend.empty()) {
    for (const std::string& label : labels) {
      for (const LegendClass& entry : legend) {
        if (entry.name == label || absl::StrCat(entry.code) == label) codes.code_of[label] = entry.code;
      }
    }
    return codes;
  }
  std::vector<std::string> sorted(labels);
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (std::all_of(sorted.begin(), sorted.end(), [](const std::string& s) { return WholeNumber(s).has_value(); })) {
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const std::string& a, const std::string& b) { return *WholeNumber(a) < *WholeNumber(b); });
  }
  int next = kSmallestCode;
  for (const std::string& label : sorted) {
    if (next > kLargestCode) break;
    codes.code_of[label] = static_cast<uint16_t>(next++);
  }
  return codes;
}

}  // namespace arpent::insitu
