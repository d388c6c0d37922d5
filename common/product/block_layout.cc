#include "common/product/block_layout.h"

#include <gdal.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/product/block_codec.h"

namespace arpent::product {
namespace {

// Neighbouring blocks are asked for together up to this; between them lie a few bytes at most.
constexpr int64_t kMostAtOnce = int64_t{4} << 20;
constexpr int64_t kLargestGap = 64;

bool IsText(const char* value, const char* wanted) { return value != nullptr && std::strcmp(value, wanted) == 0; }

std::optional<PixelType> TypeOf(GDALDataType type) {
  switch (type) {
    case GDT_Byte: return PixelType::kUInt8;
    case GDT_UInt16: return PixelType::kUInt16;
    case GDT_Int16: return PixelType::kInt16;
    case GDT_Float32: return PixelType::kFloat32;
    default: return std::nullopt;
  }
}

// A number that GDAL's GeoTIFF driver tells of a block; 0 when it does not.
int64_t NumberOf(GDALRasterBandH band, const char* what, int column, int row) {
  const char* const text = GDALGetMetadataItem(band, absl::StrCat(what, "_", column, "_", row).c_str(), "TIFF");
  return text == nullptr ? 0 : std::strtoll(text, nullptr, 10);
}

// Of one thread, used again: bytes of a file and pixels of a block.
struct Scratch {
  std::string encoded, pixels;
};
Scratch& OfThisThread() {
  thread_local Scratch scratch;
  return scratch;
}

}  // namespace

std::optional<BlockLayout> BlockLayout::Of(void* dataset, storage::ObjectStore* store, const storage::ObjectInfo& object) {
  if (GDALGetRasterCount(dataset) != 1) return std::nullopt;
  const GDALRasterBandH band = GDALGetRasterBand(dataset, 1);
  const std::optional<PixelType> type = TypeOf(GDALGetRasterDataType(band));
  int side = 0, height = 0;
  GDALGetBlockSize(band, &side, &height);
  if (!type) return std::nullopt;
  const char* const predictor = *type == PixelType::kFloat32 ? "3" : "2";
  if (side != height || !IsText(GDALGetMetadataItem(dataset, "COMPRESSION", "IMAGE_STRUCTURE"), "ZSTD") ||
      !IsText(GDALGetMetadataItem(dataset, "PREDICTOR", "IMAGE_STRUCTURE"), predictor) ||
      GDALGetMetadataItem(band, "NBITS", "IMAGE_STRUCTURE") != nullptr) {
    return std::nullopt;
  }
  char order[2] = {};
  const auto got = store->Read(object.path, object.etag, 0, sizeof(order), order);
  if (!got.ok() || *got != sizeof(order) || order[0] != 'I' || order[1] != 'I') return std::nullopt;
  BlockLayout layout;
  layout.store_ = store;
  layout.path_ = object.path;
  layout.etag_ = object.etag;
  layout.type_ = *type;
  layout.side_ = side;
  layout.columns_ = (GDALGetRasterBandXSize(band) + side - 1) / side;
  const int rows = (GDALGetRasterBandYSize(band) + side - 1) / side;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < layout.columns_; ++column) {
      const Block block{NumberOf(band, "BLOCK_OFFSET", column, row), NumberOf(band, "BLOCK_SIZE", column, row)};
      if (block.offset <= 0 || block.size <= 0 || block.size > kMostAtOnce) return std::nullopt;  // a block that is not there
      layout.blocks_.push_back(block);
    }
  }
  return layout;
}

absl::Status BlockLayout::Read(const geo::Window& window, char* out, int64_t row_bytes) const {
  const int first_row = window.y / side_, last_row = (window.y + window.height - 1) / side_;
  const int first_column = window.x / side_, last_column = (window.x + window.width - 1) / side_;
  for (int row = first_row; row <= last_row; ++row) {
    int first = first_column;
    while (first <= last_column) {
      // As many blocks as follow one another in the file.
      const Block* const run = blocks_.data() + static_cast<size_t>(row) * columns_;
      int last = first;
      while (last < last_column && run[last + 1].offset >= run[last].offset + run[last].size &&
             run[last + 1].offset <= run[last].offset + run[last].size + kLargestGap &&
             run[last + 1].offset + run[last + 1].size - run[first].offset <= kMostAtOnce) {
        ++last;
      }
      ARPENT_RETURN_IF_ERROR(ReadBlocks(row, first, last, window, out, row_bytes));
      first = last + 1;
    }
  }
  return absl::OkStatus();
}

absl::Status BlockLayout::ReadBlocks(int row, int first, int last, const geo::Window& window, char* out,
                                     int64_t row_bytes) const {
  const Block* const blocks = blocks_.data() + static_cast<size_t>(row) * columns_;
  const int64_t begin = blocks[first].offset;
  const auto size = static_cast<size_t>(blocks[last].offset + blocks[last].size - begin);
  Scratch& scratch = OfThisThread();
  scratch.encoded.resize(std::max(scratch.encoded.size(), size));
  ARPENT_ASSIGN_OR_RETURN(const size_t got, store_->Read(path_, etag_, begin, size, scratch.encoded.data()));
  if (got != size) return absl::DataLossError("the file ends inside of a block");
  const size_t pixel_bytes = BytesPerPixel(type_);
  scratch.pixels.resize(pixel_bytes * side_ * side_);
  for (int column = first; column <= last; ++column) {
    const absl::string_view encoded(scratch.encoded.data() + (blocks[column].offset - begin), blocks[column].size);
    ARPENT_RETURN_IF_ERROR(DecodeBlock(type_, side_, encoded, scratch.pixels.data(), scratch.pixels.size()));
    const geo::Window place{column * side_, row * side_, side_, side_};
    const geo::Window part = geo::Intersection(place, window);
    for (int y = part.y; y < part.y + part.height; ++y) {
      const char* const from = scratch.pixels.data() + pixel_bytes * (static_cast<size_t>(y - place.y) * side_ + (part.x - place.x));
      std::memcpy(out + (y - window.y) * row_bytes + pixel_bytes * (part.x - window.x), from, pixel_bytes * part.width);
    }
  }
  return absl::OkStatus();
}

}  // namespace arpent::product
