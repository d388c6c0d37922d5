// A file descriptor that closes itself.
#ifndef ARPENT_COMMON_STORAGE_FILE_DESCRIPTOR_H_
#define ARPENT_COMMON_STORAGE_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace arpent::storage {

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor = -1) : descriptor_(descriptor) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  bool valid() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_FILE_DESCRIPTOR_H_
