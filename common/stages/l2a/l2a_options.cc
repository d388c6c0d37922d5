#include "common/stages/l2a/l2a_options.h"

#include <string>

#include "common/base/status.h"

namespace arpent::stages {

absl::StatusOr<L2aOptions> ParseL2aOptions(const Parameters& parameters) {
  L2aOptions options;
  ARPENT_ASSIGN_OR_RETURN(const std::string processor, parameters.GetString("processor"));
  if (processor != "arpent") {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter processor: '", processor, "' is an external processor; this worker has 'arpent' only"));
  }
  ARPENT_ASSIGN_OR_RETURN(options.adjacency, parameters.GetBool("adjacency"));
  ARPENT_ASSIGN_OR_RETURN(options.cirrus, parameters.GetBool("cirrus"));
  ARPENT_ASSIGN_OR_RETURN(options.terrain, parameters.GetBool("terrain"));
  ARPENT_ASSIGN_OR_RETURN(options.cloud_limit, parameters.GetDouble("cloud_limit"));
  if (!(options.cloud_limit >= 0 && options.cloud_limit <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter cloud_limit: ", options.cloud_limit, " is not a share between 0 and 1"));
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string aerosol, parameters.GetString("aerosol"));
  options.choose_aerosol = aerosol == "auto";
  options.aerosol_of_cams = aerosol == "cams";
  if (options.choose_aerosol || options.aerosol_of_cams) return options;
  auto model = kernels::AerosolModelFromName(aerosol);
  if (!model.ok()) return Annotate(model.status(), "parameter aerosol");
  options.aerosol = *model;
  return options;
}

}  // namespace arpent::stages
