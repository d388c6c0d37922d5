// The directories (IFDs) of a TIFF file: their bytes and where they lie. Classic TIFF, or BigTIFF when offsets need it.
#ifndef ARPENT_COMMON_PRODUCT_TIFF_DIRECTORY_H_
#define ARPENT_COMMON_PRODUCT_TIFF_DIRECTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace arpent::product {

class TiffDirectory {
 public:
  void SetShort(uint16_t tag, const std::vector<uint16_t>& values);
  void SetLong(uint16_t tag, const std::vector<uint32_t>& values);
  void SetLong8(uint16_t tag, const std::vector<uint64_t>& values);
  void SetDouble(uint16_t tag, const std::vector<double>& values);
  void SetText(uint16_t tag, absl::string_view text);

  // Bytes that the directory takes at an even offset, its long values included.
  uint64_t Size(bool big) const;
  // Its bytes when it begins at `offset` and the next directory begins at `next` (0: it is the last).
  std::string Bytes(bool big, uint64_t offset, uint64_t next) const;

 private:
  struct Value {
    uint16_t type;
    uint64_t count;
    std::string bytes;
  };
  template <typename T>
  void Set(uint16_t tag, uint16_t type, const std::vector<T>& values);

  std::map<uint16_t, Value> values_;  // a directory's tags are sorted
};

// Little-endian bytes of an integer.
template <typename T>
void AppendInteger(T value, std::string* out) {
  for (size_t i = 0; i < sizeof(T); ++i) out->push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
}

// The file's first bytes; the first directory is at `first_directory`.
std::string TiffHeader(bool big, uint64_t first_directory);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_TIFF_DIRECTORY_H_
