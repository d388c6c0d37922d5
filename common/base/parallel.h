// Parallel loops of the stage ring (kernels never start threads). The order of execution is not defined: a body must
// write only to what its index owns, so that results do not depend on the number of threads.
#ifndef ARPENT_COMMON_BASE_PARALLEL_H_
#define ARPENT_COMMON_BASE_PARALLEL_H_

#include <cstddef>
#include <functional>

#include "absl/status/status.h"

namespace arpent {

// Runs body(0) .. body(count - 1) on at most `threads` threads (the caller is one of them). Returns the error of the
// lowest failing index among those that ran; once one body failed, bodies not yet begun are left out. Each body runs
// in the caller's TaskContext.
absl::Status ParallelFor(size_t count, int threads, const std::function<absl::Status(size_t)>& body);

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_PARALLEL_H_
