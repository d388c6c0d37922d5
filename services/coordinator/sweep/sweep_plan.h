// What of the output store nobody needs any more: versions that newer ones took the place of, products past their site's
// retention, published folders that the coordinator does not know, publications that were never finished, and work/ that
// nobody works on. Never what a kept product was made of, never what a run in progress uses, never inputs/.
#ifndef ARPENT_SERVICES_COORDINATOR_SWEEP_SWEEP_PLAN_H_
#define ARPENT_SERVICES_COORDINATOR_SWEEP_SWEEP_PLAN_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "arpent/product/v1/product.pb.h"
#include "arpent/site/v1/site.pb.h"
#include "common/storage/stores.h"

namespace arpent::coordinator {

struct SweepState {
  std::vector<product::v1::Product> products;  // all that the coordinator knows, old versions too
  std::vector<site::v1::Site> sites;           // their `retention` counts
  std::set<std::string> in_use;                        // product URIs in the ledgers of runs in progress
  std::set<std::string> open_keys;                     // of cells that have not ended, in runs in progress
  bool runs_in_progress = false;
  absl::Time now;
};

// Why something goes, beside "older than 400d".
inline constexpr char kOldVersion[] = "old version", kUnknown[] = "unknown", kUnfinished[] = "unfinished",
                      kLeftOverWork[] = "left-over work";

struct SweepPlan {
  struct Removal {
    std::string folder;
    std::string key;                   // empty: the coordinator does not know it
    std::string reason;
    std::vector<std::string> objects;  // the item first, so that an interrupted sweep leaves nothing that looks whole
    int64_t bytes = 0;

    // The key of what would be published there again, or its first digits.
    std::string KeyDigits() const { return folder.substr(folder.find_last_of("_/") + 1); }
    bool is_old_version() const { return reason == kOldVersion; }
    bool is_work() const { return reason == kLeftOverWork; }
  };
  std::vector<Removal> removals;  // by folder
  int64_t bytes = 0;
};

// What is to go. A product's age counts from its publication. What belongs to one site goes by that site's retention; what
// sites share (l2a, align, composite, vegetation) by the longest of any site. Folders without an item and work/ stay while an
// object of theirs is younger than a day, or a cell of their key is open; while runs are in progress, fresh folders that the
// coordinator does not know yet stay too. An item of a kept product that cannot be read is an error: what it refers to is
// not known.
absl::StatusOr<SweepPlan> PlanSweep(const storage::StoreSet& stores, const SweepState& state);

// Removes one folder.
absl::Status Remove(storage::ObjectStore& output, const SweepPlan::Removal& removal);

// Removes all; `forget` tells the coordinator, before the first object of a product goes.
absl::Status Sweep(storage::ObjectStore& output, const SweepPlan& plan,
                   const std::function<absl::Status(const std::string& key)>& forget);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_SWEEP_SWEEP_PLAN_H_
