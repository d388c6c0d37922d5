// Tells when a wall clock was set, beside a clock that cannot be.
#ifndef ARPENT_SERVICES_COORDINATOR_CLOCK_JUMPS_H_
#define ARPENT_SERVICES_COORDINATOR_CLOCK_JUMPS_H_

#include <chrono>
#include <optional>

#include "absl/time/time.h"

namespace arpent::coordinator {

// Not thread-safe.
class ClockJumps {
 public:
  // What the wall clock gained on the steady one since the last look; zero while that is a drift.
  absl::Duration Look(absl::Time wall, std::chrono::steady_clock::time_point steady) {
    const absl::Duration offset = (wall - absl::UnixEpoch()) - absl::FromChrono(steady.time_since_epoch());
    const absl::Duration gained = offset_ ? offset - *offset_ : absl::ZeroDuration();
    offset_ = offset;
    return gained > kDrift || gained < -kDrift ? gained : absl::ZeroDuration();
  }

 private:
  static constexpr absl::Duration kDrift = absl::Seconds(2);
  std::optional<absl::Duration> offset_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_CLOCK_JUMPS_H_
