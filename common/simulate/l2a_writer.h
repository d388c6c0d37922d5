// Simulated L2A products, written directly: for tests of the later stages at full size.
#ifndef ARPENT_COMMON_SIMULATE_L2A_WRITER_H_
#define ARPENT_COMMON_SIMULATE_L2A_WRITER_H_

#include "absl/status/status.h"
#include "common/simulate/ground.h"
#include "common/simulate/scene_simulation.h"
#include "common/simulate/site_options.h"

namespace arpent::simulate {

// Publishes the scene's L2A below `options.folder` in the layout of the output store: the true surface with the sensor's
// noise, clouds as they look, and the masks that a perfect L2A would have.
absl::Status WriteL2aProduct(const SiteOptions& options, const Ground& ground, const SceneSimulation& scene);

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_L2A_WRITER_H_
