// The parameters of a stage as a sorted list of name=value: what a key is made of, what a worker receives, what a STAC
// item records. Values are text in one canonical form, so that the same setting always gives the same key.
#ifndef ARPENT_COMMON_BASE_PARAMETERS_H_
#define ARPENT_COMMON_BASE_PARAMETERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent {

// The shortest decimal text that reads back as the same double ("0.1", "1e-07", "42").
std::string CanonicalNumber(double value);

class Parameters {
 public:
  Parameters() = default;

  void Set(absl::string_view name, absl::string_view value);
  void Set(absl::string_view name, const char* value) { Set(name, absl::string_view(value)); }
  void Set(absl::string_view name, const std::string& value) { Set(name, absl::string_view(value)); }
  void Set(absl::string_view name, double value);
  void Set(absl::string_view name, int64_t value);
  void Set(absl::string_view name, int value) { Set(name, static_cast<int64_t>(value)); }
  void Set(absl::string_view name, bool value);
  // Lists are joined with ','; an item must not contain one.
  void Set(absl::string_view name, const std::vector<std::string>& values);

  bool Has(absl::string_view name) const;

  // Each getter: INVALID_ARGUMENT naming the parameter when it is absent or not of the type.
  absl::StatusOr<std::string> GetString(absl::string_view name) const;
  absl::StatusOr<double> GetDouble(absl::string_view name) const;
  absl::StatusOr<int64_t> GetInt(absl::string_view name) const;
  absl::StatusOr<bool> GetBool(absl::string_view name) const;
  absl::StatusOr<std::vector<std::string>> GetList(absl::string_view name) const;

  // One "name=value\n" per parameter in order of name: the canonical text.
  std::string Canonical() const;

  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }
  friend bool operator==(const Parameters&, const Parameters&) = default;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_PARAMETERS_H_
