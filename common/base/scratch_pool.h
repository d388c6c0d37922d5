// Buffers that the bodies of a parallel loop use again instead of allocating (and clearing) their own.
#ifndef ARPENT_COMMON_BASE_SCRATCH_POOL_H_
#define ARPENT_COMMON_BASE_SCRATCH_POOL_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace arpent {

// Holds as many T as were ever borrowed at once. What is in one is what its last borrower left. Thread-safe.
template <typename T>
class ScratchPool {
 public:
  // Gives the T back at its end; must not outlive the pool.
  class Loan {
   public:
    Loan(ScratchPool* pool, std::unique_ptr<T> item) : pool_(pool), item_(std::move(item)) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { pool_->GiveBack(std::move(item_)); }
    T& operator*() const { return *item_; }
    T* operator->() const { return item_.get(); }

   private:
    ScratchPool* const pool_;
    std::unique_ptr<T> item_;
  };

  Loan Borrow() {
    absl::MutexLock lock(&mutex_);
    if (idle_.empty()) return Loan(this, std::make_unique<T>());
    std::unique_ptr<T> item = std::move(idle_.back());
    idle_.pop_back();
    return Loan(this, std::move(item));
  }

 private:
  void GiveBack(std::unique_ptr<T> item) {
    absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(item));
  }

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_SCRATCH_POOL_H_
