// The one retry loop for single calls: only what is transient, with backoff and jitter, within a bound. What a failed
// *task* does is decided elsewhere (base/status.h, IsRetryable).
#ifndef ARPENT_COMMON_RPC_RETRY_H_
#define ARPENT_COMMON_RPC_RETRY_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace arpent::rpc {

struct RetryPolicy {
  absl::Duration first_delay = absl::Milliseconds(100);
  double factor = 2;
  absl::Duration longest_delay = absl::Seconds(5);
  // Counted from the first try; the error of the last one is returned.
  absl::Duration give_up_after = absl::Minutes(2);
};

// Calls until it succeeds, fails for good, `give_up_after` has passed or `cancelled`. `call` must be idempotent and have
// its own deadline. `random` gives numbers in [0, 1): each delay is drawn from its upper half. Retried: UNAVAILABLE, and
// RESOURCE_EXHAUSTED, by which our servers ask to come back later.
absl::Status CallWithRetry(const RetryPolicy& policy, Clock& clock, const std::function<double()>& random,
                           const std::function<bool()>& cancelled, const std::function<absl::Status()>& call);

// A thread-safe source of such numbers, seeded by the system.
double RandomFraction();

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_RETRY_H_
