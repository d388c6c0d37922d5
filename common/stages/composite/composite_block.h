// One block of a composite: reads it from every date and writes it to every asset.
#ifndef ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_BLOCK_H_
#define ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_BLOCK_H_

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kernels/composite/cloud_distance.h"
#include "common/product/raster_writer.h"
#include "common/stages/composite/composite_scenes.h"
#include "common/stages/composite/hidden_mask.h"

namespace arpent::stages {

// Pixels of the 20 m grid by flag (raster::CompositeFlag).
using FlagCounts = std::array<std::atomic<int64_t>, 5>;

class CompositeBlocks {
 public:
  // `hidden` has one per scene, and `distances`, or that is empty for methods that do not weigh by it.
  CompositeBlocks(const CompositeOptions& options, const CompositeScenes& scenes, const std::vector<HiddenMask>& hidden,
                  const std::vector<kernels::CloudDistance>& distances,
                  const std::map<std::string, std::unique_ptr<product::RasterWriter>>& writers, FlagCounts& counts)
      : options_(options),
        scenes_(scenes),
        hidden_(hidden),
        distances_(distances),
        writers_(writers),
        counts_(counts) {}

  // Thread-safe; blocks may be any disjoint windows of the 20 m grid.
  absl::Status Compose(const geo::Window& window20) const;

 private:
  struct Layers;

  absl::Status ReadLayers(const geo::Window& window20, Layers& layers) const;
  absl::Status Select(const geo::Window& window20, Layers& layers) const;
  absl::StatusOr<std::vector<raster::Image<int16_t>>> ReadBlue(const geo::Window& window20, const Layers& layers) const;
  absl::Status UseSpectralCentre(const geo::Window& window20, Layers& layers) const;
  absl::Status WriteSelection(const geo::Window& window20, const Layers& layers) const;
  absl::Status ReduceBand(const std::string& band, int resolution, const geo::Window& window20,
                          const Layers& layers) const;
  absl::StatusOr<raster::Image<int16_t>> ReadBand(size_t scene, const std::string& band, int resolution,
                                                  const geo::Window& window20, const Layers& layers) const;

  const CompositeOptions& options_;
  const CompositeScenes& scenes_;
  const std::vector<HiddenMask>& hidden_;
  const std::vector<kernels::CloudDistance>& distances_;
  const std::map<std::string, std::unique_ptr<product::RasterWriter>>& writers_;
  FlagCounts& counts_;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_COMPOSITE_COMPOSITE_BLOCK_H_
