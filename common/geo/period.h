// Compositing periods: months, dekads and day ranges. Dates are UTC days.
#ifndef ARPENT_COMMON_GEO_PERIOD_H_
#define ARPENT_COMMON_GEO_PERIOD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"

namespace arpent::geo {

// Days since 1970-01-01.
int DayNumber(absl::CivilDay day);
absl::CivilDay DayFromNumber(int day_number);
// "2021-06-30"; INVALID_ARGUMENT for anything else.
absl::StatusOr<absl::CivilDay> ParseDay(absl::string_view text);
std::string FormatDay(absl::CivilDay day);

struct Period {
  std::string name;  // "2021-06", "2021-06-D2" or "20210601_20210630"
  absl::CivilDay first;
  absl::CivilDay last;  // inclusive

  // The middle of the period as a day number (may end in .5).
  double MiddleDay() const;

  // Reads one of the three forms of name.
  static absl::StatusOr<Period> Parse(absl::string_view name);
  friend bool operator==(const Period&, const Period&) = default;
};

// The periods of `kind` ("month", "dekad" or "Nd", as "10d") that a season first..last touches. Months and dekads are
// whole even where the season begins inside one; day ranges count from `first` and the last one is cut at `last`.
absl::StatusOr<std::vector<Period>> PeriodsOf(absl::string_view kind, absl::CivilDay first, absl::CivilDay last);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_PERIOD_H_
