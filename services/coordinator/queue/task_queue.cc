#include "services/coordinator/queue/task_queue.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::coordinator {
namespace {

std::string OwnerOf(const std::string& share) { return share.substr(0, share.find('/')); }

}  // namespace

int QueuePolicy::AttemptsFor(absl::StatusCode code) const {
  if (!IsRetryable(code)) return 1;
  return code == absl::StatusCode::kDataLoss ? std::min(attempts, attempts_at_damaged_data) : attempts;
}

TaskQueue::TaskQueue(const QueuePolicy& policy, const Clock& clock, std::function<double()> random, int64_t last_token)
    : policy_(policy), clock_(clock), random_(std::move(random)), last_token_(last_token) {}

void TaskQueue::Add(const std::string& task_id, const TaskDemand& demand, int attempts_before) {
  const auto [task, is_new] = tasks_.try_emplace(task_id);
  if (is_new) {
    task->second.demand = demand;
    task->second.attempts = attempts_before;
    MakeReady(task);
    return;
  }
  if (demand.priority <= task->second.demand.priority) return;
  const bool is_ready = task->second.state == State::kReady;
  if (is_ready) ready_.Remove(task_id, task->second.demand);
  task->second.demand.priority = demand.priority;
  if (is_ready) ready_.Add(task_id, task->second.demand);
}

void TaskQueue::SetMemory(const std::string& task_id, int64_t memory_bytes) {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end() || task->second.demand.memory_bytes == memory_bytes) return;
  const bool is_ready = task->second.state == State::kReady;
  if (is_ready) ready_.Remove(task_id, task->second.demand);
  task->second.demand.memory_bytes = memory_bytes;
  if (is_ready) ready_.Add(task_id, task->second.demand);
}

void TaskQueue::Remove(const std::string& task_id) {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end()) return;
  switch (task->second.state) {
    case State::kReady:
      ready_.Remove(task_id, task->second.demand);
      break;
    case State::kBackoff:
      sleeping_.erase({task->second.not_before, task_id});
      break;
    case State::kLeased:
      Release(task);
      break;
  }
  tasks_.erase(task);
}

void TaskQueue::Restore(const Lease& lease) {
  const auto task = tasks_.find(lease.task_id);
  if (task == tasks_.end() || task->second.state != State::kReady) return;
  ready_.Remove(lease.task_id, task->second.demand);
  Hold(task, lease);
  last_token_ = std::max(last_token_, lease.token);
}

void TaskQueue::SetLimit(const std::string& owner, int at_once) {
  if (at_once > 0) {
    limits_[owner] = at_once;
  } else {
    limits_.erase(owner);
  }
}

bool TaskQueue::AtLimit(const std::string& share) const {
  if (limits_.empty()) return false;
  const std::string owner = OwnerOf(share);
  const auto limit = limits_.find(owner);
  const auto leased = leased_.find(owner);
  return limit != limits_.end() && leased != leased_.end() && leased->second >= limit->second;
}

std::vector<Lease> TaskQueue::LeaseFor(const WorkerOffer& offer, int most) {
  WakeUp();
  std::vector<Lease> leases;
  while (static_cast<int>(leases.size()) < most) {
    const auto holder = holders_.find(offer.worker_id);
    const int held = holder == holders_.end() ? 0 : static_cast<int>(holder->second.tasks.size());
    const int64_t used = holder == holders_.end() ? 0 : holder->second.memory_bytes;
    if (held >= offer.slots) break;
    const std::optional<std::string> task_id =
        ready_.Take(offer.stage_versions, offer.memory_bytes - used, [this](const std::string& share) { return AtLimit(share); });
    if (!task_id) break;
    const auto task = tasks_.find(*task_id);
    const absl::Time now = clock_.Now();
    const Lease lease{.task_id = *task_id,
                      .worker_id = offer.worker_id,
                      .token = ++last_token_,
                      .attempt = task->second.attempts + 1,
                      .expiry = now + policy_.lease,
                      .start = now,
                      .memory_bytes = task->second.demand.memory_bytes};
    Hold(task, lease);
    leases.push_back(lease);
  }
  return leases;
}

absl::StatusOr<Lease> TaskQueue::Extend(const std::string& task_id, int64_t token) {
  ARPENT_ASSIGN_OR_RETURN(const TaskIterator task, Held(task_id, token));
  Lease& lease = task->second.lease;
  expiring_.erase({lease.expiry, task_id});
  lease.expiry = clock_.Now() + policy_.lease;
  expiring_.insert({lease.expiry, task_id});
  return lease;
}

absl::StatusOr<Lease> TaskQueue::Complete(const std::string& task_id, int64_t token) {
  ARPENT_ASSIGN_OR_RETURN(const TaskIterator task, Held(task_id, token));
  const Lease lease = task->second.lease;
  Release(task);
  tasks_.erase(task);
  return lease;
}

absl::StatusOr<AttemptEnd> TaskQueue::Fail(const std::string& task_id, int64_t token, const absl::Status& status) {
  ARPENT_ASSIGN_OR_RETURN(const TaskIterator task, Held(task_id, token));
  return EndAttempt(task, status);
}

