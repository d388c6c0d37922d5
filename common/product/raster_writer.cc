#include "common/product/raster_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/product/block_codec.h"
#include "common/product/cog_assembly.h"
#include "common/product/overview.h"
#include "common/storage/file_descriptor.h"
#include "common/telemetry/time_account.h"

namespace arpent::product {
namespace {

template <typename T>
absl::string_view BytesOf(const std::vector<T>& pixels) {
  return {reinterpret_cast<const char*>(pixels.data()), pixels.size() * sizeof(T)};
}

// Blocks are compressed by the thread that completes them and spooled beside the file; the overviews grow with them,
// so that a full tile needs only its incomplete blocks in memory.
template <typename T>
class CogWriter final : public RasterWriter {
 public:
  CogWriter(std::string path, const geo::Grid& grid, RasterOptions options, storage::FileDescriptor spool)
      : path_(std::move(path)), grid_(grid), options_(std::move(options)), spool_(std::move(spool)) {
    if (options_.no_data.has_value()) fill_ = static_cast<T>(*options_.no_data);
    levels_ = LevelsOf(grid.width, grid.height);
    if (options_.overviews == OverviewKind::kNone) levels_.resize(1);
    pending_.resize(levels_.size());
    block_digests_.resize(levels_[0].blocks.size());
  }
  ~CogWriter() override { unlink(SpoolPath(path_).c_str()); }

  static std::string SpoolPath(const std::string& path) { return absl::StrCat(path, ".blocks"); }

  absl::Status Write(const geo::Window& w, raster::View<const uint8_t> p) override { return WriteAs(w, p); }
  absl::Status Write(const geo::Window& w, raster::View<const uint16_t> p) override { return WriteAs(w, p); }
  absl::Status Write(const geo::Window& w, raster::View<const int16_t> p) override { return WriteAs(w, p); }
  absl::Status Write(const geo::Window& w, raster::View<const float> p) override { return WriteAs(w, p); }

  absl::StatusOr<RasterFile> Finish() override {
    ARPENT_RETURN_IF_ERROR(FillUp());
    ARPENT_ASSIGN_OR_RETURN(RasterFile file, AssembleCog(path_, grid_, options_, levels_, spool_.get()));
    Sha256 digest;
    for (const HexDigest& block : block_digests_) digest.Update(block);
    file.pixel_digest = digest.Finish();
    return file;
  }

 private:
  // A block that lacks some of its pixels (level 0) or of its quadrants (overviews).
  struct Pending {
    std::vector<T> pixels;
    int64_t missing = 0;
  };

  template <typename U>
  absl::Status WriteAs(const geo::Window& window, raster::View<const U> pixels) {
    if constexpr (std::is_same_v<T, U>) {
      if (pixels.width() != window.width || pixels.height() != window.height ||
          geo::Intersection(window, grid_.Whole()) != window) {
        return absl::InvalidArgumentError(absl::StrCat(path_, ": a window of ", window.width, "x", window.height,
                                                       " at ", window.x, ",", window.y, " does not fit"));
      }
      const int first_column = window.x / kBlockPixels, last_column = (window.x + window.width - 1) / kBlockPixels;
      const int first_row = window.y / kBlockPixels, last_row = (window.y + window.height - 1) / kBlockPixels;
      for (int row = first_row; row <= last_row; ++row) {
        for (int column = first_column; column <= last_column; ++column) {
          ARPENT_RETURN_IF_ERROR(WriteInto(column, row, window, pixels));
        }
      }
      return absl::OkStatus();
    } else {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": pixels of another type than the raster's"));
    }
  }

  // The part of a level's block that lies inside the raster, in the level's pixels.
  geo::Window BlockWindow(int level, int column, int row) const {
    return geo::Intersection({column * kBlockPixels, row * kBlockPixels, kBlockPixels, kBlockPixels},
                             {0, 0, levels_[level].width, levels_[level].height});
  }
  size_t IndexOf(int level, int column, int row) const {
    return static_cast<size_t>(row) * levels_[level].columns + column;
  }

