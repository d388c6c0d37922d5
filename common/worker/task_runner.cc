#include "common/worker/task_runner.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/digest.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/base/task_context.h"
#include "common/rpc/convert.h"
#include "common/stages/catalog.h"
#include "common/telemetry/log.h"
#include "common/telemetry/time_account.h"

namespace arpent::worker {
namespace {

const char* OutcomeName(const v1::TaskOutcome& outcome) {
  switch (outcome.outcome_case()) {
    case v1::TaskOutcome::kDone:
      return "done";
    case v1::TaskOutcome::kSkipped:
      return "skipped";
    case v1::TaskOutcome::kReturned:
      return "returned";
    default:
      return "failed";
  }
}

// "33TVL 2021-06": what the task is about, for people.
std::string UnitOf(const v1::Task& task) {
  std::vector<std::string> parts = {task.site(), task.season(), task.tile(), task.acquisition(), task.period(), task.stratum()};
  std::erase(parts, "");
  return absl::StrJoin(parts, " ");
}

void LogEnd(const v1::TaskOutcome& outcome) {
  const v1::TaskUsage& usage = outcome.usage();
  telemetry::LogFields fields = {
      {"outcome", OutcomeName(outcome)},
      {"seconds", absl::StrFormat("%.3f", absl::ToDoubleSeconds(rpc::FromProto(usage.duration())))},
      {"peak_memory_bytes", absl::StrCat(usage.peak_memory_bytes())},
      {"bytes_read", absl::StrCat(usage.bytes_read())},
      {"bytes_written", absl::StrCat(usage.bytes_written())}};
  for (const auto& [kind, seconds] : usage.time_seconds()) {
    fields.emplace_back(absl::StrCat(kind, "_seconds"), absl::StrFormat("%.3f", seconds));
  }
  if (outcome.has_skipped()) fields.emplace_back("reason", outcome.skipped().reason());
  if (outcome.has_failed()) {
    fields.emplace_back("code", outcome.failed().code());
    fields.emplace_back("error", outcome.failed().message());
  }
  if (outcome.has_done()) fields.emplace_back("product", outcome.done().product().uri());
  telemetry::Log(outcome.has_failed() ? telemetry::LogLevel::kWarning : telemetry::LogLevel::kInfo, "a task ended", fields);
}

// From a chip's composite to the training of a country's model.
std::vector<double> DurationBuckets() {
  return {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200};
}

absl::StatusOr<std::string> MakeScratch(const std::string& root, const v1::Task& task) {
  const std::filesystem::path folder =
      std::filesystem::path(root) / absl::StrCat(Sha256Of(task.task_id()).substr(0, kShortKeyLength), "-", task.fencing_token());
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("scratch folder ", folder.string()));
  return folder.string();
}

}  // namespace

TaskRunner::TaskRunner(stages::StageRegistry stages, std::shared_ptr<const storage::StoreSet> stores, Options options,
                       telemetry::Metrics& metrics)
    : stages_(std::move(stages)),
      stores_(std::move(stores)),
      options_(std::move(options)),
      tasks_(metrics.AddCounter("arpent_tasks_total", "Attempts that ended, by outcome.", {"stage", "outcome"})),
      time_(metrics.AddCounter("arpent_task_time_seconds_total",
                               "Thread-seconds of tasks by what they were spent on; the kinds are disjoint.",
                               {"stage", "kind"})),
      pixels_(metrics.AddCounter("arpent_pixels_total", "Pixels of the finest grid worked on.", {"stage"})),
      area_(metrics.AddCounter("arpent_area_km2_total", "Area worked on, in km2.", {"stage"})),
      duration_(metrics.AddHistogram("arpent_task_duration_seconds", "Seconds from an attempt's begin to its end.",
                                     {"stage"}, DurationBuckets())) {
  // From the start at 0: what first appears at 1 has no increase that an alert could see.
  for (const auto& [stage, function] : stages_) {
    for (const char* const outcome : {"done", "skipped", "failed", "returned"}) (void)tasks_.With({stage, outcome});
    for (int kind = 0; kind < telemetry::kTimeKinds; ++kind) {
      (void)time_.With({stage, telemetry::TimeKindName(static_cast<telemetry::TimeKind>(kind))});
    }
    (void)pixels_.With({stage});
    (void)area_.With({stage});
    (void)duration_.With({stage});
  }
}

