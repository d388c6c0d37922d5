#include "common/stages/small_regions.h"

#include <algorithm>
#include <utility>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/regularise/regularise.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kSmallestRegion = 10;  // pixels; Sen2Agri's smallest segment
constexpr int kReach = 2 * kSmallestRegion;
constexpr int kRowsPerTask = 128;

}  // namespace

SmallRegions::SmallRegions(int width, int height, std::vector<uint16_t> frozen, int threads, Emit emit)
    : width_(width), height_(height), frozen_(std::move(frozen)), threads_(threads), emit_(std::move(emit)) {}

int64_t SmallRegions::HeldBytes(int width, int rows_at_once) {
  return width * int64_t{2} * sizeof(uint16_t) * (rows_at_once + 2 * kReach);
}

absl::Status SmallRegions::Add(const geo::Window& rows, raster::View<const uint16_t> codes) {
  const int kept_top = std::max(0, emitted_ - kReach), known = rows.y + rows.height;
  Image<uint16_t> held(width_, known - kept_top);
  for (int y = kept_top; y < known; ++y) {
    const auto from = y < rows.y ? std::as_const(held_).row(y - top_) : codes.row(y - rows.y);
    std::copy(from.begin(), from.end(), held.row(y - kept_top).begin());
  }
  held_ = std::move(held);
  top_ = kept_top;
  const int end = known == height_ ? height_ : std::max(emitted_, known - kReach);
  if (end == emitted_) return absl::OkStatus();
  Image<uint16_t> cleaned(width_, end - emitted_);
  const size_t tasks = static_cast<size_t>(end - emitted_ + kRowsPerTask - 1) / kRowsPerTask;
  ARPENT_RETURN_IF_ERROR(ParallelFor(tasks, threads_, [&](size_t k) {
    const int first = emitted_ + static_cast<int>(k) * kRowsPerTask, last = std::min(end, first + kRowsPerTask);
    const int top = std::max(0, first - kReach), bottom = std::min(known, last + kReach);
    Image<uint16_t> wide(width_, bottom - top);
    kernels::RemoveSmallRegions(std::as_const(held_).view().Sub({0, top - top_, width_, bottom - top}), kSmallestRegion,
                                frozen_, wide.view());
    for (int y = first; y < last; ++y) {
      const auto row = wide.row(y - top);
      std::copy(row.begin(), row.end(), cleaned.row(y - emitted_).begin());
    }
    return absl::OkStatus();
  }));
  const geo::Window finished{0, emitted_, width_, end - emitted_};
  emitted_ = end;
  return emit_(finished, std::as_const(cleaned).view());
}

}  // namespace arpent::stages
