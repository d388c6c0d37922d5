// A scratch folder that belongs to one living process: a lock tells the living from the dead, whose folders are removed.
#ifndef ARPENT_SERVICES_WORKER_SCRATCH_FOLDER_H_
#define ARPENT_SERVICES_WORKER_SCRATCH_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace arpent::worker {

class ScratchFolder {
 public:
  // Makes `root`/`name`, and removes the folders below `root` whose process has gone.
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Make(const std::string& root, const std::string& name);
  ~ScratchFolder();  // removes it
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  ScratchFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  const std::string path_;
  const int lock_;
};

}  // namespace arpent::worker

#endif  // ARPENT_SERVICES_WORKER_SCRATCH_FOLDER_H_
