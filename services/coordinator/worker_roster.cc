#include "services/coordinator/worker_roster.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace arpent::coordinator {

bool WorkerRoster::Hear(const worker::v1::SynchronizeRequest& request, absl::Time now) {
  bool is_new = false;
  std::set<std::string> stages(request.stages().begin(), request.stages().end());
  for (const std::string& stage : stages) is_new = is_new || !Offers(stage);
  Worker& worker = workers_[request.worker_id()];
  worker.heard = now;
  worker.offer = {.worker_id = request.worker_id(),
                  .stage_versions = std::move(stages),
                  .slots = request.slots(),
                  .memory_bytes = request.memory_bytes()};
  worker.status.set_worker_id(request.worker_id());
  worker.status.set_host(request.host());
  worker.status.set_version(request.version());
  *worker.status.mutable_stages() = request.stages();
  worker.status.set_slots(request.slots());
  worker.status.set_busy_slots(request.running_size());
  worker.status.set_draining(request.draining());
  return is_new;
}

void WorkerRoster::ForgetSilent(absl::Time now) {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    worker = now - worker->second.heard > silence_ ? workers_.erase(worker) : std::next(worker);
  }
}

void WorkerRoster::ShiftTimes(absl::Duration by) {
  for (auto& [id, worker] : workers_) worker.heard += by;
}

bool WorkerRoster::Offers(const std::string& stage_version) const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& worker) { return worker.second.offer.stage_versions.count(stage_version) > 0; });
}

std::optional<std::string> WorkerRoster::OfferedVersionOf(const std::string& stage_and_version) const {
  if (Offers(stage_and_version)) return stage_and_version;
  return MostOffered(stage_and_version + "#");
}

int WorkerRoster::slots() const {
  int slots = 0;
  for (const auto& [id, worker] : workers_) slots += worker.status.draining() ? 0 : worker.offer.slots;
  return slots;
}

int64_t WorkerRoster::MostMemoryFor(const std::string& stage_version) const {
  int64_t most = 0;
  for (const auto& [id, worker] : workers_) {
    if (worker.offer.stage_versions.count(stage_version) > 0) most = std::max(most, worker.offer.memory_bytes);
  }
  return most;
}

int64_t WorkerRoster::MostMemoryOf(const std::string& stage) const {
  int64_t most = 0;
  for (const auto& [id, worker] : workers_) {
    const std::set<std::string>& offered = worker.offer.stage_versions;
    const auto first = offered.lower_bound(stage + "@");
    if (first != offered.end() && absl::StartsWith(*first, stage + "@")) most = std::max(most, worker.offer.memory_bytes);
  }
  return most;
}

std::optional<std::string> WorkerRoster::MostOffered(const std::string& prefix) const {
  std::map<std::string, int> slots;
  for (const auto& [id, worker] : workers_) {
    for (const std::string& offered : worker.offer.stage_versions) {
      const bool of_a_processor = absl::StrContains(offered, '+');  // offered without it too
      if (absl::StartsWith(offered, prefix) && !of_a_processor) slots[offered] += std::max(1, worker.offer.slots);
    }
  }
  if (slots.empty()) return std::nullopt;
  return std::max_element(slots.begin(), slots.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace arpent::coordinator
