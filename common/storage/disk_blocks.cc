#include "common/storage/disk_blocks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/storage/file_descriptor.h"

namespace arpent::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'A', 'R', 'P', 'B', 'L', 'K', '1', '\n'};
constexpr size_t kHeaderBytes = 8 + 4 + 8 + 8 + 8;
constexpr char kTemporary[] = "unfinished-";
constexpr int64_t kFileSystemBlock = 4096;

struct Header {
  uint32_t text_length = 0;
  uint64_t block_length = 0, block_checksum = 0, header_checksum = 0;
};

uint64_t HeaderChecksum(const char* header, absl::string_view text) {
  return XXH3_64bits_withSeed(text.data(), text.size(), XXH3_64bits(header, kHeaderBytes - sizeof(uint64_t)));
}

void Pack(const std::string& text, const std::string& block, char* out) {
  const uint32_t text_length = static_cast<uint32_t>(text.size());
  const uint64_t block_length = block.size(), block_checksum = XXH3_64bits(block.data(), block.size());
  std::memcpy(out, kMagic, 8);
  std::memcpy(out + 8, &text_length, 4);
  std::memcpy(out + 12, &block_length, 8);
  std::memcpy(out + 20, &block_checksum, 8);
  const uint64_t header_checksum = HeaderChecksum(out, text);
  std::memcpy(out + 28, &header_checksum, 8);
}

Header Unpack(const char* in) {
  Header header;
  std::memcpy(&header.text_length, in + 8, 4);
  std::memcpy(&header.block_length, in + 12, 8);
  std::memcpy(&header.block_checksum, in + 20, 8);
  std::memcpy(&header.header_checksum, in + 28, 8);
  return header;
}

bool ReadFully(int descriptor, char* out, size_t length) {
  while (length > 0) {
    const ssize_t got = read(descriptor, out, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    length -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteFully(int descriptor, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

int64_t OnDisk(int64_t file_bytes) { return (file_bytes + kFileSystemBlock - 1) / kFileSystemBlock * kFileSystemBlock; }

bool ParseId(const std::string& name, BlockId* id) {
  if (name.size() != 32) return false;
  const char* const text = name.data();
  const auto high = std::from_chars(text, text + 16, id->high, 16), low = std::from_chars(text + 16, text + 32, id->low, 16);
  return high.ec == std::errc() && high.ptr == text + 16 && low.ec == std::errc() && low.ptr == text + 32;
}

// The block of an open file, or null when anything about it is wrong.
Block ReadChecked(int descriptor, const std::string& expected_text) {
  char packed[kHeaderBytes];
  if (!ReadFully(descriptor, packed, kHeaderBytes) || std::memcmp(packed, kMagic, sizeof(kMagic)) != 0) return nullptr;
  const Header header = Unpack(packed);
  struct stat status;
  if (fstat(descriptor, &status) != 0 || header.text_length != expected_text.size()) return nullptr;
  if (static_cast<uint64_t>(status.st_size) != kHeaderBytes + header.text_length + header.block_length) return nullptr;
  std::string text(header.text_length, '\0');
  if (!ReadFully(descriptor, text.data(), text.size()) || text != expected_text) return nullptr;
  if (HeaderChecksum(packed, text) != header.header_checksum) return nullptr;
  auto block = std::make_shared<std::string>(header.block_length, '\0');
  if (!ReadFully(descriptor, block->data(), block->size())) return nullptr;
  if (XXH3_64bits(block->data(), block->size()) != header.block_checksum) return nullptr;
  return block;
}

std::string TextOf(const ObjectVersion& version, int64_t index) { return absl::StrCat(version.text(), "\n", index); }

}  // namespace

absl::StatusOr<std::unique_ptr<DiskBlocks>> DiskBlocks::Open(const std::string& folder, int64_t limit_bytes) {
  std::error_code error;
  for (int first = 0; first < 256; ++first) {
    fs::create_directories(absl::StrCat(folder, "/", absl::Hex(first, absl::kZeroPad2)), error);
    if (error) return ErrnoStatus(error.value(), absl::StrCat("cache folder ", folder));
  }
  auto blocks = std::unique_ptr<DiskBlocks>(new DiskBlocks(folder, limit_bytes));
  ARPENT_RETURN_IF_ERROR(blocks->TakeIn());
  return blocks;
}

absl::Status DiskBlocks::TakeIn() {
  struct Found {
    fs::file_time_type time;
    BlockId id;
    int64_t bytes;
  };
  std::vector<Found> found;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder_, error); entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    if (error) return ErrnoStatus(error.value(), absl::StrCat("cache folder ", folder_));
    std::error_code ignored;
    if (!entry->is_regular_file(ignored)) continue;
    BlockId id;
    const std::string name = entry->path().filename().string();
    if (ParseId(name, &id)) {
      found.push_back({entry->last_write_time(ignored), id, static_cast<int64_t>(entry->file_size(ignored))});
    } else if (name.compare(0, sizeof(kTemporary) - 1, kTemporary) == 0) {
      fs::remove(entry->path(), ignored);
    }
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.time < b.time; });
  for (const Found& file : found) Account(file.id, file.bytes);
  return absl::OkStatus();
}

std::string DiskBlocks::FileOf(const BlockId& id) const {
  const std::string name = absl::StrFormat("%016x%016x", id.high, id.low);
  return absl::StrCat(folder_, "/", name.substr(0, 2), "/", name);
}

int DiskBlocks::Account(const BlockId& id, int64_t file_bytes) {
  absl::MutexLock lock(&mutex_);
  const auto evicted = index_.Insert(id, OnDisk(file_bytes), Nothing());
  for (const auto& [old, nothing] : evicted) unlink(FileOf(old).c_str());
  return static_cast<int>(evicted.size());
}

void DiskBlocks::Forget(const BlockId& id) {
  absl::MutexLock lock(&mutex_);
  index_.Remove(id);
  unlink(FileOf(id).c_str());
}

Block DiskBlocks::Read(const ObjectVersion& version, int64_t index, bool* damaged) {
  *damaged = false;
  const BlockId id = version.BlockAt(index);
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (index_.Find(id) == nullptr) return nullptr;
  }
  const FileDescriptor file(open(FileOf(id).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    // Evicted meanwhile, or removed by hand.
    absl::MutexLock lock(&mutex_);
    index_.Remove(id);
    return nullptr;
  }
  Block block = ReadChecked(file.get(), TextOf(version, index));
  if (block == nullptr) {
    *damaged = true;
    Forget(id);
  }
  return block;
}

int DiskBlocks::Write(const ObjectVersion& version, int64_t index, const std::string& bytes) {
  const BlockId id = version.BlockAt(index);
  const std::string text = TextOf(version, index);
  char header[kHeaderBytes];
  Pack(text, bytes, header);
  const std::string temporary = absl::StrCat(folder_, "/", kTemporary, temporaries_++);
  {
    const FileDescriptor file(open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
    if (!file.valid() || !WriteFully(file.get(), absl::string_view(header, kHeaderBytes)) ||
        !WriteFully(file.get(), text) || !WriteFully(file.get(), bytes)) {
      unlink(temporary.c_str());
      return 0;
    }
  }
  if (rename(temporary.c_str(), FileOf(id).c_str()) != 0) {
    unlink(temporary.c_str());
    return 0;
  }
  return Account(id, static_cast<int64_t>(kHeaderBytes + text.size() + bytes.size()));
}

int64_t DiskBlocks::bytes() const {
  absl::ReaderMutexLock lock(&mutex_);
  return index_.total_weight();
}

}  // namespace arpent::storage
