#include "common/stages/stage.h"

namespace arpent::stages {

HexDigest TaskSpec::Key() const {
  Sha256 digest;
  digest.UpdateField("arpent task 1").UpdateField(stage).UpdateField(std::to_string(algorithm_version));
  for (const std::string* part : {&tile, &acquisition, &period, &site, &season, &stratum}) digest.UpdateField(*part);
  digest.UpdateField(parameters.Canonical());
  for (const TaskInput& input : inputs) digest.UpdateField(input.role).UpdateField(input.key);
  return digest.Finish();
}

std::string ProductUri(const std::string& folder) { return "output:/" + folder; }

}  // namespace arpent::stages
