#include "common/stages/map_regulariser.h"

#include <algorithm>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/regularise/regularise.h"
#include "common/kernels/regularise/segmentation.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kCell = 512, kMargin = 64;  // pixels
constexpr int kSmallestRegion = 10;       // Sen2Agri's smallest segment
constexpr int kReach = 2 * kSmallestRegion;
constexpr int kRowsPerTask = 128;
// Two regions are one while their mean seasons differ by less than 0.01 NDVI in the mean square, widened by the noise of
// pixels where regions are small. As narrow as that because whole regions are compared, and because crops that look alike
// side by side must not become one (regularise.md has what was tried).
constexpr double kRange = 0.01 * kernels::kDigestStepsPerNdvi;
constexpr double kNoiseFactor = 1.4;  // two of three pixels lie within that of their region
constexpr double kLeastNoise = 0.02 * kernels::kDigestStepsPerNdvi, kMostNoise = 0.1 * kernels::kDigestStepsPerNdvi;

// The first border of cells behind `at`, for a map whose corner lies at `offset` on the lattice of cells.
int NextBorder(int at, int offset) { return ((at + offset) / kCell + 1) * kCell - offset; }

int RowsHeld(int rows_at_once) { return kMargin + kCell + kMargin + rows_at_once; }

constexpr int kVotedRowsHeld = kCell + 2 * kReach;

template <typename T>
void MoveRowsUp(Image<T>& image, int by) {
  if (by <= 0) return;
  for (int y = by; y < image.height(); ++y) {
    const auto from = image.row(y);
    std::copy(from.begin(), from.end(), image.row(y - by).begin());
  }
}

}  // namespace

MapRegulariser::MapRegulariser(const Shape& shape, std::vector<uint16_t> frozen, uint16_t unclassified, int threads,
                               Emit emit)
    : shape_(shape),
      frozen_(std::move(frozen)),
      unclassified_(unclassified),
      threads_(threads),
      emit_(std::move(emit)),
      codes_(shape.width, std::min(shape.height, RowsHeld(shape.rows_at_once)), unclassified),
      digests_(codes_.width(), codes_.height()),
      voted_(shape.width, std::min(shape.height, kVotedRowsHeld)) {}

raster::View<uint16_t> MapRegulariser::Codes(const geo::Window& window) {
  return codes_.view().Sub({window.x, window.y - top_, window.width, window.height});
}

raster::View<kernels::SeasonDigest> MapRegulariser::Digests(const geo::Window& window) {
  return digests_.view().Sub({window.x, window.y - top_, window.width, window.height});
}

int64_t MapRegulariser::HeldBytes(int width, int rows_at_once) {
  const int64_t per_row = sizeof(uint16_t) + sizeof(kernels::SeasonDigest);
  return width * (RowsHeld(rows_at_once) * per_row + kVotedRowsHeld * int64_t{sizeof(uint16_t)});
}

absl::Status MapRegulariser::Advance(int end) {
  announced_ = end;
  while (segmented_ < shape_.height) {
    const int last = std::min(shape_.height, NextBorder(segmented_, shape_.tile_y));
    if (std::min(shape_.height, last + kMargin) > announced_) break;
    ARPENT_RETURN_IF_ERROR(SegmentRows(segmented_, last));
    segmented_ = last;
    ARPENT_RETURN_IF_ERROR(CleanRows());
  }
  Drop(std::max(0, segmented_ - kMargin));
  return absl::OkStatus();
}

absl::Status MapRegulariser::SegmentRows(int first, int last) {
  std::vector<std::pair<int, int>> columns;
  for (int x = 0; x < shape_.width;) {
    const int end = std::min(shape_.width, NextBorder(x, shape_.tile_x));
    columns.emplace_back(x, end);
    x = end;
  }
  return ParallelFor(columns.size(), threads_, [&](size_t k) {
    const auto [left, right] = columns[k];
    const int x0 = std::max(0, left - kMargin), x1 = std::min(shape_.width, right + kMargin);
    const int y0 = std::max(0, first - kMargin), y1 = std::min(shape_.height, last + kMargin);
    const geo::Window held{x0, y0 - top_, x1 - x0, y1 - y0};
    const raster::View<const uint16_t> codes = std::as_const(codes_).view().Sub(held);
    Image<uint32_t> segments(held.width, held.height);
    Image<uint16_t> agreed(held.width, held.height);
    if (shape_.has_digests) {
      const raster::View<const kernels::SeasonDigest> digests = std::as_const(digests_).view().Sub(held);
      const double noise = kNoiseFactor * kernels::PixelNoise(digests, codes, frozen_);
      const kernels::SegmentationOptions options{kRange, std::clamp(noise, kLeastNoise, kMostNoise), kSmallestRegion};
      const uint32_t count = kernels::Segment(digests, codes, frozen_, options, segments.view());
      kernels::VoteInSegments(codes, std::as_const(segments).view(), count, agreed.view());
    }
    for (int y = first; y < last; ++y) {
      const auto row = shape_.has_digests ? std::as_const(agreed).row(y - y0) : codes.row(y - y0);
      std::copy_n(row.begin() + (left - x0), right - left, voted_.row(y - voted_top_).begin() + left);
    }
    return absl::OkStatus();
  });
}

absl::Status MapRegulariser::CleanRows() {
  const int end = segmented_ == shape_.height ? shape_.height : std::max(emitted_, segmented_ - kReach);
  Image<uint16_t> cleaned(shape_.width, end - emitted_);
  const size_t tasks = static_cast<size_t>(end - emitted_ + kRowsPerTask - 1) / kRowsPerTask;
  ARPENT_RETURN_IF_ERROR(ParallelFor(tasks, threads_, [&](size_t k) {
    const int first = emitted_ + static_cast<int>(k) * kRowsPerTask, last = std::min(end, first + kRowsPerTask);
    const int top = std::max(0, first - kReach), bottom = std::min(segmented_, last + kReach);
    Image<uint16_t> wide(shape_.width, bottom - top);
    kernels::RemoveSmallRegions(std::as_const(voted_).view().Sub({0, top - voted_top_, shape_.width, bottom - top}),
                                kSmallestRegion, frozen_, wide.view());
    for (int y = first; y < last; ++y) {
      const auto row = wide.row(y - top);
      std::copy(row.begin(), row.end(), cleaned.row(y - emitted_).begin());
    }
    return absl::OkStatus();
  }));
  const geo::Window rows{0, emitted_, shape_.width, end - emitted_};
  if (rows.height > 0) ARPENT_RETURN_IF_ERROR(emit_(rows, std::as_const(cleaned).view()));
  emitted_ = end;
  const int keep = std::max(0, emitted_ - kReach);
  MoveRowsUp(voted_, keep - voted_top_);
  voted_top_ = keep;
  return absl::OkStatus();
}

void MapRegulariser::Drop(int first_kept) {
  const int by = first_kept - top_;
  if (by <= 0) return;
  MoveRowsUp(codes_, by);
  MoveRowsUp(digests_, by);
  for (int y = std::max(0, codes_.height() - by); y < codes_.height(); ++y) {
    const auto row = codes_.row(y);
    std::fill(row.begin(), row.end(), unclassified_);
  }
  top_ = first_kept;
}

}  // namespace arpent::stages
