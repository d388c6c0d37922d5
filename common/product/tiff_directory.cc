#include "common/product/tiff_directory.h"

#include <bit>
#include <type_traits>

namespace arpent::product {
namespace {

enum TiffType : uint16_t { kAscii = 2, kShort = 3, kLong = 4, kDouble = 12, kLong8 = 16 };

uint64_t RoundUp(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Sizes of the parts of a directory in the two variants.
struct Variant {
  uint64_t count_bytes, entry_bytes, offset_bytes;
};
constexpr Variant kClassic = {2, 12, 4};
constexpr Variant kBig = {8, 20, 8};

void AppendOffset(bool big, uint64_t value, std::string* out) {
  if (big) {
    AppendInteger<uint64_t>(value, out);
  } else {
    AppendInteger<uint32_t>(static_cast<uint32_t>(value), out);
  }
}

}  // namespace

template <typename T>
void TiffDirectory::Set(uint16_t tag, uint16_t type, const std::vector<T>& values) {
  Value value = {type, values.size(), {}};
  for (const T element : values) {
    if constexpr (std::is_same_v<T, double>) {
      AppendInteger(std::bit_cast<uint64_t>(element), &value.bytes);
    } else {
      AppendInteger(element, &value.bytes);
    }
  }
  values_[tag] = std::move(value);
}

void TiffDirectory::SetShort(uint16_t tag, const std::vector<uint16_t>& values) { Set(tag, kShort, values); }
void TiffDirectory::SetLong(uint16_t tag, const std::vector<uint32_t>& values) { Set(tag, kLong, values); }
void TiffDirectory::SetLong8(uint16_t tag, const std::vector<uint64_t>& values) { Set(tag, kLong8, values); }
void TiffDirectory::SetDouble(uint16_t tag, const std::vector<double>& values) { Set(tag, kDouble, values); }

void TiffDirectory::SetText(uint16_t tag, absl::string_view text) {
  std::string bytes(text);
  bytes.push_back('\0');
  const uint64_t count = bytes.size();
  values_[tag] = {kAscii, count, std::move(bytes)};
}

uint64_t TiffDirectory::Size(bool big) const {
  const Variant variant = big ? kBig : kClassic;
  uint64_t size = variant.count_bytes + values_.size() * variant.entry_bytes + variant.offset_bytes;
  for (const auto& [tag, value] : values_) {
    if (value.bytes.size() > variant.offset_bytes) size = RoundUp(size, 8) + value.bytes.size();
  }
  return RoundUp(size, 8);
}

std::string TiffDirectory::Bytes(bool big, uint64_t offset, uint64_t next) const {
  const Variant variant = big ? kBig : kClassic;
  const uint64_t entries_end = variant.count_bytes + values_.size() * variant.entry_bytes + variant.offset_bytes;
  std::string entries, long_values(RoundUp(entries_end, 8) - entries_end, '\0');
  if (big) {
    AppendInteger<uint64_t>(values_.size(), &entries);
  } else {
    AppendInteger<uint16_t>(static_cast<uint16_t>(values_.size()), &entries);
  }
  for (const auto& [tag, value] : values_) {
    AppendInteger(tag, &entries);
    AppendInteger(value.type, &entries);
    AppendOffset(big, value.count, &entries);
    if (value.bytes.size() <= variant.offset_bytes) {
      entries += value.bytes;
      entries.append(variant.offset_bytes - value.bytes.size(), '\0');
    } else {
      AppendOffset(big, offset + entries_end + long_values.size(), &entries);
      long_values += value.bytes;
      long_values.append(RoundUp(entries_end + long_values.size(), 8) - entries_end - long_values.size(), '\0');
    }
  }
  AppendOffset(big, next, &entries);
  return entries + long_values;
}

std::string TiffHeader(bool big, uint64_t first_directory) {
  std::string header = "II";
  AppendInteger<uint16_t>(big ? 43 : 42, &header);
  if (big) {
    AppendInteger<uint16_t>(8, &header);
    AppendInteger<uint16_t>(0, &header);
  }
  AppendOffset(big, first_directory, &header);
  return header;
}

}  // namespace arpent::product
