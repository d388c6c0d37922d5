// One stage on one unit of work: what the coordinator plans, a worker leases and `arpent STAGE` runs alone.
// A stage reads its inputs, computes by blocks, and publishes one product; it knows no server.
#ifndef ARPENT_COMMON_STAGES_STAGE_H_
#define ARPENT_COMMON_STAGES_STAGE_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/base/parameters.h"
#include "common/product/publication.h"
#include "common/scene/scene.h"
#include "common/stages/shared_model.h"
#include "common/storage/stores.h"

namespace arpent::stages {

// One input that a task really uses, in the order that the stage defines.
struct TaskInput {
  std::string role;  // "scene", "l2a", "composite", "samples", "model", "crop-mask", "parcels", "dem", ...
  std::string key;   // product key, scene digest or file digest
  std::string uri;   // product folder, scene or file: "output:/l2a/...", "input:/l1c/X.SAFE"
};

// How the work on a product is dealt out to tasks: one makes it, or each makes a part and one more puts them together
// (parted_publication.h). It decides who works, never what comes out, and is no part of the key.
struct TaskPart {
  int across = 1;  // the tile is cut into across x across parts
  int index = -1;  // of the part that this task makes, row by row; -1: the product, of its parts when there are several

  bool is_part() const { return index >= 0; }
  bool assembles() const { return across > 1 && index < 0; }
  int count() const { return across * across; }
};

// Stage, unit, parameters and inputs: everything that decides the result.
struct TaskSpec {
  std::string stage;          // "l2a"
  int algorithm_version = 0;  // of the stage, as the registry below says
  // The unit: those fields that the stage uses, the others empty.
  std::string tile;           // "33TVL"
  std::string acquisition;    // l2a, align
  std::string period;         // composite
  std::string site, season;   // samples, train, crop-mask, crop-type, validate, map (part of their key)
  std::string stratum;        // train; "all" when the site has no strata
  Parameters parameters;      // all defaults expanded
  std::vector<TaskInput> inputs;
  bool degraded = false;      // made without an input that was expected
  TaskPart part;              // not of the key

  // The product's key: SHA-256 over stage, version, unit, canonical parameters and the inputs' roles and keys in order.
  HexDigest Key() const;
};

// How a task ended. A failed task is an error Status instead.
struct TaskResult {
  enum class Outcome { kDone, kSkipped };
  Outcome outcome = Outcome::kDone;
  std::string skip_reason;    // "cloudy", "superseded", "no-data"
  product::PublishedProduct product;     // when kDone (empty uri for discover and for a part)
  scene::SceneListing listing;           // of discover
  int64_t pixels = 0;                    // finest-grid pixels worked on
  double area_km2 = 0;
};

// What a stage may use while it runs.
struct StageContext {
  std::shared_ptr<const storage::StoreSet> stores;  // has "output" and the inputs' stores
  std::shared_ptr<SharedModels> models = std::make_shared<SharedModels>();  // of the process
  std::string scratch;        // an empty local folder of this task's own; removed by the caller
  std::string tables;         // folder of the look-up tables (arpent-lut)
  int threads = 1;
  int64_t memory_bytes = int64_t{1} << 30;  // what the task may use
  std::function<void(double done_fraction)> progress = [](double) {};
  std::function<bool()> cancelled = [] { return false; };  // a stage looks between blocks and returns CANCELLED
};

using StageFunction = std::function<absl::StatusOr<TaskResult>(const TaskSpec&, const StageContext&)>;

// The stages that a program can run, by name. Each stage's folder exports its StageFunction (`RunL2a`, ...); the
// composition roots collect them (services/worker/all_stages.h). What a stage is, without running it: catalog.h.
using StageRegistry = std::map<std::string, StageFunction>;

// "output:/" + folder + "/item.json" and the like.
std::string ProductUri(const std::string& folder);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_STAGE_H_
