// Which of the scenes that the inputs hold a site works on: those of its area, the best version of each acquisition.
#ifndef ARPENT_SERVICES_COORDINATOR_PLAN_SCENE_SELECTION_H_
#define ARPENT_SERVICES_COORDINATOR_PLAN_SCENE_SELECTION_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "arpent/site/v1/site.pb.h"
#include "arpent/worker/v1/worker.pb.h"
#include "common/rpc/site_rules.h"

namespace arpent::coordinator {

// One acquisition with all delivered versions: what one platform saw of one tile from one orbit in one strip. Starts that
// differ by less than 30 s are one strip's; two datastrips of one datatake are two acquisitions.
struct Acquisition {
  worker::v1::FoundScene scene;                    // highest processing baseline, then newest generation
  std::vector<worker::v1::FoundScene> superseded;  // the others, sorted by digest
  std::string sensor;                              // "sentinel2" or "landsat"
  absl::CivilDay day;                              // UTC, of sensing start
  std::set<std::string> tiles;                     // Sentinel-2 tiles that it serves
  double megapixels = 0;                           // of its footprint, at most a tile's
};

// Sorted by name of acquisition. The same content delivered twice counts once. `file_box` is the box of the site's
// polygon file when `area` names one and the box is known.
absl::StatusOr<std::vector<Acquisition>> SelectScenes(const site::v1::Site& site, const rpc::DegreeBox* file_box,
                                                      const std::vector<worker::v1::FoundScene>& found);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_PLAN_SCENE_SELECTION_H_
