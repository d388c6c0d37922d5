// The tasks that may begin now, in the order in which they should: run priority, then deficit round-robin over shares
// (site, sensor) in expected core-seconds, then longest remaining path first. Knows no time and no worker's lease.
#ifndef ARPENT_SERVICES_COORDINATOR_QUEUE_READY_TASKS_H_
#define ARPENT_SERVICES_COORDINATOR_QUEUE_READY_TASKS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace arpent::coordinator {

// What the scheduler must know of a task.
struct TaskDemand {
  std::string stage;          // "l2a"
  std::string stage_version;  // what a worker must offer, word for word: "l2a@1#<tables>", "composite@1"
  std::string share;          // who is served in turn: site and sensor
  int priority = 0;           // higher goes first, always
  double core_seconds = 1;    // expected cost; above 0
  double path_seconds = 0;    // expected core-seconds of the longest chain that begins with it
  int64_t memory_bytes = 0;   // must be free on the worker
};

class ReadyTasks {
 public:
  void Add(const std::string& task_id, const TaskDemand& demand);
  // Nothing happens when it is not here.
  void Remove(const std::string& task_id, const TaskDemand& demand);

  // Takes out the task that a worker with these stages and this free memory should begin, if there is one; none of a share
  // that is `blocked`.
  using Blocked = std::function<bool(const std::string& share)>;
  std::optional<std::string> Take(const std::set<std::string>& stage_versions, int64_t free_memory_bytes,
                                  const Blocked& blocked = nullptr);

  bool empty() const { return priorities_.empty(); }
  size_t size() const { return entries_.size(); }
  std::vector<std::string> Ids() const;

 private:
  struct Entry {
    double path_seconds;
    uint64_t order;  // of arrival, among equals
    std::string task_id;
    double core_seconds;
    bool operator<(const Entry& other) const {
      return std::tie(other.path_seconds, order) < std::tie(path_seconds, other.order);
    }
  };
  // Tasks that the same workers can take: only the first of a bucket is ever looked at.
  using BucketKey = std::pair<std::string, int64_t>;  // stage version, memory
  struct Share {
    std::map<BucketKey, std::set<Entry>> buckets;
    double deficit_seconds = 0;  // what it may still take in this turn
  };
  struct Ring {
    std::map<std::string, Share> shares;
    std::string turn;  // the share whose turn it is, or the place where it was
  };
  using Eligible = std::function<bool(const BucketKey&)>;
  struct Filter {
    Eligible bucket;
    Blocked blocked;
    bool Blocks(const std::string& share) const { return blocked && blocked(share); }
  };
  using Bucket = std::map<BucketKey, std::set<Entry>>::iterator;

  static std::optional<Bucket> BestBucket(Share& share, const Eligible& eligible);
  static std::optional<std::string> TakeFrom(Ring& ring, const Filter& filter);
  static double LargestHead(Ring& ring, const Filter& filter);

  std::map<int, Ring, std::greater<>> priorities_;
  std::map<std::string, Entry> entries_;  // by task, to find it again
  uint64_t arrivals_ = 0;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_QUEUE_READY_TASKS_H_