  absl::Status WriteInto(int column, int row, const geo::Window& window, raster::View<const T> pixels) {
    const geo::Window block = BlockWindow(0, column, row);
    const geo::Window part = geo::Intersection(window, block);
    if (part.width <= 0 || part.height <= 0) return absl::OkStatus();
    const int64_t total = int64_t{block.width} * block.height;
    ARPENT_ASSIGN_OR_RETURN(Pending* const pending, FindPending(0, column, row, total));
    for (int y = 0; y < part.height; ++y) {  // disjoint windows: no two threads write the same pixel
      const auto source = pixels.row(part.y + y - window.y).subspan(part.x - window.x, part.width);
      std::copy(source.begin(), source.end(),
                pending->pixels.begin() + (part.y + y - block.y) * kBlockPixels + (part.x - block.x));
    }
    return Complete(0, column, row, int64_t{part.width} * part.height);
  }

  absl::StatusOr<Pending*> FindPending(int level, int column, int row, int64_t total) {
    absl::MutexLock lock(&mutex_);
    const size_t index = IndexOf(level, column, row);
    if (levels_[level].blocks[index].offset >= 0) {
      return absl::InternalError(absl::StrCat(path_, ": pixels of block ", column, ",", row, " were written twice"));
    }
    const auto [entry, added] = pending_[level].try_emplace(index);
    if (added) {
      entry->second.pixels.assign(size_t{kBlockPixels} * kBlockPixels, fill_);
      entry->second.missing = total;
    }
    return &entry->second;
  }

  // Counts `amount` of a pending block as present; stores the block when nothing is missing any more.
  absl::Status Complete(int level, int column, int row, int64_t amount) {
    std::vector<T> pixels;
    {
      absl::MutexLock lock(&mutex_);
      const auto entry = pending_[level].find(IndexOf(level, column, row));
      if (entry == pending_[level].end() || entry->second.missing < amount) {
        return absl::InternalError(absl::StrCat(path_, ": pixels of block ", column, ",", row, " were written twice"));
      }
      entry->second.missing -= amount;
      if (entry->second.missing > 0) return absl::OkStatus();
      pixels = std::move(entry->second.pixels);
      pending_[level].erase(entry);
    }
    return Store(level, column, row, pixels);
  }

  absl::Status Store(int level, int column, int row, const std::vector<T>& pixels) {
    ARPENT_RETURN_IF_ERROR(Spool(level, column, row, pixels));
    if (level + 1 == static_cast<int>(levels_.size())) return absl::OkStatus();
    const geo::Window block = BlockWindow(level, column, row);
    const int parent_column = column / 2, parent_row = row / 2;
    const int64_t children = int64_t{std::min(2, levels_[level].columns - 2 * parent_column)} *
                             std::min(2, levels_[level].rows - 2 * parent_row);
    ARPENT_ASSIGN_OR_RETURN(Pending* const pending, FindPending(level + 1, parent_column, parent_row, children));
    static_assert(kBlockPixels % 2 == 0);
    T* const quadrant =
        pending->pixels.data() + (row % 2) * (kBlockPixels / 2) * kBlockPixels + (column % 2) * (kBlockPixels / 2);
    const raster::View<const T> fine(pixels.data(), block.width, block.height, kBlockPixels);
    const raster::View<T> coarse(quadrant, (block.width + 1) / 2, (block.height + 1) / 2, kBlockPixels);
    HalveInto(fine, options_.overviews, options_.no_data.has_value(), fill_, coarse);
    return Complete(level + 1, parent_column, parent_row, 1);
  }

