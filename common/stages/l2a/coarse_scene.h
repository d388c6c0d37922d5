// The whole scene at 60 m as TOA reflectance, read from the resolution levels of its bands: about a tenth of the cost
// of decoding them. A decimated scene, whose bands have larger pixels, is seen at those of its coarsest band.
#ifndef ARPENT_COMMON_STAGES_L2A_COARSE_SCENE_H_
#define ARPENT_COMMON_STAGES_L2A_COARSE_SCENE_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/scene/scene.h"

namespace arpent::stages {

inline constexpr double kCoarsePixel_m = 60;  // of a scene as it is delivered

// Side of the coarse pixels of this scene: 60 m, or the pixel of its coarsest band when that is larger.
double CoarsePixelOf(const scene::SceneMetadata& metadata);

// A distance in whole pixels, at least `least`.
int PixelsIn(double distance_m, double pixel_m, int least = 1);

struct CoarseScene {
  geo::Grid grid;                                   // of CoarsePixelOf
  std::map<std::string, raster::Image<float>> toa;  // by band; 0 where not valid
  raster::Image<uint8_t> valid;                     // 1 where every band read has data around the pixel
  raster::Image<uint8_t> data;                      // 1 where any band has

  int64_t ValidPixels() const;
};

// Reads `bands` on `threads` threads. Errors are those of the scene.
absl::StatusOr<CoarseScene> ReadCoarseScene(const scene::Scene& scene, const std::vector<std::string>& bands,
                                            int threads);

// Puts the values of one reduced band on the coarse grid (60 m), bilinearly. A sample of wavelet level L is centred on pixel
// 2^L k of the band, not on the middle of the pixels that it stands for. `valid` becomes 0 where a sample that is
// needed has no data. Exposed for its test.
void ResampleReduced(raster::View<const uint16_t> reduced, const scene::Band& band, int level, raster::View<float> toa,
                     raster::View<uint8_t> valid);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_COARSE_SCENE_H_
