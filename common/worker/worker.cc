#include "common/worker/worker.h"

#include <unistd.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/convert.h"
#include "common/rpc/retry.h"
#include "common/telemetry/log.h"

namespace arpent::worker {
namespace {

// While something runs and slots are free: how late an outcome may be reported because a call is under way.
constexpr absl::Duration kShortPoll = absl::Milliseconds(200);
// A draining worker whose coordinator is away gives up on its outcomes after this: the leases expire.
constexpr absl::Duration kReportGrace = absl::Seconds(20);
constexpr absl::Duration kSilence = absl::Minutes(2);
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100), kLongestBackoff = absl::Seconds(5);
constexpr int64_t kMemoryPerSlot = int64_t{3} << 29;  // 1.5 GB

absl::Time RetireTime(absl::Duration lifetime) {
  if (lifetime == absl::InfiniteDuration()) return absl::InfiniteFuture();
  return absl::Now() + lifetime * (0.9 + 0.2 * rpc::RandomFraction());
}

bool IsTokenRefused(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

// These mean that trying again cannot help; anything else may pass.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsUnimplemented(status) || IsTokenRefused(status);
}

bool Concerns(const v1::TaskOutcome& outcome, const v1::AcknowledgedOutcome& acknowledged) {
  return outcome.task_id() == acknowledged.task_id() && outcome.fencing_token() == acknowledged.fencing_token();
}

}  // namespace

void SizeFor(const ResourceLimits& limits, WorkerOptions* options) {
  const int threads = limits.Threads();
  const int by_memory = static_cast<int>(std::max<int64_t>(1, limits.memory_bytes * 8 / 10 / kMemoryPerSlot));
  options->slots = std::min(threads, by_memory);
  options->threads_per_task = (threads + options->slots - 1) / options->slots;
  options->memory_bytes = limits.memory_bytes * 8 / 10;
}

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

std::string MakeWorkerId() {
  return absl::StrCat(HostName(), "-", getpid(), "-", absl::Hex(std::random_device{}(), absl::kZeroPad8));
}

Worker::Worker(WorkerOptions options, TaskRunner runner, std::unique_ptr<CoordinatorLink> coordinator,
               telemetry::Metrics& metrics)
    : options_(std::move(options)),
      runner_(std::move(runner)),
      coordinator_(std::move(coordinator)),
      slots_(metrics.AddGauge("arpent_worker_slots", "Slots of the worker by stage and state: busy; idle and draining ones have the stage \"any\".",
                              {"stage", "state"})),
      retire_at_(RetireTime(options_.lifetime)) {
  absl::MutexLock lock(&mutex_);
  ShowSlots();
}

Worker::~Worker() {
  std::list<std::unique_ptr<Held>> held;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& task : held_) task->control.cancelled = true;
    held.swap(held_);
  }
  for (auto& task : held) task->thread.join();
}

