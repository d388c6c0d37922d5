// One run: its plan, the state of every cell, and the counts, which always sum to what is expected. Every change gets a
// sequence number, by which a watcher goes on where it stopped. Not thread-safe; knows neither queue nor storage.
#ifndef ARPENT_SERVICES_COORDINATOR_RUN_LEDGER_H_
#define ARPENT_SERVICES_COORDINATOR_RUN_LEDGER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "arpent/run/v1/run.pb.h"
#include "arpent/state/v1/state.pb.h"
#include "services/coordinator/plan/cell.h"
#include "services/coordinator/plan/resolve.h"

namespace arpent::coordinator {

class RunLedger {
 public:
  explicit RunLedger(state::v1::RunRecord record) : record_(std::move(record)) {}

  const state::v1::RunRecord& record() const { return record_; }
  const std::string& run_id() const { return record_.run().run_id(); }
  // The version of a stage that the run uses: with which it began, or which it took over from the workers; of a run from
  // before these were kept, the newest.
  int StageVersion(const std::string& stage) const;
  // The run with its counts as they are now.
  run::v1::Run ToProto() const;
  // Changes what the record says besides the cells; counts as a change for watchers.
  void ChangeRun(absl::Time now, const std::function<void(state::v1::RunRecord*)>& change);

  // Cells that were there before keep their state: a plan only grows at its end. New cells begin as WAITING.
  void SetPlan(Plan plan, absl::Time now);
  // The cells of a run that ended, in any order; they need no plan.
  void SetCells(std::vector<run::v1::Cell> cells, absl::Time now);
  // What each planned cell is expected to cost and to leave behind.
  void SetExpectations(const std::function<double(const PlannedCell&)>& core_seconds,
                       const std::function<double(const PlannedCell&)>& output_bytes);

  const Plan& plan() const { return plan_; }
  int size() const { return static_cast<int>(cells_.size()); }
  const run::v1::Cell& cell(int index) const { return cells_[index]; }
  int Find(const std::string& cell_id) const;  // -1: none
  CellResult ResultOf(int index) const;

  void Change(int index, absl::Time now, const std::function<void(run::v1::Cell*)>& change);

  int open_cells() const { return open_cells_; }
  // Cells before this one that are not terminal.
  int OpenUpstream(int index) const;
  // "l2a/A, l2a/B and 3 more"; empty when nothing is missing.
  std::string OpenUpstreamNames(int index) const;
  // Their ids, at most `most`.
  std::vector<std::string> OpenUpstreamIds(int index, size_t most) const;

  // Of the newest change. Grows also over restarts, as the clock does.
  int64_t sequence() const { return sequence_; }
  // Cells that changed after `after`, oldest change first, at most `limit`; `upto` is the number to go on from.
  std::vector<int> ChangedAfter(int64_t after, size_t limit, int64_t* upto) const;

 private:
  void Count(int index, int sign);
  void Touch(int index, absl::Time now);

  state::v1::RunRecord record_;
  Plan plan_;
  std::vector<run::v1::Cell> cells_;
  std::vector<int64_t> changed_;               // by cell: sequence of its newest change
  std::map<int64_t, int> changes_;             // the other way round
  std::map<std::string, int> by_id_;
  std::map<std::string, run::v1::StageCounts> counts_;
  std::vector<double> core_seconds_, output_bytes_;  // expected, by cell
  int open_cells_ = 0;
  int64_t sequence_ = 0;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_RUN_LEDGER_H_
