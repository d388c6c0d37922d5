// The layers of a simulated site that say what is true: beside the scenes, for tests of accuracy.
#ifndef ARPENT_COMMON_SIMULATE_TRUTH_LAYERS_H_
#define ARPENT_COMMON_SIMULATE_TRUTH_LAYERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/simulate/ground.h"
#include "common/simulate/scene_simulation.h"
#include "common/simulate/site_options.h"

namespace arpent::simulate {

// truth/{tile}/crop.tif: the code of what is sown, 0 elsewhere.
absl::Status WriteTileTruth(const SiteOptions& options, const std::string& tile, const Ground& ground);

// truth/{tile}/{acquisition}/: surface reflectance by band, CLOUD, SHADOW, AOT, WVP.
absl::Status WriteSceneTruth(const SiteOptions& options, const SceneSimulation& scene);

// dem.tif: one elevation model over all grids and a margin, in the coordinate system of the first.
absl::Status WriteElevation(const SiteOptions& options, const Landscape& landscape, const std::vector<geo::Grid>& grids);

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_TRUTH_LAYERS_H_