absl::Status Worker::Run() {
  absl::Duration backoff = kFirstBackoff;
  while (!Finished()) {
    const absl::Time begin = absl::Now();
    const absl::StatusOr<v1::SynchronizeResponse> response = coordinator_->Synchronize(Request());
    if (response.ok()) {
      backoff = kFirstBackoff;
      Apply(*response);
      const bool idle_answer = response->begin().empty() && response->acknowledged().empty();
      WaitForNews(idle_answer && absl::Now() - begin < kShortPoll ? kShortPoll : absl::ZeroDuration());
      continue;
    }
    // Both ends hear of a renewed token, but not at the same time.
    const bool being_renewed = IsTokenRefused(response.status()) && connected();
    if (IsRefusal(response.status()) && !being_renewed) {
      return Annotate(response.status(), "the coordinator refuses this worker");
    }
    telemetry::Log(telemetry::LogLevel::kWarning,
                   being_renewed ? "the token is refused; trying again" : "the coordinator is away; trying again",
                   {{"error", std::string(response.status().message())}});
    WaitForNews(backoff * (0.5 + 0.5 * rpc::RandomFraction()));
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
  return absl::OkStatus();
}

void Worker::Drain() {
  absl::MutexLock lock(&mutex_);
  StartDraining(options_.drain_grace);
}

void Worker::StartDraining(absl::Duration grace) {
  if (drain_since_ != absl::InfiniteFuture()) return;
  drain_since_ = absl::Now();
  drain_grace_ = grace;
  news_ = true;
  ShowSlots();
}

bool Worker::draining() const {
  absl::MutexLock lock(&mutex_);
  return drain_since_ != absl::InfiniteFuture();
}

bool Worker::connected() const {
  absl::MutexLock lock(&mutex_);
  return absl::Now() - last_heard_ < kSilence;
}

bool Worker::Finished() const {
  absl::MutexLock lock(&mutex_);
  if (drain_since_ == absl::InfiniteFuture() || !held_.empty()) return false;
  return unacknowledged_.empty() || absl::Now() > drain_since_ + drain_grace_ + kReportGrace;
}

v1::SynchronizeRequest Worker::Request() {
  absl::MutexLock lock(&mutex_);
  if (absl::Now() > retire_at_) StartDraining(absl::InfiniteDuration());
  news_ = false;
  StopOverdue();
  Reap();
  v1::SynchronizeRequest request;
  request.set_worker_id(options_.worker_id);
  request.set_host(options_.host);
  request.set_version(std::string(telemetry::BuildVersion()));
  for (const std::string& stage : options_.stages) request.add_stages(stage);
  request.set_slots(options_.slots);
  request.set_memory_bytes(options_.memory_bytes);
  request.set_threads_per_task(options_.threads_per_task);
  request.set_draining(drain_since_ != absl::InfiniteFuture());
  *request.mutable_max_wait() = rpc::ToProto(PollTime());
  for (const auto& held : held_) {
    if (held->fate == Fate::kDropped) continue;
    v1::TaskProgress* const progress = request.add_running();
    progress->set_task_id(held->task.task_id());
    progress->set_fencing_token(held->task.fencing_token());
    progress->set_done_fraction(held->control.done_fraction);
  }
  for (const v1::TaskOutcome& outcome : unacknowledged_) *request.add_finished() = outcome;
  return request;
}

absl::Duration Worker::PollTime() const {
  const bool full = static_cast<int>(held_.size()) >= options_.slots;
  if (full || !unacknowledged_.empty() || drain_since_ != absl::InfiniteFuture()) return absl::ZeroDuration();
  return held_.empty() ? options_.longest_poll : kShortPoll;
}

void Worker::Apply(const v1::SynchronizeResponse& response) {
  absl::MutexLock lock(&mutex_);
  last_heard_ = absl::Now();
  for (const v1::AcknowledgedOutcome& acknowledged : response.acknowledged()) {
    unacknowledged_.remove_if([&](const v1::TaskOutcome& outcome) { return Concerns(outcome, acknowledged); });
  }
  for (const std::string& task_id : response.stop_task_ids()) {
    for (auto& held : held_) {
      if (held->task.task_id() != task_id) continue;
      held->fate = Fate::kDropped;
      held->control.cancelled = true;
    }
  }
  if (response.drain()) StartDraining(options_.drain_grace);
  for (const v1::Task& task : response.begin()) Begin(task);
  ShowSlots();
}

void Worker::Begin(const v1::Task& task) {
  for (auto& held : held_) {
    if (held->task.task_id() != task.task_id()) continue;
    if (held->task.fencing_token() == task.fencing_token()) return;  // told twice
    held->fate = Fate::kDropped;  // its lease was lost meanwhile; only the new attempt counts
    held->control.cancelled = true;
  }
  Reap();
  if (drain_since_ != absl::InfiniteFuture() || static_cast<int>(held_.size()) >= options_.slots) {
    HandBack(task);
    return;
  }
  auto held = std::make_unique<Held>();
  held->task = task;
  Held& running = *held;
  held_.push_back(std::move(held));
  running.thread = std::thread([this, &running] { RunTask(running); });
}

void Worker::HandBack(const v1::Task& task) {
  v1::TaskOutcome outcome;
  outcome.set_task_id(task.task_id());
  outcome.set_fencing_token(task.fencing_token());
  outcome.mutable_returned();
  unacknowledged_.push_back(std::move(outcome));
  news_ = true;
}

void Worker::RunTask(Held& held) {
  v1::TaskOutcome outcome = runner_.Run(held.task, held.control);
  absl::MutexLock lock(&mutex_);
  // Whole work is never thrown away: a task that ended well just before it was to be handed back is done.
  if (held.fate == Fate::kHandedBack && outcome.has_failed()) {
    HandBack(held.task);
  } else if (held.fate != Fate::kDropped) {
    unacknowledged_.push_back(std::move(outcome));
  }
  held.ended = true;
  news_ = true;
}

void Worker::Reap() {
  for (auto held = held_.begin(); held != held_.end();) {
    if (!(*held)->ended) {
      ++held;
      continue;
    }
    (*held)->thread.join();
    held = held_.erase(held);
  }
  ShowSlots();
}

void Worker::StopOverdue() {
  if (absl::Now() < drain_since_ + drain_grace_) return;
  for (auto& held : held_) {
    if (held->fate == Fate::kReported) held->fate = Fate::kHandedBack;
    held->control.cancelled = true;
  }
}

// Waits at most `longest` for something to report. Zero: until the next call is due, which is at once when a slot is free
// to be filled, else with the heartbeat.
void Worker::WaitForNews(absl::Duration longest) {
  absl::MutexLock lock(&mutex_);
  if (longest == absl::ZeroDuration()) {
    Reap();
    const bool draining = drain_since_ != absl::InfiniteFuture();
    const bool full = static_cast<int>(held_.size()) >= options_.slots;
    if (!full && !draining) return;
    longest = held_.empty() ? kShortPoll : options_.heartbeat;
    if (draining) longest = std::min(longest, std::max(kShortPoll, drain_since_ + drain_grace_ - absl::Now()));
  }
  mutex_.AwaitWithTimeout(absl::Condition(&news_), longest);
}

void Worker::ShowSlots() {
  std::map<std::string, int> busy;
  for (const auto& [stage, function] : runner_.stages()) busy[stage] = 0;
  int running = 0;
  for (const auto& held : held_) {
    if (held->ended) continue;
    ++running;
    ++busy[runner_.stages().count(held->task.stage()) > 0 ? held->task.stage() : "unknown"];
  }
  for (const auto& [stage, count] : busy) slots_.With({stage, "busy"}).Set(count);
  const bool draining = drain_since_ != absl::InfiniteFuture();
  const int free = std::max(0, options_.slots - running);
  slots_.With({"any", "idle"}).Set(draining ? 0 : free);
  slots_.With({"any", "draining"}).Set(draining ? free : 0);
}

}  // namespace arpent::worker
