// Which versions of the stages and which tables a run uses: those with which it began, until no worker offers them.

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {
namespace {

std::string VersionOf(const RunLedger& ledger, const std::string& stage) {
  return absl::StrCat(stage, "@", ledger.StageVersion(stage));
}

// Surface reflectance by another program is for workers that have it: "l2a@3#<tables>+maja-4.9".
std::string WithProcessor(const std::string& offer, const Parameters& parameters) {
  const absl::StatusOr<std::string> processor = parameters.GetString("processor");
  return processor.ok() && *processor != "arpent" ? absl::StrCat(offer, "+", *processor) : offer;
}

std::string WithTables(const std::string& version, const std::string& digest) {
  return digest.empty() ? version : absl::StrCat(version, "#", digest);
}

}  // namespace

bool Coordinator::PinTables(const Ledger& ledger) {
  if (ledger->record().has_tables_digest()) return true;
  const std::string version = VersionOf(*ledger, "l2a");
  const std::optional<std::string> offered = roster_.OfferedVersionOf(version);
  if (!offered) return false;
  const std::string digest = offered->size() > version.size() ? offered->substr(version.size() + 1) : "";
  ledger->ChangeRun(clock_.Now(), [&](state::v1::RunRecord* record) { record->set_tables_digest(digest); });
  PutRun(*ledger);
  return true;
}

// What a worker must offer for the cell, word for word.
std::string Coordinator::OfferFor(const RunLedger& ledger, int index) const {
  const PlannedCell& planned = ledger.plan().cells[index];
  const std::string version = VersionOf(ledger, planned.task.stage);
  return WithProcessor(planned.UsesTables() ? WithTables(version, ledger.record().tables_digest()) : version, planned.task.parameters);
}

// The stages of cells that could begin, and could not, because no worker offers what the run uses. Asked with every tick:
// the cells of a stage are alike in what they ask of a worker, so one look at each stage is enough.
std::set<std::string> Coordinator::UnservedStages(const RunLedger& ledger) const {
  std::set<std::string> unserved, served;
  for (int i = 0; i < ledger.size(); ++i) {
    const run::v1::CellOutcome outcome = ledger.cell(i).outcome();
    // Only for tables a cell waits that has all its inputs.
    const bool may_lack_tables = outcome == run::v1::CELL_OUTCOME_WAITING && !ledger.record().has_tables_digest();
    if (outcome != run::v1::CELL_OUTCOME_READY && !may_lack_tables) continue;
    const std::string& stage = ledger.plan().cells[i].task.stage;
    if (unserved.count(stage) > 0 || served.count(stage) > 0) continue;
    if (may_lack_tables && ledger.OpenUpstream(i) > 0) continue;
    (roster_.Offers(OfferFor(ledger, i)) ? served : unserved).insert(stage);
  }
  return unserved;
}

void Coordinator::RepinStages(const Ledger& ledger) {
  if (ledger->open_cells() == 0) return;
  const std::string& run_id = ledger->run_id();
  const std::set<std::string> unserved = UnservedStages(*ledger);
  std::erase_if(unserved_since_, [&](const auto& since) {
    return since.first.first == run_id && unserved.count(since.first.second) == 0;
  });
  for (const std::string& stage : unserved) {
    // Of the version that the run uses, with other tables; else of any.
    std::optional<std::string> offered = roster_.OfferedVersionOf(VersionOf(*ledger, stage));
    if (!offered) offered = roster_.OfferedStage(stage);
    if (!offered) continue;  // nobody can: it waits for a worker that can
    // Nobody has the processor: other tables or versions would not help.
    if (*offered == WithTables(VersionOf(*ledger, stage), ledger->record().tables_digest())) continue;
    const absl::Time since = unserved_since_.emplace(std::make_pair(run_id, stage), clock_.Now()).first->second;
    if (clock_.Now() - since < policy_.replan_after) continue;
    unserved_since_.erase({run_id, stage});
    TakeOver(ledger, stage, *offered);
  }
}

void Coordinator::TakeOver(const Ledger& ledger, const std::string& stage, const std::string& offered) {
  const std::string version = offered.substr(0, offered.find('#'));
  int number = 0;
  if (!absl::SimpleAtoi(version.substr(version.find('@') + 1), &number)) return;
  const std::string before = VersionOf(*ledger, stage);
  ledger->ChangeRun(clock_.Now(), [&](state::v1::RunRecord* record) {
    (*record->mutable_stage_versions())[stage] = number;
    if (offered != version || stage == "l2a") record->clear_tables_digest();
    record->mutable_run()->add_warnings(
        before == version ? absl::StrCat("no worker offered the tables with which the run began ", stage,
                                         "; what had not begun uses those that are offered now")
                          : absl::StrCat("no worker offered ", before, "; what had not begun uses ", version));
  });
  for (int i = 0; i < ledger->size(); ++i) {
    const PlannedCell& planned = ledger->plan().cells[i];
    if (ledger->cell(i).outcome() != run::v1::CELL_OUTCOME_READY || planned.task.stage != stage) continue;
    const std::string task_id =
        stage == "discover" ? absl::StrCat(ledger->run_id(), "/", planned.cell_id) : ledger->cell(i).key();
    if (const auto task = tasks_.find(task_id); task != tasks_.end()) {
      task->second.waiters.erase({ledger->run_id(), i});
      if (task->second.waiters.empty()) ForgetTask(task_id);
    }
    ledger->Change(i, clock_.Now(), [](run::v1::Cell* cell) { cell->set_outcome(run::v1::CELL_OUTCOME_WAITING); });
  }
  PutRun(*ledger);
  ResolveReady(ledger);
  MoveOn(ledger);
}

}  // namespace arpent::coordinator
