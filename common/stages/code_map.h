// The maps that crop-mask and crop-type publish: codes as classified, codes regularised, confidence.
#ifndef ARPENT_COMMON_STAGES_CODE_MAP_H_
#define ARPENT_COMMON_STAGES_CODE_MAP_H_

#include <atomic>
#include <cstdint>
#include <memory>
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
  std::string title;  // "crop mask"
};

// Writes the assets NAME_RAW, NAME and CONF of a product while the map grows.
class CodeMaps final : public SeasonMapSink {
 public:
  // Pixels of NAME that have `counted` are counted.
  static absl::StatusOr<std::unique_ptr<CodeMaps>> Create(const std::string& name, const geo::Grid& grid,
                                                          const MapStyle& style, uint16_t counted,
                                                          const StageContext& context, product::Publication& publication);

  absl::Status Classified(const geo::Window& rows, raster::View<const uint16_t> codes,
                          raster::View<const uint8_t> confidence) override;
  absl::Status Regularised(const geo::Window& rows, raster::View<const uint16_t> codes) override;
  // Adds the assets to the product.
  absl::Status Finish();
  int64_t counted() const { return count_; }

 private:
  explicit CodeMaps(product::Publication& publication) : publication_(publication) {}
  absl::Status WriteCodes(product::RasterWriter& writer, const geo::Window& rows, raster::View<const uint16_t> codes) const;

  product::Publication& publication_;
  std::string name_;
  product::PixelType type_ = product::PixelType::kUInt16;
  int threads_ = 1;
  uint16_t counted_code_ = 0;
  std::atomic<int64_t> count_{0};
  std::unique_ptr<product::RasterWriter> raw_, regularised_, confidence_;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CODE_MAP_H_
