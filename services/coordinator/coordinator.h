// The coordinator without its network: sites, runs, the queue, what is published. Every public method is one accepted
// request or one look; what it changed is durable when it returns. Thread-safe.
//
// All state that matters is in memory under one mutex; the store gets each change in order and is read only when the
// coordinator begins and for what ended long ago.
#ifndef ARPENT_SERVICES_COORDINATOR_COORDINATOR_H_
#define ARPENT_SERVICES_COORDINATOR_COORDINATOR_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "arpent/product/v1/product_service.pb.h"
#include "arpent/run/v1/run_service.pb.h"
#include "arpent/site/v1/site_service.pb.h"
#include "arpent/worker/v1/worker_service.pb.h"
#include "common/base/clock.h"
#include "services/coordinator/coordinator_counters.h"
#include "services/coordinator/cost_model.h"
#include "services/coordinator/plan/planner.h"
#include "services/coordinator/queue/task_queue.h"
#include "services/coordinator/queue_picture.h"
#include "services/coordinator/run_ledger.h"
#include "services/coordinator/store/state_store.h"
#include "services/coordinator/sweep/sweep_plan.h"
#include "services/coordinator/task_parts.h"
#include "services/coordinator/worker_roster.h"

namespace arpent::coordinator {

// Rows of the table of counters.
inline constexpr char kLastToken[] = "last_token", kLastSweep[] = "last_sweep";

struct CoordinatorPolicy {
  QueuePolicy queue;
  absl::Duration worker_silence = absl::Minutes(1);
  // When no worker has offered a stage's version or tables that a run uses for so long, the run takes what is offered.
  absl::Duration replan_after = absl::Minutes(10);
  // Runs that ended stay at hand until there are more than this.
  size_t ended_runs_in_memory = 20;
  // Of each site, so many runs that ended keep their cells; of older ones only the counts are kept.
  size_t runs_with_cells = 50;
  // No task is cut into parts that are expected to take less than this.
  double least_part_seconds = 10;
  // The workers are threads of this process: leases of an earlier life are nobody's.
  bool workers_died_with_us = false;
};

class Coordinator {
 public:
  // Reads the state and goes on where it stopped. `store`, `clock` and `counters` outlive the coordinator; `random`
  // gives numbers in [0, 1).
  static absl::StatusOr<std::unique_ptr<Coordinator>> Open(const CoordinatorPolicy& policy, StateStore& store,
                                                           const Clock& clock, std::function<double()> random,
                                                           CoordinatorCounters& counters);

  // Sites. The requests are those of SiteService.
  absl::StatusOr<site::v1::ApplySiteResponse> ApplySite(const site::v1::ApplySiteRequest& request);
  absl::StatusOr<site::v1::Site> GetSite(const std::string& name);
  std::vector<site::v1::Site> ListSites(const std::string& after, size_t limit);  // by name, behind `after`
  absl::Status DeleteSite(const std::string& name);

  // Runs.
  // `trace_id`: of the caller; empty: the run gets one of its own.
  absl::StatusOr<run::v1::Run> StartRun(const run::v1::StartRunRequest& request, const std::string& trace_id = "");
  absl::StatusOr<run::v1::Run> RetryRun(const run::v1::RetryRunRequest& request, const std::string& trace_id = "");
  absl::StatusOr<run::v1::Run> CancelRun(const std::string& run_id);
  absl::StatusOr<run::v1::Run> GetRun(const std::string& run_id);
  // Newest first, from the `offset`-th on.
  std::vector<run::v1::Run> ListRuns(const std::string& site, size_t offset, size_t limit);
  // Cells from index `first` on that pass `wanted`; `next` is the index to go on from, or -1.
  using CellFilter = std::function<bool(const run::v1::Cell&)>;
  absl::StatusOr<std::vector<run::v1::Cell>> ListCells(const std::string& run_id, int first, size_t limit,
                                                       const CellFilter& wanted, int* next);
  // What changed after a sequence number, waiting up to `longest` for something. `ended`: nothing will follow.
  struct Changes {
    run::v1::WatchRunResponse response;
    bool any = false;
    bool ended = false;
  };
  absl::StatusOr<Changes> WatchRun(const std::string& run_id, int64_t after, absl::Duration longest);

