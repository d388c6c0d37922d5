// The maps that crop-mask and crop-type publish: codes as classified, codes regularised, confidence.
#ifndef ARPENT_COMMON_STAGES_CODE_MAP_H_
#define ARPENT_COMMON_STAGES_CODE_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/product/publication.h"
#include "common/raster/image.h"
#include "common/stages/season_classifier.h"
#include "common/stages/stage.h"

namespace arpent::stages {

struct MapStyle {
  std::string asset;    // "CM"
  std::string title;    // "crop mask"
  product::PixelType type = product::PixelType::kUInt16;  // or UInt8: no-data is 65535 or 255
  std::vector<product::CodeClass> classes;
  std::vector<uint16_t> frozen;     // codes that take no part in regularisation
  std::string counted_as;           // the number of the product that counts pixels of `counted`; empty: none
  uint16_t counted = 0;
};

// Classifies the map, or the task's part of it, and publishes it: the assets {asset}_RAW, {asset} and CONF. A part's {asset}
// has the codes after the vote; small regions, which may lie across parts, are taken out where the map is whole.
absl::StatusOr<TaskResult> MakeSeasonMap(const TaskSpec& task, const StageContext& context, SeasonClassifier& classifier,
                                         const PresetCodes& preset, const MapStyle& style);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CODE_MAP_H_
