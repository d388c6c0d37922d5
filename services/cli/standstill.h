// Tells a person who watches a run what it waits for when nothing happens: a watch streams changes only, and a run that
// waits for a worker which never comes has none.
#ifndef ARPENT_SERVICES_CLI_STANDSTILL_H_
#define ARPENT_SERVICES_CLI_STANDSTILL_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "arpent/run/v1/run_service.pb.h"

namespace arpent::cli {

// What a run at rest waits for, "l2a S2A_...: a worker that offers l2a@2; none has come yet": the first of `cells` that is
// ready, else the first that waits for no other cell. "" when there is none.
std::string WhatIsAwaited(const std::vector<arpent::run::v1::Cell>& cells);

class Standstill {
 public:
  // After `patience` without news and with no cell running, `look` is asked for the open cells and `tell` is called, from
  // a thread of its own, with what is awaited: once for each answer that differs from the one before.
  Standstill(absl::Duration patience, std::function<absl::StatusOr<std::vector<arpent::run::v1::Cell>>()> look,
             std::function<void(const std::string& awaited)> tell);
  ~Standstill();

  // The run has changed.
  void Heard(const arpent::run::v1::Run& run);

 private:
  void Watch();

  const absl::Duration patience_;
  const std::function<absl::StatusOr<std::vector<arpent::run::v1::Cell>>()> look_;
  const std::function<void(const std::string&)> tell_;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;  // some cell is
  int64_t news_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_STANDSTILL_H_
