#include "common/stages/l2a/describe.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/product/layout.h"

namespace arpent::stages {

product::ProductDescription DescribeL2a(const TaskSpec& task, const scene::SceneMetadata& metadata) {
  product::ProductDescription d;
  d.stage = task.stage;
  d.algorithm_version = task.algorithm_version;
  d.key = task.Key();
  const int year = static_cast<int>(absl::ToCivilYear(metadata.sensing_start, absl::UTCTimeZone()).year());
  d.folder = product::L2aFolder(metadata.tile, year, metadata.acquisition, d.key);
  d.parameters = task.parameters;
  for (const TaskInput& input : task.inputs) d.inputs.push_back({input.role, input.key, input.uri});
  d.grid = metadata.grid;
  d.tile = metadata.tile;
  d.datetime = d.start_datetime = d.end_datetime = metadata.sensing_start;
  d.start_datetime = absl::InfinitePast();
  d.end_datetime = absl::InfiniteFuture();
  d.platform = metadata.platform.rfind("LC", 0) == 0
                   ? absl::StrCat("landsat-", metadata.platform.substr(3))
                   : absl::StrCat("sentinel-", absl::AsciiStrToLower(metadata.platform.substr(1)));
  return d;
}

}  // namespace arpent::stages