absl::Status TaskQueue::Return(const std::string& task_id, int64_t token) {
  ARPENT_ASSIGN_OR_RETURN(const TaskIterator task, Held(task_id, token));
  Release(task);
  MakeReady(task);
  return absl::OkStatus();
}

void TaskQueue::ShiftTimes(absl::Duration by) {
  sleeping_.clear();
  expiring_.clear();
  for (auto& [task_id, task] : tasks_) {
    task.since += by;
    task.not_before += by;
    task.lease.start += by;
    task.lease.expiry += by;
    if (task.state == State::kBackoff) sleeping_.insert({task.not_before, task_id});
    if (task.state == State::kLeased) expiring_.insert({task.lease.expiry, task_id});
  }
}

std::vector<AttemptEnd> TaskQueue::ExpireLeases() {
  std::vector<AttemptEnd> ended;
  const absl::Time now = clock_.Now();
  while (!expiring_.empty() && expiring_.begin()->first <= now) {
    const auto task = tasks_.find(expiring_.begin()->second);
    ended.push_back(EndAttempt(task, absl::DeadlineExceededError(absl::StrCat(
                                         "worker ", task->second.lease.worker_id,
                                         " was not heard of for the time of its lease; it may have died or hung"))));
  }
  return ended;
}

std::vector<Lease> TaskQueue::LeasesOf(const std::string& worker_id) const {
  std::vector<Lease> leases;
  const auto holder = holders_.find(worker_id);
  if (holder == holders_.end()) return leases;
  for (const std::string& task_id : holder->second.tasks) leases.push_back(tasks_.at(task_id).lease);
  return leases;
}

std::optional<Lease> TaskQueue::LeaseOf(const std::string& task_id) const {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end() || task->second.state != State::kLeased) return std::nullopt;
  return task->second.lease;
}

int TaskQueue::AttemptsOf(const std::string& task_id) const {
  const auto task = tasks_.find(task_id);
  return task == tasks_.end() ? 0 : task->second.attempts;
}

void TaskQueue::ForEach(const std::function<void(const View&)>& visit) const {
  for (const auto& [task_id, task] : tasks_) {
    visit({task_id, task.demand, task.state, task.since, task.not_before});
  }
}

std::optional<TaskQueue::View> TaskQueue::Find(const std::string& task_id) const {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end()) return std::nullopt;
  return View{task->first, task->second.demand, task->second.state, task->second.since, task->second.not_before};
}

absl::StatusOr<TaskQueue::TaskIterator> TaskQueue::Held(const std::string& task_id, int64_t token) {
  const auto task = tasks_.find(task_id);
  if (task == tasks_.end() || task->second.state != State::kLeased || task->second.lease.token != token) {
    return absl::AbortedError(absl::StrCat("task ", task_id, ": token ", token, " holds no lease"));
  }
  return task;
}

void TaskQueue::Hold(TaskIterator task, const Lease& lease) {
  task->second.state = State::kLeased;
  task->second.since = lease.start;
  task->second.lease = lease;
  expiring_.insert({lease.expiry, lease.task_id});
  Holder& holder = holders_[lease.worker_id];
  holder.tasks.insert(lease.task_id);
  holder.memory_bytes += lease.memory_bytes;
  ++leased_[OwnerOf(task->second.demand.share)];
}

void TaskQueue::Release(TaskIterator task) {
  const Lease& lease = task->second.lease;
  expiring_.erase({lease.expiry, lease.task_id});
  const auto holder = holders_.find(lease.worker_id);
  holder->second.tasks.erase(lease.task_id);
  holder->second.memory_bytes -= lease.memory_bytes;
  if (holder->second.tasks.empty()) holders_.erase(holder);
  const auto leased = leased_.find(OwnerOf(task->second.demand.share));
  if (--leased->second == 0) leased_.erase(leased);
}

AttemptEnd TaskQueue::EndAttempt(TaskIterator task, const absl::Status& status) {
  const int attempts = ++task->second.attempts;
  AttemptEnd end{.task_id = task->first,
                 .worker_id = task->second.lease.worker_id,
                 .stage = task->second.demand.stage,
                 .final = attempts >= policy_.AttemptsFor(status.code()),
                 .attempts = attempts,
                 .status = status};
  Release(task);
  if (end.final) {
    tasks_.erase(task);
    return end;
  }
  task->second.state = State::kBackoff;
  task->second.since = clock_.Now();
  task->second.not_before = clock_.Now() + Backoff(attempts);
  sleeping_.insert({task->second.not_before, task->first});
  return end;
}

void TaskQueue::MakeReady(TaskIterator task) {
  task->second.state = State::kReady;
  task->second.since = clock_.Now();
  ready_.Add(task->first, task->second.demand);
}

void TaskQueue::WakeUp() {
  const absl::Time now = clock_.Now();
  while (!sleeping_.empty() && sleeping_.begin()->first <= now) {
    const auto task = tasks_.find(sleeping_.begin()->second);
    sleeping_.erase(sleeping_.begin());
    MakeReady(task);
  }
}

absl::Duration TaskQueue::Backoff(int attempts) {
  const absl::Duration whole = std::min(
      policy_.longest_backoff, policy_.first_backoff * std::pow(policy_.backoff_factor, std::min(attempts, 20) - 1));
  return whole * (0.5 + 0.5 * random_());
}

}  // namespace arpent::coordinator
