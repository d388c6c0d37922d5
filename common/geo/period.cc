#include "common/geo/period.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace arpent::geo {
namespace {

const absl::CivilDay kEpoch(1970, 1, 1);

absl::Status NotAPeriod(absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' is not a period; write 2021-06, 2021-06-D2 or 20210601_20210630"));
}

Period MonthOf(absl::CivilMonth month) {
  return {absl::StrFormat("%04d-%02d", month.year(), month.month()), absl::CivilDay(month),
          absl::CivilDay(month + 1) - 1};
}

Period DekadOf(absl::CivilMonth month, int dekad) {  // 1, 2, 3
  const absl::CivilDay first = absl::CivilDay(month) + 10 * (dekad - 1);
  return {absl::StrFormat("%04d-%02d-D%d", month.year(), month.month(), dekad), first,
          dekad < 3 ? first + 9 : absl::CivilDay(month + 1) - 1};
}

Period DaysOf(absl::CivilDay first, absl::CivilDay last) {
  return {absl::StrFormat("%04d%02d%02d_%04d%02d%02d", first.year(), first.month(), first.day(), last.year(),
                          last.month(), last.day()),
          first, last};
}

// A civil day of "20210601" or of three texts; false when there is no such day.
bool MakeDay(absl::string_view year, absl::string_view month, absl::string_view day, absl::CivilDay* result) {
  int y = 0, m = 0, d = 0;
  if (year.size() != 4 || month.size() != 2 || day.size() != 2) return false;
  if (!absl::SimpleAtoi(year, &y) || !absl::SimpleAtoi(month, &m) || !absl::SimpleAtoi(day, &d)) return false;
  *result = absl::CivilDay(y, m, d);
  return result->year() == y && result->month() == m && result->day() == d;
}

}  // namespace

int DayNumber(absl::CivilDay day) { return static_cast<int>(day - kEpoch); }
absl::CivilDay DayFromNumber(int day_number) { return kEpoch + day_number; }

absl::StatusOr<absl::CivilDay> ParseDay(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '-');
  absl::CivilDay day;
  if (parts.size() == 3 && MakeDay(parts[0], parts[1], parts[2], &day)) return day;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a day; write it as 2021-06-30"));
}

std::string FormatDay(absl::CivilDay day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

double Period::MiddleDay() const { return (DayNumber(first) + DayNumber(last)) / 2.0; }

absl::StatusOr<Period> Period::Parse(absl::string_view name) {
  if (name.size() == 17 && name[8] == '_') {
    absl::CivilDay first, last;
    if (!MakeDay(name.substr(0, 4), name.substr(4, 2), name.substr(6, 2), &first) ||
        !MakeDay(name.substr(9, 4), name.substr(13, 2), name.substr(15, 2), &last) || last < first) {
      return NotAPeriod(name);
    }
    return DaysOf(first, last);
  }
  absl::CivilDay first;
  if (name.size() < 7 || name[4] != '-' || !MakeDay(name.substr(0, 4), name.substr(5, 2), "01", &first)) {
    return NotAPeriod(name);
  }
  const absl::CivilMonth month(first);
  if (name.size() == 7) return MonthOf(month);
  if (name.size() == 10 && name.substr(7, 2) == "-D" && name[9] >= '1' && name[9] <= '3') {
    return DekadOf(month, name[9] - '0');
  }
  return NotAPeriod(name);
}

absl::StatusOr<std::vector<Period>> PeriodsOf(absl::string_view kind, absl::CivilDay first, absl::CivilDay last) {
  if (last < first) {
    return absl::InvalidArgumentError(
        absl::StrCat("the season ends on ", FormatDay(last), ", before it starts on ", FormatDay(first)));
  }
  std::vector<Period> periods;
  if (kind == "month" || kind == "dekad") {
    for (absl::CivilMonth month(first); month <= absl::CivilMonth(last); ++month) {
      if (kind == "month") {
        periods.push_back(MonthOf(month));
        continue;
      }
      for (int dekad = 1; dekad <= 3; ++dekad) {
        Period period = DekadOf(month, dekad);
        if (period.last >= first && period.first <= last) periods.push_back(std::move(period));
      }
    }
    return periods;
  }
  int days = 0;
  if (kind.size() < 2 || kind.back() != 'd' || !absl::SimpleAtoi(kind.substr(0, kind.size() - 1), &days) || days < 1) {
    return absl::InvalidArgumentError(absl::StrCat("'", kind, "' is not a kind of period; write month, dekad or 10d"));
  }
  for (absl::CivilDay day = first; day <= last; day += days) periods.push_back(DaysOf(day, std::min(day + days - 1, last)));
  return periods;
}

}  // namespace arpent::geo
