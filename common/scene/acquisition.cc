#include "common/scene/acquisition.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace arpent::scene {
namespace {

constexpr absl::Duration kSameStart = absl::Seconds(30);
constexpr char kTimeFormat[] = "%Y%m%dT%H%M%S";
constexpr size_t kTimeLength = 15;

}  // namespace

absl::Time StripStart(absl::Time datatake_start, const std::string& datastrip_id) {
  const size_t mark = datastrip_id.rfind("_S");
  if (mark == std::string::npos) return datatake_start;
  // "20171207T002252"; %Y would swallow all digits.
  std::string text = datastrip_id.substr(mark + 2, kTimeLength);
  if (text.size() != kTimeLength) return datatake_start;
  for (const size_t place : {13, 11, 6, 4}) text.insert(place, " ");
  absl::Time start;
  std::string error;
  if (!absl::ParseTime("%Y %m %dT%H %M %S", text, absl::UTCTimeZone(), &start, &error)) return datatake_start;
  return absl::AbsDuration(start - datatake_start) <= kSameStart ? datatake_start : start;
}

std::string AcquisitionName(const std::string& platform, absl::Time sensing_start, int relative_orbit,
                            const std::string& tile) {
  return absl::StrCat(platform, "_", absl::FormatTime(kTimeFormat, sensing_start, absl::UTCTimeZone()),
                      absl::StrFormat("_R%03d_T", relative_orbit), tile);
}

}  // namespace arpent::scene