  // Products.
  absl::StatusOr<std::vector<product::v1::Product>> ListProducts(const product::v1::ListProductsRequest& request,
                                                                 std::string* next_page_token);
  absl::StatusOr<product::v1::Product> GetProduct(const std::string& key);
  absl::Status DeleteProduct(const std::string& key);
  // What somebody who shows the current products wants to know: a number that grows with each change, and whether a run
  // goes on, so that more will follow.
  struct ProductNews {
    int64_t version = 0;
    bool more_to_come = false;
  };
  ProductNews NewsOfProducts();

  // Sweeping the output store. Whether `interval` has passed since the last one that NoteSweep told of, over restarts too.
  bool IsSweepDue(absl::Duration interval);
  absl::Status NoteSweep();
  // What a sweep must know, but for the products.
  SweepState ViewForSweep();
  // Gives a folder free to be removed: nothing uses it, its product is forgotten, and until EndRemoval no cell begins that
  // would publish it again. FAILED_PRECONDITION when it is in use, or current again.
  absl::Status BeginRemoval(const SweepPlan::Removal& removal);
  absl::Status EndRemoval(const SweepPlan::Removal& removal);

  // Workers. Waits up to the request's max_wait when there is nothing to say.
  absl::StatusOr<worker::v1::SynchronizeResponse> Synchronize(const worker::v1::SynchronizeRequest& request);
  std::vector<worker::v1::WorkerStatus> ListWorkers();

  // What time brings: leases that run out, attempts that are due, inputs to look at again. To be called about once a
  // second. Its error is the store's: the process must then end.
  absl::Status Tick();
  // The clock was set, and now says `by` more than the time that passed: leases, backoffs and what else is counted from now
  // move with it, so that none runs out early or lasts on.
  void ClockJumped(absl::Duration by);
  // Ends every wait, for good.
  void Stop();

  // Fills the gauges of the queue and the ledgers.
  void ShowGauges();

 private:
  struct Waiter {
    std::string run_id;
    int cell;
    bool operator<(const Waiter& other) const { return std::tie(run_id, cell) < std::tie(other.run_id, other.cell); }
  };
  // What is to be made and the cells that wait for it: one task in the queue, or one of each part and then one that assembles.
  struct ActiveTask {
    stages::TaskSpec spec;
    std::set<Waiter> waiters;
    int priority = 0;
    TaskDemand demand;            // as one task
    TaskParts parts;
    worker::v1::TaskUsage spent;  // on the parts that are done
  };
  // What is kept in memory of a product; the rest is in the store.
  struct KnownProduct {
    std::string uri, stage, tile, site;
    bool degraded = false;

    // Its folder without the key.
    std::string place() const { return uri.substr(0, uri.rfind('_')); }
  };
  using Ledger = std::shared_ptr<RunLedger>;

  Coordinator(const CoordinatorPolicy& policy, StateStore& store, const Clock& clock, std::function<double()> random,
              CoordinatorCounters& counters, int64_t last_token);

