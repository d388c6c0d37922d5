// Time by constructor: production code takes a Clock&, tests give a FakeClock (common/testing/fake_clock.h).
#ifndef ARPENT_COMMON_BASE_CLOCK_H_
#define ARPENT_COMMON_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace arpent {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  virtual void SleepFor(absl::Duration duration) = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  void SleepFor(absl::Duration duration) override;
};

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_CLOCK_H_