  absl::Status Spool(int level, int column, int row, const std::vector<T>& pixels) {
    ARPENT_ASSIGN_OR_RETURN(const std::string encoded, EncodeBlock(options_.type, kBlockPixels, BytesOf(pixels)));
    const size_t index = IndexOf(level, column, row);
    if (level == 0) block_digests_[index] = DigestOfBlock(BlockWindow(0, column, row), pixels);
    int64_t offset;
    {
      absl::MutexLock lock(&mutex_);
      offset = spooled_bytes_;
      spooled_bytes_ += static_cast<int64_t>(encoded.size());
    }
    {
      telemetry::ScopedWait wait(telemetry::TimeKind::kDiskWait);
      for (size_t done = 0; done < encoded.size();) {
        const ssize_t got =
            pwrite(spool_.get(), encoded.data() + done, encoded.size() - done, offset + static_cast<int64_t>(done));
        if (got < 0 && errno != EINTR) return ErrnoStatus(errno, absl::StrCat("cannot write ", SpoolPath(path_)));
        if (got > 0) done += static_cast<size_t>(got);
      }
    }
    absl::MutexLock lock(&mutex_);
    levels_[level].blocks[index] = {offset, static_cast<uint32_t>(encoded.size())};
    return absl::OkStatus();
  }

  static HexDigest DigestOfBlock(const geo::Window& block, const std::vector<T>& pixels) {
    Sha256 digest;
    for (int y = 0; y < block.height; ++y) {
      digest.Update({reinterpret_cast<const char*>(pixels.data() + y * kBlockPixels), block.width * sizeof(T)});
    }
    return digest.Finish();
  }

  // Pixels that were never written are no-data.
  absl::Status FillUp() {
    for (int row = 0; row < levels_[0].rows; ++row) {
      for (int column = 0; column < levels_[0].columns; ++column) {
        if (levels_[0].blocks[IndexOf(0, column, row)].offset >= 0) continue;
        const geo::Window block = BlockWindow(0, column, row);
        ARPENT_ASSIGN_OR_RETURN(const Pending* const pending,
                                FindPending(0, column, row, int64_t{block.width} * block.height));
        ARPENT_RETURN_IF_ERROR(Complete(0, column, row, pending->missing));
      }
    }
    return absl::OkStatus();
  }

  const std::string path_;
  const geo::Grid grid_;
  const RasterOptions options_;
  const storage::FileDescriptor spool_;
  T fill_ = 0;
  absl::Mutex mutex_;  // guards levels_' blocks, pending_ (not the pixels inside) and spooled_bytes_
  std::vector<CogLevel> levels_;
  std::vector<std::map<size_t, Pending>> pending_;
  std::vector<HexDigest> block_digests_;
  int64_t spooled_bytes_ = 0;
};

template <typename T>
absl::StatusOr<std::unique_ptr<RasterWriter>> CreateWriter(const std::string& path, const geo::Grid& grid,
                                                           const RasterOptions& options) {
  const std::string spool_path = CogWriter<T>::SpoolPath(path);
  storage::FileDescriptor spool(open(spool_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!spool.valid()) return ErrnoStatus(errno, absl::StrCat("cannot create ", spool_path));
  return std::make_unique<CogWriter<T>>(path, grid, options, std::move(spool));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RasterWriter>> RasterWriter::Create(const std::string& path, const geo::Grid& grid,
                                                                   const RasterOptions& options, int threads) {
  if (grid.width <= 0 || grid.height <= 0 || !(grid.pixel_m > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": an empty grid of ", grid.width, "x", grid.height));
  }
  switch (options.type) {
    case PixelType::kUInt8:
      return CreateWriter<uint8_t>(path, grid, options);
    case PixelType::kUInt16:
      return CreateWriter<uint16_t>(path, grid, options);
    case PixelType::kInt16:
      return CreateWriter<int16_t>(path, grid, options);
    case PixelType::kFloat32:
      return CreateWriter<float>(path, grid, options);
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": unknown type of pixels"));
}

}  // namespace arpent::product
