#include "common/rpc/retry.h"

#include <algorithm>
#include <random>

namespace arpent::rpc {
namespace {

// A cancelled caller is not kept waiting longer than this.
constexpr absl::Duration kLongestNap = absl::Milliseconds(500);

bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

}  // namespace

absl::Status CallWithRetry(const RetryPolicy& policy, Clock& clock, const std::function<double()>& random,
                           const std::function<bool()>& cancelled, const std::function<absl::Status()>& call) {
  const absl::Time give_up = clock.Now() + policy.give_up_after;
  for (absl::Duration delay = policy.first_delay;; delay = std::min(delay * policy.factor, policy.longest_delay)) {
    absl::Status status = call();
    if (!IsTransient(status)) return status;
    const absl::Time next = clock.Now() + delay * (0.5 + 0.5 * random());
    if (next > give_up) return status;
    while (clock.Now() < next) {
      if (cancelled()) return status;
      clock.SleepFor(std::min(next - clock.Now(), kLongestNap));
    }
  }
}

double RandomFraction() {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace arpent::rpc
