#include "services/coordinator/queue/ready_tasks.h"

#include <algorithm>

namespace arpent::coordinator {

void ReadyTasks::Add(const std::string& task_id, const TaskDemand& demand) {
  const Entry entry{demand.path_seconds, ++arrivals_, task_id, demand.core_seconds};
  if (!entries_.emplace(task_id, entry).second) return;
  Ring& ring = priorities_[demand.priority];
  ring.shares[demand.share].buckets[{demand.stage_version, demand.memory_bytes}].insert(entry);
}

void ReadyTasks::Remove(const std::string& task_id, const TaskDemand& demand) {
  const auto entry = entries_.find(task_id);
  if (entry == entries_.end()) return;
  const auto ring = priorities_.find(demand.priority);
  const auto share = ring->second.shares.find(demand.share);
  const auto bucket = share->second.buckets.find({demand.stage_version, demand.memory_bytes});
  bucket->second.erase(entry->second);
  if (bucket->second.empty()) share->second.buckets.erase(bucket);
  if (share->second.buckets.empty()) ring->second.shares.erase(share);
  if (ring->second.shares.empty()) priorities_.erase(ring);
  entries_.erase(entry);
}

std::vector<std::string> ReadyTasks::Ids() const {
  std::vector<std::string> ids;
  for (const auto& [task_id, entry] : entries_) ids.push_back(task_id);
  return ids;
}

std::optional<std::string> ReadyTasks::Take(const std::set<std::string>& stage_versions, int64_t free_memory_bytes,
                                            const Blocked& blocked) {
  const Eligible eligible = [&](const BucketKey& bucket) {
    return bucket.second <= free_memory_bytes && stage_versions.count(bucket.first) > 0;
  };
  for (auto ring = priorities_.begin(); ring != priorities_.end(); ++ring) {
    const std::optional<std::string> taken = TakeFrom(ring->second, {eligible, blocked});
    if (!taken) continue;
    entries_.erase(*taken);
    if (ring->second.shares.empty()) priorities_.erase(ring);
    return taken;
  }
  return std::nullopt;
}

std::optional<ReadyTasks::Bucket> ReadyTasks::BestBucket(Share& share, const Eligible& eligible) {
  std::optional<Bucket> best;
  for (Bucket bucket = share.buckets.begin(); bucket != share.buckets.end(); ++bucket) {
    if (!eligible(bucket->first)) continue;
    if (!best || *bucket->second.begin() < *(*best)->second.begin()) best = bucket;
  }
  return best;
}

double ReadyTasks::LargestHead(Ring& ring, const Filter& filter) {
  double largest = 0;
  for (auto& [name, share] : ring.shares) {
    if (filter.Blocks(name)) continue;
    if (const auto bucket = BestBucket(share, filter.bucket)) {
      largest = std::max(largest, (*bucket)->second.begin()->core_seconds);
    }
  }
  return largest;
}

std::optional<std::string> ReadyTasks::TakeFrom(Ring& ring, const Filter& filter) {
  // With a quantum as large as the largest task that may be taken, each share that has one is served within its turn.
  const double quantum = LargestHead(ring, filter);
  if (quantum <= 0) return std::nullopt;
  auto share = ring.shares.lower_bound(ring.turn);
  while (true) {
    if (share == ring.shares.end()) share = ring.shares.begin();
    const bool begins_turn = share->first != ring.turn;
    ring.turn = share->first;
    const auto best = filter.Blocks(share->first) ? std::nullopt : BestBucket(share->second, filter.bucket);
    // A share gets its quantum when its turn comes, if it has something that this worker can do.
    if (best && begins_turn) share->second.deficit_seconds += quantum;
    if (best && (*best)->second.begin()->core_seconds <= share->second.deficit_seconds) {
      const auto first = (*best)->second.begin();
      const std::string task_id = first->task_id;
      share->second.deficit_seconds -= first->core_seconds;
      (*best)->second.erase(first);
      if ((*best)->second.empty()) share->second.buckets.erase(*best);
      // Who has nothing left keeps no claim.
      if (share->second.buckets.empty()) ring.shares.erase(share);
      return task_id;
    }
    if (ring.shares.size() == 1) {
      // Alone: its turn comes again at once.
      share->second.deficit_seconds += quantum;
      continue;
    }
    ++share;
  }
}

}  // namespace arpent::coordinator
