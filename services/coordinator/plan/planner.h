// From a site, one of its seasons and what `discover` found to the cells of a run. Pure: the same input gives the same
// plan, which is how a restarted coordinator finds its way back into a run.
#ifndef ARPENT_SERVICES_COORDINATOR_PLAN_PLANNER_H_
#define ARPENT_SERVICES_COORDINATOR_PLAN_PLANNER_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "arpent/site/v1/site.pb.h"
#include "arpent/worker/v1/worker.pb.h"
#include "services/coordinator/plan/cell.h"

namespace arpent::coordinator {

// What the discover cells that succeeded found, by cell id.
using Discoveries = std::map<std::string, worker::v1::TaskDone>;

// The cells with which a run begins: one per input and one per auxiliary file. `site` has its defaults filled in.
Plan PlanDiscovery(const site::v1::Site& site, const site::v1::Season& season);

// All cells: those of PlanDiscovery first, in the same order, then one per input that could not be identified, then the
// work. `now` decides which periods are closed.
absl::StatusOr<Plan> PlanRun(const site::v1::Site& site, const site::v1::Season& season, const Discoveries& discoveries,
                             absl::Time now);

// The season of this name, or the only one when `name` is empty. NOT_FOUND naming those that exist.
absl::StatusOr<site::v1::Season> FindSeason(const site::v1::Site& site, const std::string& name);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_PLAN_PLANNER_H_
