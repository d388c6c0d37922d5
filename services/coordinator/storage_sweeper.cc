#include "services/coordinator/storage_sweeper.h"

#include <iterator>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace arpent::coordinator {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);
constexpr absl::Duration kAfterError = absl::Minutes(10);

// "older than 400d" -> "retention": a label is one of few.
std::string LabelOf(const std::string& reason) {
  if (absl::StartsWith(reason, "older than")) return "retention";
  return absl::StrReplaceAll(reason, {{" ", "_"}, {"-", "_"}});
}

absl::Status AddProducts(Coordinator& coordinator, SweepState& state) {
  product::v1::ListProductsRequest all;
  all.set_include_old(true);
  do {
    std::string next;
    ARPENT_ASSIGN_OR_RETURN(auto page, coordinator.ListProducts(all, &next));
    std::move(page.begin(), page.end(), std::back_inserter(state.products));
    all.set_page_token(next);
  } while (!all.page_token().empty());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SweepResult> SweepOutput(Coordinator& coordinator, CoordinatorCounters& counters,
                                        const storage::StoreSet& stores, const absl::Notification& stop) {
  SweepState state = coordinator.ViewForSweep();
  ARPENT_RETURN_IF_ERROR(AddProducts(coordinator, state));
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore * output, stores.Find("output"));
  ARPENT_ASSIGN_OR_RETURN(const SweepPlan plan, PlanSweep(stores, state));
  SweepResult result;
  for (const SweepPlan::Removal& removal : plan.removals) {
    if (stop.HasBeenNotified()) break;
    const absl::Status begun = coordinator.BeginRemoval(removal);
    if (absl::IsFailedPrecondition(begun)) {
      ++result.spared;
      continue;
    }
    ARPENT_RETURN_IF_ERROR(begun);
    const absl::Status removed = Remove(*output, removal);
    ARPENT_RETURN_IF_ERROR(coordinator.EndRemoval(removal));
    ARPENT_RETURN_IF_ERROR(removed);
    ++result.removed;
    result.bytes += removal.bytes;
    counters.swept_folders.With({LabelOf(removal.reason)}).Increment();
    counters.swept_bytes.With({}).Increment(static_cast<double>(removal.bytes));
    telemetry::Log(telemetry::LogLevel::kInfo, "swept a folder", {{"folder", removal.folder}, {"reason", removal.reason}});
  }
  return result;
}

StorageSweeper::StorageSweeper(std::shared_ptr<Coordinator> coordinator, CoordinatorCounters& counters,
                               std::shared_ptr<storage::ObjectStore> output, absl::Duration interval)
    : coordinator_(std::move(coordinator)), counters_(counters), interval_(interval) {
  stores_.Add("output", std::move(output));
  thread_ = std::thread([this] { Run(); });
}

StorageSweeper::~StorageSweeper() {
  stop_.Notify();
  thread_.join();
}

void StorageSweeper::Run() {
  absl::Duration wait = kLook;
  while (!stop_.WaitForNotificationWithTimeout(wait)) {
    wait = kLook;
    if (!coordinator_->IsSweepDue(interval_)) continue;
    absl::StatusOr<SweepResult> result = SweepOutput(*coordinator_, counters_, stores_, stop_);
    if (stop_.HasBeenNotified()) return;
    absl::Status status = result.status();
    if (status.ok()) status = coordinator_->NoteSweep();
    if (!status.ok()) {
      wait = kAfterError;
      counters_.sweep_failures.With({}).Increment();
      telemetry::Log(telemetry::LogLevel::kWarning, "a sweep of the output store failed; it is tried again in ten minutes",
                     {{"error", std::string(status.message())}});
      continue;
    }
    telemetry::Log(telemetry::LogLevel::kInfo, "swept the output store",
                   {{"removed", absl::StrCat(result->removed)},
                    {"spared", absl::StrCat(result->spared)},
                    {"bytes", absl::StrCat(result->bytes)}});
  }
}

}  // namespace arpent::coordinator
