// The parameters of each stage as a site sets them: the catalog's defaults, then the site's options.
#ifndef ARPENT_SERVICES_COORDINATOR_PLAN_STAGE_PARAMETERS_H_
#define ARPENT_SERVICES_COORDINATOR_PLAN_STAGE_PARAMETERS_H_

#include <string>
#include <vector>

#include "arpent/site/v1/site.pb.h"
#include "common/base/parameters.h"
#include "common/stages/stage.h"

namespace arpent::coordinator {

// What a season asks for with what that needs, each as a yes or no.
struct WantedStages {
  bool l2a_of_season = false;  // every date of the season, whether or not something else uses it
  bool composite = false;
  bool vegetation = false;
  bool crop_mask = false;
  bool crop_type = false;
  bool map = false;
  std::vector<std::string> Purposes() const;  // of samples, models and validation: "crop-mask", "crop-type"
};
WantedStages StagesWanted(const site::v1::Site& site, const site::v1::Season& season);

// Makes tasks for one season of a site whose defaults are filled in. A parameter that the catalog does not have for a
// stage is left out: the catalog says what a stage reads.
class TaskTemplates {
 public:
  TaskTemplates(const site::v1::Site& site, const site::v1::Season& season) : site_(site), season_(season) {}

  // `kind` as the site declares an input, or "file", "area", "strata".
  stages::TaskSpec Discover(const std::string& kind) const;
  stages::TaskSpec L2a() const;
  stages::TaskSpec Align() const;
  stages::TaskSpec Composite() const;
  stages::TaskSpec Vegetation() const;
  stages::TaskSpec Samples(const std::vector<std::string>& purposes) const;
  stages::TaskSpec Train(const std::string& purpose) const;
  stages::TaskSpec Classify(const std::string& purpose) const;
  stages::TaskSpec Validate(const std::string& purpose) const;
  stages::TaskSpec Map(const std::string& crs) const;

 private:
  stages::TaskSpec OfSeason(const std::string& stage) const;
  void SetFeatures(stages::TaskSpec* task) const;
  void SetParcels(stages::TaskSpec* task) const;

  const site::v1::Site& site_;
  const site::v1::Season& season_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_PLAN_STAGE_PARAMETERS_H_
