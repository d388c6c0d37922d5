#include "services/coordinator/store/memory_store.h"

#include "absl/strings/match.h"

namespace arpent::coordinator {

uint64_t MemoryStore::Append(std::vector<Write> writes) {
  absl::MutexLock lock(&mutex_);
  for (Write& write : writes) {
    auto& table = tables_[static_cast<int>(write.table)];
    if (write.value) {
      table[write.key] = *std::move(write.value);
    } else {
      table.erase(write.key);
    }
  }
  return ++appended_;
}

absl::Status MemoryStore::Scan(Table table, const std::string& prefix, const Visitor& visit) {
  std::map<std::string, std::string> rows;
  {
    absl::MutexLock lock(&mutex_);
    const auto& all = tables_[static_cast<int>(table)];
    for (auto row = all.lower_bound(prefix); row != all.end() && absl::StartsWith(row->first, prefix); ++row) {
      rows.insert(*row);
    }
  }
  for (const auto& [key, value] : rows) visit(key, value);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> MemoryStore::Get(Table table, const std::string& key) {
  absl::MutexLock lock(&mutex_);
  const auto& rows = tables_[static_cast<int>(table)];
  const auto row = rows.find(key);
  return row == rows.end() ? std::optional<std::string>() : std::optional<std::string>(row->second);
}

}  // namespace arpent::coordinator
