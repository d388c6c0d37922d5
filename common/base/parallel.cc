#include "common/base/parallel.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <limits>

#include "absl/synchronization/mutex.h"
#include "common/base/task_context.h"

namespace arpent {

absl::Status ParallelFor(size_t count, int threads, const std::function<absl::Status(size_t)>& body) {
  if (threads <= 1 || count <= 1) {
    for (size_t index = 0; index < count; ++index) {
      if (absl::Status status = body(index); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  std::atomic<bool> failed = false;
  absl::Mutex mutex;
  size_t first_failure = std::numeric_limits<size_t>::max();
  absl::Status error;
  TaskContext* const context = CurrentTaskContext();
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(
        size_t{0}, count,
        [&](size_t index) {
          if (failed.load(std::memory_order_relaxed)) return;
          ScopedTaskContext scope(context);
          absl::Status status = body(index);
          if (status.ok()) return;
          failed.store(true, std::memory_order_relaxed);
          absl::MutexLock lock(&mutex);
          if (index < first_failure) {
            first_failure = index;
            error = std::move(status);
          }
        },
        tbb::simple_partitioner());
  });
  return error;
}

}  // namespace arpent
