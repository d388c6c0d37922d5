#include "common/base/clock.h"

#include "absl/time/clock.h"

namespace arpent {

absl::Time SystemClock::Now() const { return absl::Now(); }
void SystemClock::SleepFor(absl::Duration duration) { absl::SleepFor(duration); }

}  // namespace arpent
