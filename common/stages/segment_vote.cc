#include "common/stages/segment_vote.h"

#include <algorithm>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/regularise/regularise.h"
#include "common/kernels/regularise/segmentation.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kCell = CellLattice::kCell, kMargin = CellLattice::kMargin;
// Two regions are one while their mean seasons differ by less than 0.01 NDVI in the mean square, widened by the noise of
// pixels where regions are small. As narrow as that because whole regions are compared, and because crops that look alike
// side by side must not become one (regularise.md has what was tried).
constexpr double kRange = 0.01 * kernels::kDigestStepsPerNdvi;
constexpr double kNoiseFactor = 1.4;  // two of three pixels lie within that of their region
constexpr double kLeastNoise = 0.02 * kernels::kDigestStepsPerNdvi, kMostNoise = 0.1 * kernels::kDigestStepsPerNdvi;

// The first border of cells behind `at`, for a map whose corner lies at `offset` on the lattice of cells.
int NextBorder(int at, int offset) { return ((at + offset) / kCell + 1) * kCell - offset; }

int RowsHeld(int rows_at_once) { return kMargin + kCell + kMargin + rows_at_once; }

template <typename T>
void MoveRowsUp(Image<T>& image, int by) {
  for (int y = by; y < image.height(); ++y) {
    const auto from = image.row(y);
    std::copy(from.begin(), from.end(), image.row(y - by).begin());
  }
}

}  // namespace

geo::Window CellLattice::WholeCells(const geo::Window& window) const {
  if (window.width <= 0 || window.height <= 0) return window;
  const auto snap = [](int edge, int size, int offset) {
    return edge <= 0 || edge >= size ? edge : std::max(0, edge - (edge + offset) % kCell);
  };
  const int x = snap(window.x, map.width, tile_x), y = snap(window.y, map.height, tile_y);
  return {x, y, snap(window.x + window.width, map.width, tile_x) - x,
          snap(window.y + window.height, map.height, tile_y) - y};
}

geo::Window CellLattice::WithMargin(const geo::Window& cells) const {
  const auto begin = [](int at) { return std::max(0, at - kMargin) / 2 * 2; };
  const auto end = [](int at) { return (at + kMargin + 1) / 2 * 2; };
  const int x = begin(cells.x), y = begin(cells.y);
  return geo::Intersection({x, y, end(cells.x + cells.width) - x, end(cells.y + cells.height) - y}, map);
}

SegmentVote::SegmentVote(const Shape& shape, std::vector<uint16_t> frozen, uint16_t unclassified, int threads, Emit emit)
    : shape_(shape),
      known_(shape.lattice.WithMargin(shape.wanted)),
      frozen_(std::move(frozen)),
      unclassified_(unclassified),
      threads_(threads),
      emit_(std::move(emit)),
      codes_(known_.width, std::min(known_.height, RowsHeld(shape.rows_at_once)), unclassified),
      digests_(codes_.width(), codes_.height()),
      top_(known_.y),
      voted_(shape.wanted.y) {}

geo::Window SegmentVote::Held(const geo::Window& window) const {
  return {window.x - known_.x, window.y - top_, window.width, window.height};
}

raster::View<uint16_t> SegmentVote::Codes(const geo::Window& window) { return codes_.view().Sub(Held(window)); }

raster::View<kernels::SeasonDigest> SegmentVote::Digests(const geo::Window& window) {
  return digests_.view().Sub(Held(window));
}

int64_t SegmentVote::HeldBytes(int width, int rows_at_once) {
  constexpr int64_t kPerPixel = sizeof(uint16_t) + sizeof(kernels::SeasonDigest);
  return width * (RowsHeld(rows_at_once) * kPerPixel + kCell * int64_t{sizeof(uint16_t)});
}

absl::Status SegmentVote::Advance(int end) {
  const int bottom = shape_.wanted.y + shape_.wanted.height;
  while (voted_ < bottom) {
    const int last = std::min(bottom, NextBorder(voted_, shape_.lattice.tile_y));
    if (std::min(known_.y + known_.height, last + kMargin) > end) break;
    ARPENT_RETURN_IF_ERROR(VoteInRows(voted_, last));
    voted_ = last;
  }
  Drop(std::max(known_.y, voted_ - kMargin));
  return absl::OkStatus();
}

absl::Status SegmentVote::VoteInRows(int first, int last) {
  const geo::Window& wanted = shape_.wanted;
  std::vector<std::pair<int, int>> columns;
  for (int x = wanted.x; x < wanted.x + wanted.width;) {
    const int end = std::min(wanted.x + wanted.width, NextBorder(x, shape_.lattice.tile_x));
    columns.emplace_back(x, end);
    x = end;
  }
  const geo::Window rows{wanted.x, first, wanted.width, last - first};
  Image<uint16_t> voted(rows.width, rows.height);
  ARPENT_RETURN_IF_ERROR(ParallelFor(columns.size(), threads_, [&](size_t k) {
    const auto [left, right] = columns[k];
    const geo::Window window = geo::Intersection(
        {left - kMargin, first - kMargin, right - left + 2 * kMargin, last - first + 2 * kMargin}, known_);
    const raster::View<const uint16_t> codes = std::as_const(codes_).view().Sub(Held(window));
    Image<uint32_t> segments(window.width, window.height);
    Image<uint16_t> agreed(window.width, window.height);
    if (shape_.has_digests) {
      const raster::View<const kernels::SeasonDigest> digests = std::as_const(digests_).view().Sub(Held(window));
      const double noise = kNoiseFactor * kernels::PixelNoise(digests, codes, frozen_);
      const kernels::SegmentationOptions options{kRange, std::clamp(noise, kLeastNoise, kMostNoise)};
      const uint32_t count = kernels::Segment(digests, codes, frozen_, options, segments.view());
      kernels::VoteInSegments(codes, std::as_const(segments).view(), count, agreed.view());
    }
    for (int y = first; y < last; ++y) {
      const auto row = shape_.has_digests ? std::as_const(agreed).row(y - window.y) : codes.row(y - window.y);
      std::copy_n(row.begin() + (left - window.x), right - left, voted.row(y - first).begin() + (left - wanted.x));
    }
    return absl::OkStatus();
  }));
  return emit_(rows, std::as_const(voted).view());
}

void SegmentVote::Drop(int first_kept) {
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