v1::TaskOutcome TaskRunner::Run(const v1::Task& task, TaskControl& control) const {
  const telemetry::ScopedLogFields fields(
      {{"run", task.run_id()}, {"task", task.task_id()}, {"attempt", absl::StrCat(task.attempt())},
       {"trace", task.trace_id()}, {"stage", task.stage()}});
  telemetry::Log(telemetry::LogLevel::kInfo, "a task begins", {{"unit", UnitOf(task)}});
  const absl::Time begin = absl::Now();
  v1::TaskOutcome outcome;
  outcome.set_task_id(task.task_id());
  outcome.set_fencing_token(task.fencing_token());
  telemetry::TimeAccount account;
  absl::Status status;
  {
    const ScopedTaskContext context(&account);
    status = [&]() -> absl::Status {
      ARPENT_ASSIGN_OR_RETURN(const stages::TaskSpec spec, rpc::SpecOf(task));
      ARPENT_ASSIGN_OR_RETURN(const std::string scratch, MakeScratch(options_.scratch, task));
      const absl::Cleanup remove_scratch = [&] {
        std::error_code ignored;
        std::filesystem::remove_all(scratch, ignored);
      };
      ARPENT_ASSIGN_OR_RETURN(const stages::TaskResult result, Execute(spec, task, scratch, control));
      rpc::SetResult(spec, result, &outcome);
      return absl::OkStatus();
    }();
  }
  if (!status.ok()) {
    outcome.mutable_failed()->set_code(std::string(CodeName(status.code())));
    outcome.mutable_failed()->set_message(std::string(status.message()));
  }
  v1::TaskUsage* const usage = outcome.mutable_usage();
  *usage->mutable_duration() = rpc::ToProto(absl::Now() - begin);
  rpc::SetTimes(account.Times(), usage);
  usage->set_peak_memory_bytes(PeakResidentBytes());
  ReturnFreeMemory();
  usage->set_bytes_read(account.bytes_read());
  usage->set_bytes_written(account.bytes_written());
  Count(task.stage(), outcome);
  LogEnd(outcome);
  return outcome;
}

absl::StatusOr<stages::TaskResult> TaskRunner::Execute(const stages::TaskSpec& spec, const v1::Task& task,
                                                       const std::string& scratch, TaskControl& control) const {
  const auto stage = stages_.find(spec.stage);
  if (stage == stages_.end()) {
    return absl::UnimplementedError(absl::StrCat("this worker does not run the stage '", spec.stage, "'"));
  }
  const absl::StatusOr<const stages::StageInfo*> info = stages::FindStage(spec.stage);
  if (info.ok() && (*info)->algorithm_version != spec.algorithm_version) {
    return absl::UnimplementedError(absl::StrCat("this worker runs ", (*info)->Versioned(), ", the task needs version ",
                                                 spec.algorithm_version));
  }
  stages::StageContext context;
  context.stores = stores_;
  context.models = models_;
  context.scratch = scratch;
  context.tables = options_.tables;
  context.threads = options_.threads_per_task;
  // A site's own limit, within this machine.
  const int most_threads = std::max(options_.threads_per_task, DetectResourceLimits().Threads());
  if (task.threads() > 0) context.threads = std::min(task.threads(), most_threads);
  context.memory_bytes = task.memory_bytes() > 0 ? task.memory_bytes() : options_.memory_per_task_bytes;
  context.progress = [&control](double fraction) { control.done_fraction = fraction; };
  context.cancelled = [&control] { return control.cancelled.load(); };
  try {
    return stage->second(spec, context);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(spec.stage, ": out of memory"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(spec.stage, ": ", error.what()));
  }
}

void TaskRunner::Count(const std::string& stage_name, const v1::TaskOutcome& outcome) const {
  // A stage that this worker does not know must not become a label.
  const std::string stage = stages_.count(stage_name) > 0 ? stage_name : "unknown";
  const v1::TaskUsage& usage = outcome.usage();
  tasks_.With({stage, OutcomeName(outcome)}).Increment();
  duration_.With({stage}).Observe(absl::ToDoubleSeconds(rpc::FromProto(usage.duration())));
  for (const auto& [kind, seconds] : usage.time_seconds()) time_.With({stage, kind}).Increment(seconds);
  pixels_.With({stage}).Increment(static_cast<double>(usage.pixels()));
  area_.With({stage}).Increment(usage.area_km2());
}

}  // namespace arpent::worker
