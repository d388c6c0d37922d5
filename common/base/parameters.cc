#include "common/base/parameters.h"

#include <charconv>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace arpent {
namespace {

absl::Status WrongType(absl::string_view name, absl::string_view value, absl::string_view type) {
  return absl::InvalidArgumentError(absl::StrCat("parameter ", name, ": '", value, "' is not ", type));
}

}  // namespace

std::string CanonicalNumber(double value) {
  if (value == 0) return "0";  // -0 and 0 are one setting
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, result.ptr);
}

void Parameters::Set(absl::string_view name, absl::string_view value) {
  values_[std::string(name)] = std::string(value);
}
void Parameters::Set(absl::string_view name, double value) { Set(name, CanonicalNumber(value)); }
void Parameters::Set(absl::string_view name, int64_t value) { Set(name, absl::StrCat(value)); }
void Parameters::Set(absl::string_view name, bool value) { Set(name, absl::string_view(value ? "true" : "false")); }
void Parameters::Set(absl::string_view name, const std::vector<std::string>& values) {
  Set(name, absl::StrJoin(values, ","));
}

bool Parameters::Has(absl::string_view name) const { return values_.find(std::string(name)) != values_.end(); }

absl::StatusOr<std::string> Parameters::GetString(absl::string_view name) const {
  const auto found = values_.find(std::string(name));
  if (found == values_.end()) return absl::InvalidArgumentError(absl::StrCat("parameter ", name, " is missing"));
  return found->second;
}

absl::StatusOr<double> Parameters::GetDouble(absl::string_view name) const {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, GetString(name));
  double value = 0;
  if (!absl::SimpleAtod(text, &value)) return WrongType(name, text, "a number");
  return value;
}

absl::StatusOr<int64_t> Parameters::GetInt(absl::string_view name) const {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, GetString(name));
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return WrongType(name, text, "a whole number");
  return value;
}

absl::StatusOr<bool> Parameters::GetBool(absl::string_view name) const {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, GetString(name));
  if (text == "true") return true;
  if (text == "false") return false;
  return WrongType(name, text, "true or false");
}

absl::StatusOr<std::vector<std::string>> Parameters::GetList(absl::string_view name) const {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, GetString(name));
  return std::vector<std::string>(absl::StrSplit(text, ',', absl::SkipEmpty()));
}

std::string Parameters::Canonical() const {
  std::string text;
  for (const auto& [name, value] : values_) absl::StrAppend(&text, name, "=", value, "\n");
  return text;
}

}  // namespace arpent
