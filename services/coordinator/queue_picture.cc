#include "services/coordinator/queue_picture.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace arpent::coordinator {
namespace {

std::string Megabytes(int64_t bytes) { return absl::StrCat(std::llround(static_cast<double>(bytes) / 1e6), " MB"); }

}  // namespace

QueuePicture::QueuePicture(const WorkerRoster& roster, const TaskQueue& queue, absl::Time now) : now_(now) {
  for (const auto& [id, known] : roster.all()) {
    Worker worker{.stage_versions = known.offer.stage_versions,
                  .draining = known.status.draining(),
                  .slots = known.offer.slots,
                  .memory_bytes = known.offer.memory_bytes,
                  .free_memory_bytes = known.offer.memory_bytes};
    for (const Lease& lease : queue.LeasesOf(id)) {
      ++worker.busy;
      worker.free_memory_bytes -= lease.memory_bytes;
    }
    workers_.push_back(std::move(worker));
  }
  queue.ForEach([&](const TaskQueue::View& task) {
    if (task.state == TaskQueue::State::kReady) ++ready_[task.demand.priority][task.demand.share];
  });
}

std::string QueuePicture::WhyItWaits(const TaskQueue::View& task, int attempts, const std::string& error_code) const {
  if (task.state == TaskQueue::State::kLeased) return "";
  if (task.state == TaskQueue::State::kBackoff && task.not_before > now_) {
    return absl::StrCat("attempt ", attempts + 1, " in ",
                        absl::FormatDuration(absl::Ceil(task.not_before - now_, absl::Seconds(1))), ", at ",
                        absl::FormatTime("%H:%M:%SZ", task.not_before, absl::UTCTimeZone()),
                        error_code.empty() ? "" : absl::StrCat(", after ", error_code));
  }
  return WhyNoneTakesIt(task.demand);
}

std::string QueuePicture::WhyNoneTakesIt(const TaskDemand& demand) const {
  int offering = 0, draining = 0, slots = 0, free_slots = 0;
  int64_t most_memory = 0, most_free = 0;
  for (const Worker& worker : workers_) {
    if (worker.stage_versions.count(demand.stage_version) == 0) continue;
    if (worker.draining) {
      ++draining;
      continue;
    }
    ++offering;
    slots += worker.slots;
    most_memory = std::max(most_memory, worker.memory_bytes);
    if (worker.busy >= worker.slots) continue;
    free_slots += worker.slots - worker.busy;
    most_free = std::max(most_free, worker.free_memory_bytes);
  }
  if (offering == 0) {
    return absl::StrCat("a worker that offers ", demand.stage_version,
                        draining == 0 ? "; there is none" : "; those that do are draining");
  }
  if (most_memory < demand.memory_bytes) {
    return absl::StrCat("a worker with ", Megabytes(demand.memory_bytes), "; the largest has ", Megabytes(most_memory));
  }
  if (free_slots == 0) {
    return absl::StrCat("its turn: ", slots == 1 ? "the slot" : absl::StrCat("all ", slots, " slots"), " for ",
                        demand.stage, slots == 1 ? " is busy" : " are busy", WhatGoesBefore(demand));
  }
  if (most_free < demand.memory_bytes) {
    return absl::StrCat("memory: it needs ", Megabytes(demand.memory_bytes), ", workers with a free slot have at most ",
                        Megabytes(most_free), " free", WhatGoesBefore(demand));
  }
  return "the next call of a worker with a free slot";
}

std::string QueuePicture::WhatGoesBefore(const TaskDemand& demand) const {
  int higher = 0, own = 0, others = 0;
  for (const auto& [priority, shares] : ready_) {
    for (const auto& [share, count] : shares) {
      if (priority > demand.priority) {
        higher += count;
      } else if (priority == demand.priority) {
        (share == demand.share ? own : others) += count;
      }
    }
  }
  std::string text;
  if (higher > 0) absl::StrAppend(&text, "; ", higher, " ready with a higher priority go first");
  if (own > 1) absl::StrAppend(&text, "; ", own, " ready of its site and sensor, the longest chain first");
  if (others > 0) absl::StrAppend(&text, "; fair share: ", others, " ready of others are served in turn with them");
  return text;
}

}  // namespace arpent::coordinator
