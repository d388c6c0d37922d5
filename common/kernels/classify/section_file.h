// The binary container of models and sample tables: named sections of little-endian arrays behind a versioned,
// checksummed header, laid out so that a memory-mapped file is used in place.
//
//   file      = magic[8] version:u32 section_count:u32 file_size:u64 checksum:u64 directory sections
//   directory = { name[8] (zero-padded) offset:u64 size:u64 } * section_count
//   sections start at multiples of 64 bytes from the file's start; the gaps are zero
//   checksum  = XXH64 (seed 0) of everything behind the checksum field
//   strings   = count:u32 { length:u32 bytes } * count
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_SECTION_FILE_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_SECTION_FILE_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent::kernels {

static_assert(std::endian::native == std::endian::little, "section files are used in place and are little-endian");

// Collects sections; the same sections in the same order give the same bytes.
class SectionWriter {
 public:
  // `magic` has 8 characters.
  SectionWriter(absl::string_view magic, uint32_t version) : magic_(magic), version_(version) {}

  // `name` has at most 8 characters and is not yet used.
  void AddBytes(absl::string_view name, std::string bytes);
  void AddStrings(absl::string_view name, const std::vector<std::string>& strings);
  template <typename T>
  void AddArray(absl::string_view name, const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    AddBytes(name, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }

  // Ends the file; the writer is then of no further use.
  std::string Finish();

 private:
  std::string magic_;
  uint32_t version_;
  std::vector<std::pair<std::string, std::string>> sections_;
};

// A parsed file: views into bytes that the caller keeps alive and that start at a multiple of 8 bytes.
class SectionFile {
 public:
  // `what` names the file in errors. INVALID_ARGUMENT when it is another kind of file, FAILED_PRECONDITION when its
  // version is above `newest_version`, DATA_LOSS when it is cut short or its checksum differs.
  static absl::StatusOr<SectionFile> Parse(absl::string_view bytes, absl::string_view magic, uint32_t newest_version,
                                           absl::string_view what);

  // Each of these: DATA_LOSS naming file and section when the section is absent or not of the kind.
  absl::StatusOr<absl::string_view> Bytes(absl::string_view name) const;
  absl::StatusOr<std::vector<std::string>> Strings(absl::string_view name) const;
  template <typename T>
  absl::StatusOr<std::span<const T>> Array(absl::string_view name) const {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);
    auto bytes = Bytes(name);
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() % sizeof(T) != 0) return Damaged(name, "has a broken length");
    return std::span<const T>(reinterpret_cast<const T*>(bytes->data()), bytes->size() / sizeof(T));
  }

  bool Has(absl::string_view name) const;
  uint32_t version() const { return version_; }
  // DATA_LOSS naming file and section.
  absl::Status Damaged(absl::string_view section, absl::string_view problem) const;

 private:
  std::string what_;
  uint32_t version_ = 0;
  std::vector<std::pair<std::string, absl::string_view>> sections_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_SECTION_FILE_H_
