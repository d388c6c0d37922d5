// What the coordinator has to say when the output store is swept: what is in use, and that nothing becomes so while it goes.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/coordinator/coordinator.h"

namespace arpent::coordinator {
namespace {

constexpr size_t kDigitsInFolder = 12;

}  // namespace

bool Coordinator::IsSweepDue(absl::Duration interval) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = clock_.Now();
  // One that lies ahead is of a clock that was wrong.
  return last_sweep_ > now || now - last_sweep_ >= interval;
}

absl::Status Coordinator::NoteSweep() {
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    last_sweep_ = clock_.Now();
    Put(Table::kCounters, kLastSweep, absl::StrCat(absl::ToUnixSeconds(last_sweep_)));
    number = Flush();
  }
  return store_.WaitDurable(number);
}

SweepState Coordinator::ViewForSweep() {
  absl::MutexLock lock(&mutex_);
  SweepState view;
  view.now = clock_.Now();
  for (const auto& [name, record] : sites_) view.sites.push_back(record.site());
  for (const auto& [site, run_id] : active_run_of_site_) {
    const Ledger& ledger = ledgers_.at(run_id);
    view.runs_in_progress = true;
    for (int i = 0; i < ledger->size(); ++i) {
      const run::v1::Cell& cell = ledger->cell(i);
      if (!cell.product_uri().empty()) view.in_use.insert(cell.product_uri());
      if (!cell.key().empty() && !IsTerminal(cell.outcome())) view.open_keys.insert(cell.key());
    }
  }
  return view;
}

// The run in progress that has a product or a task of the key, or takes such a product as an input; "" when none has.
std::string Coordinator::UserOf(const std::string& key_digits) const {
  for (const auto& [site, run_id] : active_run_of_site_) {
    const Ledger& ledger = ledgers_.at(run_id);
    for (int i = 0; i < ledger->size(); ++i) {
      if (absl::StartsWith(ledger->cell(i).key(), key_digits)) return run_id;
    }
    for (const PlannedCell& planned : ledger->plan().cells) {
      for (const Slot& slot : planned.slots) {
        if (absl::StartsWith(slot.key, key_digits)) return run_id;
      }
    }
  }
  return "";
}

bool Coordinator::IsBeingRemoved(const std::string& key) const {
  return !removing_.empty() && (removing_.count(key) > 0 || removing_.count(key.substr(0, kDigitsInFolder)) > 0);
}

void Coordinator::Forget(const std::string& key) {
  const auto found = products_.find(key);
  if (const std::string place = found->second.place(); IsCurrent(key, found->second)) {
    current_.erase(place);
    Erase(Table::kCurrent, place);
    ++product_version_;
  }
  products_.erase(found);
  Erase(Table::kProducts, key);
}

absl::Status Coordinator::BeginRemoval(const SweepPlan::Removal& removal) {
  const std::string digits = removal.KeyDigits();
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    if (const std::string user = UserOf(digits); !user.empty()) {
      return absl::FailedPreconditionError(absl::StrCat(removal.folder, ": run ", user, " uses it"));
    }
    const auto known = products_.lower_bound(digits);
    const bool is_known = known != products_.end() && absl::StartsWith(known->first, digits);
    if (is_known && !removal.is_work()) {
      if (known->first != removal.key) return absl::FailedPreconditionError(absl::StrCat(removal.folder, ": is known by now"));
      // With an older version's options it may have become the current one again.
      if (removal.is_old_version() && IsCurrent(removal.key, known->second)) {
        return absl::FailedPreconditionError(absl::StrCat(removal.folder, ": is current again"));
      }
      Forget(removal.key);
    }
    removing_.insert(digits);
    number = Flush();
  }
  return store_.WaitDurable(number);
}

absl::Status Coordinator::EndRemoval(const SweepPlan::Removal& removal) {
  uint64_t number;
  {
    absl::MutexLock lock(&mutex_);
    removing_.erase(removal.KeyDigits());
    const std::map<std::string, std::string> active = active_run_of_site_;
    for (const auto& [site, run_id] : active) {
      const Ledger ledger = ledgers_.at(run_id);
      ResolveReady(ledger);
      MoveOn(ledger);
    }
    number = Flush();
  }
  return store_.WaitDurable(number);
}

}  // namespace arpent::coordinator
