// The bytes of a producer, kept so that they can be sent, and sent again: in memory while few, else in a temporary file.
#ifndef ARPENT_COMMON_STORAGE_SPOOL_H_
#define ARPENT_COMMON_STORAGE_SPOOL_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

// Not thread-safe.
class Spool {
 public:
  // Takes all bytes. DATA_LOSS naming `path` when they are not exactly `size_bytes`; the producer's error; the errors of
  // the temporary file.
  static absl::StatusOr<std::unique_ptr<Spool>> Fill(const std::string& path, int64_t size_bytes,
                                                     const ByteProducer& producer);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Back to the first byte.
  void Rewind();
  // The next bytes; 0 at the end.
  absl::StatusOr<size_t> Next(char* buffer, size_t capacity);

 private:
  Spool() = default;
  absl::Status Append(const char* bytes, size_t length);

  std::FILE* file_ = nullptr;
  std::string memory_;
  size_t position_ = 0;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_SPOOL_H_
