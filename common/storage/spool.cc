#include "common/storage/spool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::storage {
namespace {

constexpr int64_t kInMemory = int64_t{8} << 20;
constexpr size_t kChunkBytes = size_t{1} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Fill(const std::string& path, int64_t size_bytes,
                                                   const ByteProducer& producer) {
  auto spool = std::unique_ptr<Spool>(new Spool);
  if (size_bytes > kInMemory && (spool->file_ = std::tmpfile()) == nullptr) {
    return ErrnoStatus(errno, "temporary file of a write");
  }
  std::string chunk(std::clamp<size_t>(static_cast<size_t>(std::max<int64_t>(size_bytes, 0)), 1, kChunkBytes), '\0');
  int64_t got = 0;
  while (got <= size_bytes) {
    ARPENT_ASSIGN_OR_RETURN(const size_t length, producer(chunk.data(), chunk.size()));
    if (length == 0) break;
    got += static_cast<int64_t>(length);
    ARPENT_RETURN_IF_ERROR(spool->Append(chunk.data(), length));
  }
  spool->Rewind();
  if (got == size_bytes) return spool;
  return absl::DataLossError(absl::StrCat(path, ": ", size_bytes, " bytes were announced, ",
                                          got > size_bytes ? "more" : absl::StrCat(got), " came"));
}

Spool::~Spool() {
  if (file_ != nullptr) std::fclose(file_);
}

absl::Status Spool::Append(const char* bytes, size_t length) {
  if (file_ == nullptr) {
    memory_.append(bytes, length);
  } else if (std::fwrite(bytes, 1, length, file_) != length) {
    return ErrnoStatus(errno, "temporary file of a write");
  }
  return absl::OkStatus();
}

void Spool::Rewind() {
  position_ = 0;
  if (file_ != nullptr) std::rewind(file_);
}

absl::StatusOr<size_t> Spool::Next(char* buffer, size_t capacity) {
  if (file_ != nullptr) {
    const size_t length = std::fread(buffer, 1, capacity, file_);
    if (length < capacity && std::ferror(file_) != 0) return ErrnoStatus(errno, "temporary file of a write");
    return length;
  }
  const size_t length = std::min(capacity, memory_.size() - position_);
  std::memcpy(buffer, memory_.data() + position_, length);
  position_ += length;
  return length;
}

}  // namespace arpent::storage
