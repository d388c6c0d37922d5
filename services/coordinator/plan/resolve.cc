#include "services/coordinator/plan/resolve.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace arpent::coordinator {
namespace {

using run::v1::CellOutcome;

// What is known of the slots of one group.
struct Group {
  int filled = 0, skipped = 0;
  std::set<std::string> skip_reasons;
  std::string first_failed;  // cell id and what became of it
};

std::string Sentence(const std::string& cell_id, const CellResult& result) {
  return absl::StrCat(cell_id, " ended as ", run::v1::CellOutcome_Name(result.outcome).substr(13));
}

// "superseded by X" and "superseded by Y" are one kind of skip.
std::string FirstWord(const std::string& reason) { return reason.substr(0, reason.find(" by ")); }

}  // namespace

bool IsTerminal(CellOutcome outcome) {
  switch (outcome) {
    case run::v1::CELL_OUTCOME_DONE:
    case run::v1::CELL_OUTCOME_SKIPPED:
    case run::v1::CELL_OUTCOME_FAILED:
    case run::v1::CELL_OUTCOME_MISSING_INPUT:
    case run::v1::CELL_OUTCOME_CANCELLED:
      return true;
    default:
      return false;
  }
}

Resolution Resolve(const Plan& plan, int index, const std::function<CellResult(int)>& result_of,
                   const std::string& tables_digest) {
  const PlannedCell& cell = plan.cells[index];
  Resolution resolution;
  resolution.task = cell.task;
  std::map<std::string, Group> groups;
  std::string skipped;
  for (const Slot& slot : cell.slots) {
    if (slot.upstream < 0) {
      resolution.task.inputs.push_back({slot.role, slot.role == "tables" ? tables_digest : slot.key, slot.uri});
      continue;
    }
    const CellResult result = result_of(slot.upstream);
    const std::string& upstream_id = plan.cells[slot.upstream].cell_id;
    const bool is_done = result.outcome == run::v1::CELL_OUTCOME_DONE;
    const bool is_skipped = result.outcome == run::v1::CELL_OUTCOME_SKIPPED;
    if (is_done) resolution.task.inputs.push_back({slot.role, result.key, result.uri});
    if (slot.any_of.empty()) {
      if (is_done) continue;
      if (is_skipped) {
        skipped = absl::StrCat(upstream_id, " was skipped: ", result.reason);
        continue;
      }
      return {.kind = Resolution::Kind::kMissingInput, .reason = Sentence(upstream_id, result)};
    }
    Group& group = groups[slot.any_of];
    if (is_done) {
      ++group.filled;
    } else if (is_skipped) {
      ++group.skipped;
      group.skip_reasons.insert(FirstWord(result.reason));
    } else if (group.first_failed.empty()) {
      group.first_failed = Sentence(upstream_id, result);
    }
  }
  for (const auto& [name, group] : groups) {
    if (!group.first_failed.empty()) resolution.task.degraded = true;
    if (group.filled > 0) continue;
    if (!group.first_failed.empty()) {
      return {.kind = Resolution::Kind::kMissingInput,
              .reason = absl::StrCat("no usable ", name, ": ", group.first_failed)};
    }
    skipped = absl::StrCat("no usable ", name, ": all ", group.skipped, " were skipped (",
                           absl::StrJoin(group.skip_reasons, ", "), ")");
  }
  if (!skipped.empty()) return {.kind = Resolution::Kind::kSkipped, .reason = skipped};
  return resolution;
}

}  // namespace arpent::coordinator
