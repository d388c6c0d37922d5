// The points by which a reference map's classes are trimmed, of every pixel of a tile: too many to hold, so they wait in the
// task's scratch folder, 10 bytes each.
#ifndef ARPENT_COMMON_STAGES_SAMPLES_TRIM_POINTS_H_
#define ARPENT_COMMON_STAGES_SAMPLES_TRIM_POINTS_H_

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "common/kernels/features/trimming.h"

namespace arpent::stages {

class TrimPoints {
 public:
  // `folder` is an empty folder of the task's own.
  explicit TrimPoints(std::string folder) : folder_(std::move(folder)) {}

  // Thread-safe. UNAVAILABLE naming the file when the folder cannot hold it.
  absl::Status Add(int32_t code, std::span<const kernels::TrimPoint> points);

  // Once all are added. Trimmings by class.
  absl::StatusOr<std::map<int32_t, kernels::Trimming>> Trim(int threads);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  std::string PathOf(int32_t code) const;

  const std::string folder_;
  absl::Mutex mutex_;
  std::map<int32_t, File> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SAMPLES_TRIM_POINTS_H_
