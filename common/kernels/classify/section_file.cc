#include "common/kernels/classify/section_file.h"

#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::kernels {
namespace {

constexpr size_t kMagicSize = 8;
constexpr size_t kHeaderSize = 32;
constexpr size_t kChecksumOffset = 24;
constexpr size_t kDirectoryEntrySize = 24;
constexpr size_t kAlignment = 64;
constexpr uint32_t kMostSections = 1024;

template <typename T>
T ReadAt(absl::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
void WriteAt(std::string& bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

size_t Aligned(size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

uint64_t Checksum(absl::string_view file) {
  return XXH64(file.data() + kHeaderSize, file.size() - kHeaderSize, /*seed=*/0);
}

}  // namespace

void SectionWriter::AddBytes(absl::string_view name, std::string bytes) {
  sections_.emplace_back(std::string(name), std::move(bytes));
}

void SectionWriter::AddStrings(absl::string_view name, const std::vector<std::string>& strings) {
  std::string bytes(sizeof(uint32_t), '\0');
  WriteAt(bytes, 0, static_cast<uint32_t>(strings.size()));
  for (const std::string& text : strings) {
    const size_t offset = bytes.size();
    bytes.resize(offset + sizeof(uint32_t));
    WriteAt(bytes, offset, static_cast<uint32_t>(text.size()));
    bytes += text;
  }
  AddBytes(name, std::move(bytes));
}

std::string SectionWriter::Finish() {
  std::vector<size_t> offsets;
  size_t end = kHeaderSize + kDirectoryEntrySize * sections_.size();
  for (const auto& [name, content] : sections_) {
    offsets.push_back(Aligned(end));
    end = offsets.back() + content.size();
  }
  std::string file(end, '\0');
  std::memcpy(file.data(), magic_.data(), std::min(magic_.size(), kMagicSize));
  WriteAt(file, 8, version_);
  WriteAt(file, 12, static_cast<uint32_t>(sections_.size()));
  WriteAt(file, 16, static_cast<uint64_t>(file.size()));
  for (size_t i = 0; i < sections_.size(); ++i) {
    auto& [name, content] = sections_[i];
    const size_t entry = kHeaderSize + kDirectoryEntrySize * i;
    std::memcpy(file.data() + entry, name.data(), std::min<size_t>(name.size(), 8));
    WriteAt(file, entry + 8, static_cast<uint64_t>(offsets[i]));
    WriteAt(file, entry + 16, static_cast<uint64_t>(content.size()));
    std::memcpy(file.data() + offsets[i], content.data(), content.size());
    content = std::string();  // a large table exists twice only one section at a time
  }
  WriteAt(file, kChecksumOffset, Checksum(file));
  return file;
}

absl::StatusOr<SectionFile> SectionFile::Parse(absl::string_view bytes, absl::string_view magic,
                                               uint32_t newest_version, absl::string_view what) {
  if (bytes.size() < kMagicSize || bytes.substr(0, kMagicSize) != magic.substr(0, kMagicSize)) {
    // An empty or very short file is one that was cut, not one of another kind.
    if (bytes.size() < kMagicSize && magic.substr(0, bytes.size()) == bytes) {
      return absl::DataLossError(absl::StrCat(what, ": cut short after ", bytes.size(), " bytes"));
    }
    return absl::InvalidArgumentError(absl::StrCat(what, ": not a file of kind '", magic, "'"));
  }
  if (bytes.size() < kHeaderSize) {
    return absl::DataLossError(absl::StrCat(what, ": cut short after ", bytes.size(), " bytes"));
  }
  SectionFile file;
  file.what_ = std::string(what);
  file.version_ = ReadAt<uint32_t>(bytes, 8);
  if (file.version_ > newest_version) {
    return absl::FailedPreconditionError(absl::StrCat(what, ": written by a newer Arpent (format version ",
                                                      file.version_, ", this one reads up to ", newest_version, ")"));
  }
  const uint64_t size = ReadAt<uint64_t>(bytes, 16);
  if (size != bytes.size()) {
    return absl::DataLossError(absl::StrCat(what, ": ", bytes.size(), " bytes where its header says ", size,
                                            bytes.size() < size ? " (cut short)" : ""));
  }
  if (ReadAt<uint64_t>(bytes, kChecksumOffset) != Checksum(bytes)) {
    return absl::DataLossError(absl::StrCat(what, ": damaged, its checksum differs"));
  }
  const uint32_t count = ReadAt<uint32_t>(bytes, 12);
  if (count > kMostSections || kHeaderSize + kDirectoryEntrySize * count > bytes.size()) {
    return file.Damaged("directory", "is longer than the file");
  }
  for (uint32_t i = 0; i < count; ++i) {
    const size_t entry = kHeaderSize + kDirectoryEntrySize * i;
    const char* name = bytes.data() + entry;
    const uint64_t offset = ReadAt<uint64_t>(bytes, entry + 8);
    const uint64_t length = ReadAt<uint64_t>(bytes, entry + 16);
    const std::string section(name, strnlen(name, 8));
    if (offset > bytes.size() || length > bytes.size() - offset || offset % kAlignment != 0) {
      return file.Damaged(section, "lies outside the file");
    }
    file.sections_.emplace_back(section, bytes.substr(offset, length));
  }
  return file;
}

bool SectionFile::Has(absl::string_view name) const {
  for (const auto& [section, content] : sections_) {
    if (section == name) return true;
  }
  return false;
}

absl::StatusOr<absl::string_view> SectionFile::Bytes(absl::string_view name) const {
  for (const auto& [section, content] : sections_) {
    if (section == name) return content;
  }
  return Damaged(name, "is absent");
}

absl::StatusOr<std::vector<std::string>> SectionFile::Strings(absl::string_view name) const {
  ARPENT_ASSIGN_OR_RETURN(absl::string_view bytes, Bytes(name));
  const auto take = [&bytes](uint32_t& value) {
    if (bytes.size() < sizeof(uint32_t)) return false;
    value = ReadAt<uint32_t>(bytes, 0);
    bytes.remove_prefix(sizeof(uint32_t));
    return true;
  };
  uint32_t count = 0;
  if (!take(count)) return Damaged(name, "has a broken length");
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t length = 0;
    if (!take(length) || length > bytes.size()) return Damaged(name, "has a broken length");
    strings.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return strings;
}

absl::Status SectionFile::Damaged(absl::string_view section, absl::string_view problem) const {
  return absl::DataLossError(absl::StrCat(what_, ": section '", section, "' ", problem));
}

}  // namespace arpent::kernels
