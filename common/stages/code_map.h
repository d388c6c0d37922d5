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
  product::PixelType type = product::PixelType::kUInt16;  // or UInt8: no-data is 65535 or 255
  std::vector<product::CodeClass> classes;
  std::string description;
};

// Adds the asset of the regularised map: the voted codes without regions below the smallest mapping unit (10 pixels).
// Codes in `frozen` stay. Returns how many pixels have `counted`.
absl::StatusOr<int64_t> WriteRegularised(const std::string& asset, const ClassifiedTile& tile,
                                         const std::vector<uint16_t>& frozen, uint16_t counted,
                                         const MapStyle& style, const StageContext& context,
                                         product::Publication& publication);

// Adds an asset of codes; they mark no-data with kUnclassified.
absl::Status WriteCodes(const std::string& asset, const ClassifiedTile& tile, const raster::Image<uint16_t>& codes,
                        const MapStyle& style, const StageContext& context, product::Publication& publication);

// Adds the asset CONF.
absl::Status WriteConfidence(const ClassifiedTile& tile, const StageContext& context, product::Publication& publication);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CODE_MAP_H_
