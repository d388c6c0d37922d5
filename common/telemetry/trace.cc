#include "common/telemetry/trace.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/digest.h"

namespace arpent::telemetry {
namespace {

constexpr size_t kTraceDigits = 32, kSpanDigits = 16;

std::string RandomDigits(size_t count) {
  thread_local std::random_device random;
  std::string digits;
  while (digits.size() < count) absl::StrAppend(&digits, absl::Hex(static_cast<uint32_t>(random()) | 1u, absl::kZeroPad8));
  return digits;
}

bool IsId(absl::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == absl::string_view::npos &&
         text.find_first_not_of('0') != absl::string_view::npos;
}

}  // namespace

std::string NewTraceId() { return RandomDigits(kTraceDigits); }

std::string TraceIdOf(absl::string_view text) { return Sha256Of(text).substr(0, kTraceDigits); }

std::string MakeTraceparent(absl::string_view trace_id) {
  return absl::StrCat("00-", trace_id, "-", RandomDigits(kSpanDigits), "-01");
}

std::string ParseTraceparent(absl::string_view traceparent) {
  const std::vector<absl::string_view> parts = absl::StrSplit(traceparent, '-');
  // A later version may have more fields behind these four.
  if (parts.size() < 4 || parts[0].size() != 2 || parts[0] == "ff" || (parts[0] == "00" && parts.size() != 4)) return "";
  if (!IsId(parts[1], kTraceDigits) || !IsId(parts[2], kSpanDigits) || parts[3].size() != 2) return "";
  return std::string(parts[1]);
}

}  // namespace arpent::telemetry
