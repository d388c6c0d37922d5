#include "services/coordinator/store/group_commit.h"

#include <iterator>
#include <utility>

namespace arpent::coordinator {

absl::string_view TableName(Table table) {
  static constexpr const char* kNames[kTables] = {"sites", "runs",     "cells", "discoveries",
                                                  "tasks", "products", "skips", "counters", "current_products", "costs"};
  return kNames[static_cast<int>(table)];
}

std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

GroupCommit::GroupCommit(Commit commit) : commit_(std::move(commit)), thread_([this] { Run(); }) {}

GroupCommit::~GroupCommit() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  thread_.join();
}

uint64_t GroupCommit::Append(std::vector<Write> writes) {
  absl::MutexLock lock(&mutex_);
  queued_.insert(queued_.end(), std::make_move_iterator(writes.begin()), std::make_move_iterator(writes.end()));
  return ++appended_;
}

absl::Status GroupCommit::WaitDurable(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  const auto is_decided = [&] {
    mutex_.AssertReaderHeld();
    return durable_ >= number || !failure_.ok();
  };
  mutex_.Await(absl::Condition(&is_decided));
  return durable_ >= number ? absl::OkStatus() : failure_;
}

void GroupCommit::Run() {
  const auto has_work = [this] {
    mutex_.AssertReaderHeld();
    return closing_ || appended_ > durable_;
  };
  while (true) {
    std::vector<Write> group;
    uint64_t number;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (appended_ == durable_) return;
      group.swap(queued_);
      number = appended_;
    }
    const absl::Status status = commit_(group);
    absl::MutexLock lock(&mutex_);
    if (!status.ok()) {
      failure_ = status;
      return;
    }
    durable_ = number;
  }
}

}  // namespace arpent::coordinator
