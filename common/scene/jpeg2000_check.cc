#include "common/scene/jpeg2000_check.h"

#include <array>

#include "common/base/status.h"

namespace arpent::scene {
namespace {

constexpr uint16_t kSoc = 0xFF4F, kSot = 0xFF90, kEoc = 0xFFD9;
constexpr uint32_t kCodestreamBox = 0x6A703263;  // "jp2c"

uint16_t Big16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
uint32_t Big32(const uint8_t* p) { return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3]; }

absl::Status Cut(int64_t offset, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("is cut short: ", what, " at byte ", offset));
}

class Walker {
 public:
  Walker(int64_t size, const RangeReader& read) : size_(size), read_(read) {}

  absl::Status Walk() {
    ARPENT_ASSIGN_OR_RETURN(const int64_t codestream, FindCodestream());
    return WalkCodestream(codestream);
  }

 private:
  template <size_t N>
  absl::Status Get(int64_t offset, std::array<uint8_t, N>& bytes, absl::string_view what) {
    if (offset + static_cast<int64_t>(N) > size_) return Cut(size_, what);
    ARPENT_ASSIGN_OR_RETURN(const size_t count, read_(offset, N, bytes.data()));
    return count == N ? absl::OkStatus() : Cut(offset + count, what);
  }

  // The offset of SOC: of a raw codestream 0, else inside the box jp2c.
  absl::StatusOr<int64_t> FindCodestream() {
    std::array<uint8_t, 2> start;
    ARPENT_RETURN_IF_ERROR(Get(0, start, "nothing to read"));
    if (Big16(start.data()) == kSoc) return 0;
    for (int64_t offset = 0; offset < size_;) {
      std::array<uint8_t, 8> header;
      ARPENT_RETURN_IF_ERROR(Get(offset, header, "a box header is incomplete"));
      int64_t length = Big32(header.data()), header_size = 8;
      const uint32_t type = Big32(header.data() + 4);
      if (offset == 0 && type != 0x6A502020) return absl::DataLossError("is not a JPEG 2000 file");
      if (length == 1) {
        std::array<uint8_t, 8> large;
        ARPENT_RETURN_IF_ERROR(Get(offset + 8, large, "a box header is incomplete"));
        length = static_cast<int64_t>(uint64_t{Big32(large.data())} << 32 | Big32(large.data() + 4));
        header_size = 16;
      }
      if (length == 0) length = size_ - offset;
      if (length < header_size) return absl::DataLossError(absl::StrCat("has a damaged box at byte ", offset));
      if (type == kCodestreamBox) {
        if (offset + length > size_) return Cut(size_, "the codestream is incomplete");
        return offset + header_size;
      }
      offset += length;
    }
    return Cut(size_, "there is no codestream");
  }

  absl::Status WalkCodestream(int64_t offset) {
    std::array<uint8_t, 2> marker;
    ARPENT_RETURN_IF_ERROR(Get(offset, marker, "the codestream's start is missing"));
    if (Big16(marker.data()) != kSoc) return absl::DataLossError("has no codestream where its box says");
    offset += 2;
    // The main header: marker segments with their length, up to the first tile part.
    for (;;) {
      std::array<uint8_t, 4> segment;
      ARPENT_RETURN_IF_ERROR(Get(offset, segment, "the main header is incomplete"));
      const uint16_t code = Big16(segment.data()), length = Big16(segment.data() + 2);
      if (code == kSot) break;
      if (code < 0xFF00 || length < 2) return absl::DataLossError(absl::StrCat("has a damaged header at byte ", offset));
      offset += 2 + length;
    }
    // Tile parts: each says how long it is; 0 in the last one means "up to EOC".
    for (;;) {
      ARPENT_RETURN_IF_ERROR(Get(offset, marker, "the end marker is missing"));
      const uint16_t code = Big16(marker.data());
      if (code == kEoc) return absl::OkStatus();
      if (code != kSot) return absl::DataLossError(absl::StrCat("has no tile part where one is due, at byte ", offset));
      std::array<uint8_t, 12> part;
      ARPENT_RETURN_IF_ERROR(Get(offset, part, "a tile part's header is incomplete"));
      const uint32_t length = Big32(part.data() + 6);
      if (length == 0) return EndsWithEoc();
      if (length < 14) return absl::DataLossError(absl::StrCat("has a damaged tile part at byte ", offset));
      offset += length;
    }
  }

  absl::Status EndsWithEoc() {
    std::array<uint8_t, 2> end;
    ARPENT_RETURN_IF_ERROR(Get(size_ - 2, end, "the end marker is missing"));
    return Big16(end.data()) == kEoc ? absl::OkStatus() : Cut(size_, "the end marker is missing");
  }

  const int64_t size_;
  const RangeReader& read_;
};

}  // namespace

absl::Status CheckJpeg2000(int64_t size, const RangeReader& read) { return Walker(size, read).Walk(); }

}  // namespace arpent::scene
