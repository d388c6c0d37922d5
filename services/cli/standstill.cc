#include "services/cli/standstill.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace arpent::cli {

using arpent::run::v1::Cell;

std::string WhatIsAwaited(const std::vector<Cell>& cells) {
  const Cell* awaits = nullptr;
  for (const Cell& cell : cells) {
    if (cell.waiting_for().empty() || cell.waits_for_cells_size() > 0) continue;
    if (awaits == nullptr) awaits = &cell;
    if (cell.outcome() != arpent::run::v1::CELL_OUTCOME_READY) continue;
    awaits = &cell;
    break;
  }
  return awaits == nullptr ? "" : absl::StrCat(awaits->stage(), " ", awaits->unit(), " waits for ", awaits->waiting_for());
}

Standstill::Standstill(absl::Duration patience, std::function<absl::StatusOr<std::vector<Cell>>()> look,
                       std::function<void(const std::string&)> tell)
    : patience_(patience), look_(std::move(look)), tell_(std::move(tell)), thread_([this] { Watch(); }) {}

Standstill::~Standstill() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  thread_.join();
}

void Standstill::Heard(const arpent::run::v1::Run& run) {
  absl::MutexLock lock(&mutex_);
  running_ = false;
  for (const auto& stage : run.stages()) running_ = running_ || stage.running() > 0;
  ++news_;
}

void Standstill::Watch() {
  std::string told;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const int64_t seen = news_;
      const auto something = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_ || news_ != seen; };
      const bool news = mutex_.AwaitWithTimeout(absl::Condition(&something), patience_);
      if (ended_) return;
      if (news || running_) continue;
    }
    const auto cells = look_();
    if (!cells.ok()) continue;  // the watch itself tells of a coordinator that is away
    const std::string awaited = WhatIsAwaited(*cells);
    if (awaited.empty() || awaited == told) continue;
    told = awaited;
    tell_(awaited);
  }
}

}  // namespace arpent::cli
