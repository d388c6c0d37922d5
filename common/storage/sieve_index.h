// A bounded map that forgets what was not asked for again: SIEVE eviction (Zhang et al., NSDI 2024). A hit only sets a bit,
// so that readers need no exclusive lock, and a long scan does not push out what is used often.
#ifndef ARPENT_COMMON_STORAGE_SIEVE_INDEX_H_
#define ARPENT_COMMON_STORAGE_SIEVE_INDEX_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/storage/block.h"

namespace arpent::storage {

// Find may be called by several threads at once while none calls another method.
template <typename Value>
class SieveIndex {
 public:
  explicit SieveIndex(int64_t limit) : limit_(limit) {}

  // Null when there is none; valid until the next Insert or Remove.
  const Value* Find(const BlockId& id) const {
    const auto found = map_.find(id);
    if (found == map_.end()) return nullptr;
    found->second->visited.store(true, std::memory_order_relaxed);
    return &found->second->value;
  }

  // Replaces what was there. Returns what had to go to keep the weights within the limit; that may be the new entry.
  std::vector<std::pair<BlockId, Value>> Insert(const BlockId& id, int64_t weight, Value value) {
    Remove(id);
    entries_.emplace_front(id, weight, std::move(value));
    map_[id] = entries_.begin();
    total_ += weight;
    std::vector<std::pair<BlockId, Value>> evicted;
    while (total_ > limit_ && !entries_.empty()) evicted.push_back(EvictOne());
    return evicted;
  }

  void Remove(const BlockId& id) {
    const auto found = map_.find(id);
    if (found != map_.end()) Erase(found->second);
  }

  int64_t total_weight() const { return total_; }
  size_t size() const { return map_.size(); }

 private:
  struct Entry {
    Entry(const BlockId& entry_id, int64_t entry_weight, Value entry_value)
        : id(entry_id), weight(entry_weight), value(std::move(entry_value)) {}
    BlockId id;
    int64_t weight;
    Value value;
    mutable std::atomic<bool> visited = false;
  };
  using Iterator = typename std::list<Entry>::iterator;

  // The hand walks from the oldest to the newest, spares what was visited since it last passed, and stays where it is.
  std::pair<BlockId, Value> EvictOne() {
    if (hand_ == entries_.end()) hand_ = std::prev(entries_.end());
    while (hand_->visited.exchange(false)) {
      hand_ = hand_ == entries_.begin() ? std::prev(entries_.end()) : std::prev(hand_);
    }
    std::pair<BlockId, Value> evicted(hand_->id, std::move(hand_->value));
    Erase(hand_);
    return evicted;
  }

  void Erase(Iterator entry) {
    if (entry == hand_) hand_ = entry == entries_.begin() ? entries_.end() : std::prev(entry);
    total_ -= entry->weight;
    map_.erase(entry->id);
    entries_.erase(entry);
  }

  const int64_t limit_;
  int64_t total_ = 0;
  std::list<Entry> entries_;  // newest first
  std::unordered_map<BlockId, Iterator, BlockIdHash> map_;
  Iterator hand_ = entries_.end();
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_SIEVE_INDEX_H_
