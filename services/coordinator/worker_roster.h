// The workers that are heard of, and what they offer. Not thread-safe.
#ifndef ARPENT_SERVICES_COORDINATOR_WORKER_ROSTER_H_
#define ARPENT_SERVICES_COORDINATOR_WORKER_ROSTER_H_

#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "arpent/worker/v1/worker_service.pb.h"
#include "services/coordinator/queue/task_queue.h"

namespace arpent::coordinator {

class WorkerRoster {
 public:
  // Workers that were not heard of for this long are forgotten.
  explicit WorkerRoster(absl::Duration silence) : silence_(silence) {}

  // Notes what a worker says of itself. True when stages came that nobody offered before.
  bool Hear(const worker::v1::SynchronizeRequest& request, absl::Time now);
  void ForgetSilent(absl::Time now);
  // The clock was set `by` ahead.
  void ShiftTimes(absl::Duration by);

  bool Offers(const std::string& stage_version) const;
  // The stage as workers offer it: "l2a@1#<tables>" or "l2a@1" for "l2a@1"; of several, what most slots offer. What they offer
  // for one processor only ("l2a@1#<tables>+maja") does not count.
  std::optional<std::string> OfferedVersionOf(const std::string& stage_and_version) const;

  // Of all workers that take new tasks.
  int slots() const;
  // Most memory of a worker that offers the stage version.
  int64_t MostMemoryFor(const std::string& stage_version) const;
  // And of those that offer any version of the stage.
  int64_t MostMemoryOf(const std::string& stage) const;
  // Any version of the stage, in the same way.
  std::optional<std::string> OfferedStage(const std::string& stage) const { return MostOffered(stage + "@"); }

  struct Worker {
    worker::v1::WorkerStatus status;
    WorkerOffer offer;
    absl::Time heard;
  };
  const std::map<std::string, Worker>& all() const { return workers_; }

 private:
  std::optional<std::string> MostOffered(const std::string& prefix) const;
  const absl::Duration silence_;
  std::map<std::string, Worker> workers_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_WORKER_ROSTER_H_