  // coordinator_recovery.cc
  absl::Status Recover() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RecoverRun(const Ledger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Ledger> LoadEndedRun(const std::string& run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // coordinator.cc
  bool IsCurrent(const std::string& key, const KnownProduct& product) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(Table table, const std::string& key, std::string value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(Table table, const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutRun(const RunLedger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Ledger> FindRun(const std::string& run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Ledger> BeginRun(const site::v1::Site& site, const run::v1::StartRunRequest& request,
                                  const std::string& trace_id, bool polled = false)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string WaitingFor(const RunLedger& ledger, int cell, const QueuePicture& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // coordinator_runs.cc: how a run moves on; coordinator_versions.cc: with which versions.
  void PlanWork(const Ledger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ResolveReady(const Ledger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ResolveCell(const Ledger& ledger, int cell) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueCell(const Ledger& ledger, int cell, const std::string& task_id, const stages::TaskSpec& spec,
                 const std::string& stage_version) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetCurrent(const run::v1::Cell& cell) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndCell(const Ledger& ledger, int cell, const std::function<void(run::v1::Cell*)>& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MoveOn(const Ledger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndRun(const Ledger& ledger, run::v1::RunState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetTask(const std::string& task_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool PinTables(const Ledger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string OfferFor(const RunLedger& ledger, int index) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::set<std::string> UnservedStages(const RunLedger& ledger) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RepinStages(const Ledger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeOver(const Ledger& ledger, const std::string& stage, const std::string& offered)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t MemoryFor(const PlannedCell& planned, const std::string& stage_version) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // coordinator_upkeep.cc: what nobody asks for.
  void PollInputs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FitMemoryToWorkers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutLearnedCosts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOldRuns() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PruneCells() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EraseCells(const std::string& run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status DropRun(const std::string& run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropEarlierQuietPolls(const RunLedger& ledger) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // coordinator_parts.cc: products that are made in parts. `task_id` is that of the product.
  TaskDemand DemandOf(const ActiveTask& task, int part) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(const std::string& task_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ChooseParts(const std::string& task_id, const site::v1::Site& site) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool CanBeCut(const ActiveTask& task) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CutForIdleSlots() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakePart(const TaskName& name, const worker::v1::TaskUsage& usage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  worker::v1::TaskUsage WithParts(const ActiveTask& task, const worker::v1::TaskUsage& usage) const;
  run::v1::CellOutcome OutcomeNow(const std::string& task_id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShowTask(const std::string& task_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // coordinator_sweeps.cc
  std::string UserOf(const std::string& key_digits) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsBeingRemoved(const std::string& key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // coordinator_tasks.cc: what workers say and hear.
  bool Holds(const std::string& worker_id, const std::string& task_id, int64_t token) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeOutcome(const std::string& worker_id, const worker::v1::TaskOutcome& outcome,
                   worker::v1::SynchronizeResponse* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyOutcome(const worker::v1::TaskOutcome& outcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckDone(const TaskName& name, const worker::v1::TaskDone& done) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeDone(const std::string& task_id, const Lease& lease, const worker::v1::TaskOutcome& outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeEnd(const AttemptEnd& end, const worker::v1::TaskUsage* usage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForEachWaiter(const std::string& task_id, const std::function<void(const Ledger&, int)>& visit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ExtendLeases(const worker::v1::SynchronizeRequest& request, worker::v1::SynchronizeResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveLeases(const worker::v1::SynchronizeRequest& request, worker::v1::SynchronizeResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveAgain(const worker::v1::SynchronizeRequest& request, worker::v1::SynchronizeResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  worker::v1::Task TaskOf(const Lease& lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutTask(const std::string& task_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveMoreMemory(const std::string& stage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const CoordinatorPolicy policy_;
  StateStore& store_;
  const Clock& clock_;
  CoordinatorCounters& counters_;

  absl::Mutex mutex_;
  absl::CondVar news_;  // something that someone may wait for
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Write> writes_ ABSL_GUARDED_BY(mutex_);  // of the request in progress
  uint64_t flushed_ ABSL_GUARDED_BY(mutex_) = 0;

  std::map<std::string, state::v1::SiteRecord> sites_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, state::v1::RunRecord> ended_runs_ ABSL_GUARDED_BY(mutex_);  // all, by id
  std::map<std::string, Ledger> ledgers_ ABSL_GUARDED_BY(mutex_);       // active ones, and some that ended
  std::map<std::string, std::string> active_run_of_site_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> run_of_request_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Discoveries> discoveries_ ABSL_GUARDED_BY(mutex_);  // by run, while it plans
  std::map<std::string, KnownProduct> products_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> current_ ABSL_GUARDED_BY(mutex_);  // key by place
  int64_t product_version_ ABSL_GUARDED_BY(mutex_) = 1;
  std::set<std::string> removing_ ABSL_GUARDED_BY(mutex_);  // first digits of keys whose folders are being removed
  absl::Time last_sweep_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::map<std::string, std::string> skips_ ABSL_GUARDED_BY(mutex_);
  TaskQueue queue_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, ActiveTask> tasks_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, state::v1::TaskRecord> recovered_tasks_ ABSL_GUARDED_BY(mutex_);
  // By run and stage: since when nobody offers the version that the run uses.
  std::map<std::pair<std::string, std::string>, absl::Time> unserved_since_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> prune_due_ ABSL_GUARDED_BY(mutex_);  // sites with runs that may be beyond `runs_with_cells`
  WorkerRoster roster_ ABSL_GUARDED_BY(mutex_);
  CostModel costs_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> fitted_memory_ ABSL_GUARDED_BY(mutex_);  // by stage: of the largest worker, when fitted
  std::set<std::string> learned_ ABSL_GUARDED_BY(mutex_);  // stages whose costs are newer than in the store
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COORDINATOR_H_
