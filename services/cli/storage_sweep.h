// Removes from the output store what nobody needs any more: versions that newer ones took the place of, products past their
// site's retention, and published folders that the coordinator does not know. Never what a kept product was made of, never
// what a run in progress uses, never inputs/.
#ifndef ARPENT_SERVICES_CLI_STORAGE_SWEEP_H_
#define ARPENT_SERVICES_CLI_STORAGE_SWEEP_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "arpent/product/v1/product.pb.h"
#include "arpent/site/v1/site.pb.h"
#include "common/storage/stores.h"

namespace arpent::cli {

struct SweepState {
  std::vector<arpent::product::v1::Product> products;  // all that the coordinator knows, old versions too
  std::vector<arpent::site::v1::Site> sites;           // their `retention` counts
  std::set<std::string> in_use;                        // product URIs in the ledgers of runs in progress
  bool runs_in_progress = false;
  absl::Time now;
};

struct SweepPlan {
  struct Removal {
    std::string folder;
    std::string key;                   // empty: the coordinator does not know it
    std::string reason;                // "old version", "older than 400d", "unknown"
    std::vector<std::string> objects;  // the item first, so that an interrupted sweep leaves nothing that looks whole
  };
  std::vector<Removal> removals;  // by folder
  int64_t bytes = 0;
};

// What is to go. A product's age counts from its publication. What belongs to one site goes by that site's retention; what
// sites share (l2a, align, composite, vegetation) by the longest of any site. Folders without an item (a publication under
// way) stay, and while runs are in progress also fresh folders that the coordinator does not know yet. An item of a kept
// product that cannot be read is an error: what it refers to is not known.
absl::StatusOr<SweepPlan> PlanSweep(const storage::StoreSet& stores, const SweepState& state);

// Removes it; `forget` tells the coordinator, before the first object of a product goes.
absl::Status Sweep(storage::ObjectStore& output, const SweepPlan& plan,
                   const std::function<absl::Status(const std::string& key)>& forget);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_STORAGE_SWEEP_H_
