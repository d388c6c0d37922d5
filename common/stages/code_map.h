// The maps that crop-mask and crop-type publish: codes as classified, codes regularised, confidence.
#ifndef ARPENT_COMMON_STAGES_CODE_MAP_H_
#define ARPENT_COMMON_STAGES_CODE_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/product/publication.h"
#include "common/raster/image.h"
#include "common/stages/season_classifier.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// The map without lone pixels and regions below the smallest mapping unit (10 pixels). Codes in `frozen` stay.
raster::Image<uint16_t> Regularised(const raster::Image<uint16_t>& codes, const std::vector<uint16_t>& frozen, int threads);

// Adds an asset of codes, as UInt8 (no-data 255) or UInt16 (65535); `codes` mark no-data with kUnclassified.
absl::Status WriteCodes(const std::string& asset, const ClassifiedTile& tile, const raster::Image<uint16_t>& codes,
                        product::PixelType type, const std::vector<product::CodeClass>& classes,
                        const std::string& description, const StageContext& context, product::Publication& publication);

// Adds the asset CONF.
absl::Status WriteConfidence(const ClassifiedTile& tile, const StageContext& context, product::Publication& publication);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CODE_MAP_H_
