#include "common/stages/samples/trim_points.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"

namespace arpent::stages {
namespace {

using kernels::TrimPoint;

constexpr size_t kPointsAtOnce = 65536;

absl::Status Failed(const std::string& path, absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(path, ": ", what, ": ", strerror(errno)));
}

}  // namespace

std::string TrimPoints::PathOf(int32_t code) const { return absl::StrCat(folder_, "/trim-", code, ".points"); }

absl::Status TrimPoints::Add(int32_t code, std::span<const TrimPoint> points) {
  if (points.empty()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  File& file = files_[code];
  if (file == nullptr) {
    const std::string path = PathOf(code);
    file.reset(std::fopen(path.c_str(), "w+b"));
    if (file == nullptr) return Failed(path, "cannot be created");
    unlink(path.c_str());  // it goes with the task, however that ends
  }
  if (std::fwrite(points.data(), sizeof(TrimPoint), points.size(), file.get()) != points.size()) {
    return Failed(PathOf(code), "cannot be written");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<int32_t, kernels::Trimming>> TrimPoints::Trim(int threads) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::pair<int32_t, std::FILE*>> classes;
  std::map<int32_t, kernels::Trimming> trimmings;
  for (const auto& [code, file] : files_) {
    classes.emplace_back(code, file.get());
    trimmings[code];
  }
  ARPENT_RETURN_IF_ERROR(ParallelFor(classes.size(), threads, [&](size_t i) -> absl::Status {
    const auto [code, file] = classes[i];
    const auto source = [&](const std::function<void(std::span<const TrimPoint>)>& take) -> absl::Status {
      std::rewind(file);
      std::vector<TrimPoint> points(kPointsAtOnce);
      while (const size_t count = std::fread(points.data(), sizeof(TrimPoint), points.size(), file)) {
        take(std::span(points).first(count));
      }
      return std::ferror(file) != 0 ? Failed(PathOf(code), "cannot be read") : absl::OkStatus();
    };
    ARPENT_ASSIGN_OR_RETURN(trimmings.at(code), kernels::Trim(source));
    return absl::OkStatus();
  }));
  return trimmings;
}

}  // namespace arpent::stages
