#include "services/coordinator/cost_model.h"

#include <algorithm>

namespace arpent::coordinator {
namespace {

// Weight of the newest measurement.
constexpr double kNewest = 0.1;
// Memory grows by steps, up to a bound: what needs more than this is not short of memory but wrong.
constexpr double kMoreMemory = 1.5, kMostMemory = 4;

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

int64_t CostModel::MemoryBytes(const PlannedCell& cell) const {
  const auto measured = stages_.find(cell.task.stage);
  if (measured == stages_.end()) return cell.memory_bytes;
  return static_cast<int64_t>(static_cast<double>(cell.memory_bytes) * measured->second.memory_ratio);
}

void CostModel::LearnMemory(const std::string& stage) {
  double& ratio = stages_[stage].memory_ratio;
  ratio = std::min(ratio * kMoreMemory, kMostMemory);
}

std::vector<std::string> CostModel::StagesThatRanOutOfMemory() const {
  std::vector<std::string> stages;
  for (const auto& [stage, measured] : stages_) {
    if (measured.memory_ratio > 1) stages.push_back(stage);
  }
  return stages;
}

state::v1::CostRecord CostModel::Record(const std::string& stage) const {
  const auto found = stages_.find(stage);
  const Measured measured = found == stages_.end() ? Measured() : found->second;
  state::v1::CostRecord record;
  record.set_core_ratio(measured.core_ratio);
  record.set_bytes_per_megapixel(measured.bytes_per_megapixel);
  record.set_memory_ratio(measured.memory_ratio);
  return record;
}

void CostModel::Restore(const std::string& stage, const state::v1::CostRecord& record) {
  // A row that says nothing teaches nothing.
  stages_[stage] = {.core_ratio = record.core_ratio() > 0 ? record.core_ratio() : 1,
                    .bytes_per_megapixel = record.bytes_per_megapixel() > 0 ? record.bytes_per_megapixel() : -1,
                    .memory_ratio = std::clamp(record.memory_ratio(), 1.0, kMostMemory)};
}

}  // namespace arpent::coordinator
