#include "services/coordinator/cost_model.h"

#include <algorithm>

namespace arpent::coordinator {
namespace {

// Weight of the newest measurement.
constexpr double kNewest = 0.1;

// Uncompressed bytes per 10 m pixel of the products in ARCHITECTURE.md's table, halved for their compression.
double BytesPerPixel(const std::string& stage) {
  if (stage == "l2a" || stage == "align" || stage == "composite") return 6.5;
  if (stage == "vegetation") return 3;
  if (stage == "crop-mask" || stage == "crop-type" || stage == "map") return 1;
  return 0.01;
}

}  // namespace

double CostModel::CoreSeconds(const PlannedCell& cell) const {
  const auto measured = stages_.find(cell.task.stage);
  return std::max(0.01, cell.core_seconds * (measured == stages_.end() ? 1 : measured->second.core_ratio));
}

double CostModel::OutputBytes(const PlannedCell& cell) const {
  if (cell.task.stage == "discover") return 0;
  const auto measured = stages_.find(cell.task.stage);
  const bool known = measured != stages_.end() && measured->second.bytes_per_megapixel >= 0;
  return cell.megapixels * (known ? measured->second.bytes_per_megapixel : 1e6 * BytesPerPixel(cell.task.stage));
}

void CostModel::Learn(const PlannedCell& cell, double cpu_seconds, double output_bytes) {
  Measured& measured = stages_[cell.task.stage];
  if (cell.core_seconds > 0 && cpu_seconds > 0) {
    // One odd task must not turn the order over.
    const double ratio = std::clamp(cpu_seconds / cell.core_seconds, measured.core_ratio / 10, measured.core_ratio * 10);
    measured.core_ratio += kNewest * (ratio - measured.core_ratio);
  }
  if (cell.megapixels > 0 && output_bytes > 0) {
    const double bytes = output_bytes / cell.megapixels;
    if (measured.bytes_per_megapixel < 0) measured.bytes_per_megapixel = bytes;
    measured.bytes_per_megapixel += kNewest * (bytes - measured.bytes_per_megapixel);
  }
}

}  // namespace arpent::coordinator
