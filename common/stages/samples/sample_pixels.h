// Which pixels of a tile are sampled, and with which labels.
#ifndef ARPENT_COMMON_STAGES_SAMPLES_SAMPLE_PIXELS_H_
#define ARPENT_COMMON_STAGES_SAMPLES_SAMPLE_PIXELS_H_

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/geo/tile.h"
#include "common/insitu/parcels.h"
#include "common/insitu/reference_map.h"
#include "common/insitu/strata.h"
#include "common/learn/sample_table.h"

namespace arpent::stages {

enum Purpose : size_t { kForCropMask, kForCropType, kPurposes };
inline constexpr int32_t kNoLabel = -1;

struct SamplePixel {
  int x = 0, y = 0;              // on the series' grid
  uint32_t polygon = 0;
  uint16_t stratum = 0;
  learn::SampleSplit split = learn::SampleSplit::kTrain;
  std::array<int32_t, kPurposes> label = {kNoLabel, kNoLabel};  // class code, or land-cover code before trimming
};

// A pixel's number in a random order that depends on the seed and on where the pixel lies, not on any grid.
uint64_t PixelDraw(uint64_t seed, const geo::Grid& grid, int x, int y);
// The same for any number, uniform over 64 bits.
uint64_t Draw(uint64_t seed, uint64_t number);

// Keeps the pixels with the smallest draws of each class, never holding many more than that.
class DrawnPixels {
 public:
  DrawnPixels(uint64_t seed, const geo::Grid& grid, size_t most_per_class)
      : seed_(seed), grid_(grid), most_(most_per_class) {}
  void Add(int32_t label, const SamplePixel& pixel);
  // By class; in no particular order inside.
  std::map<int32_t, std::vector<SamplePixel>> Take();

 private:
  void Prune(std::vector<SamplePixel>& pixels) const;
  const uint64_t seed_;
  const geo::Grid grid_;
  const size_t most_;
  std::map<int32_t, std::vector<SamplePixel>> pixels_;
};

struct PixelLimits {
  uint64_t seed = 1;
  size_t per_class = 40000;
  // Rows of each purpose's table that fit its memory: classes share them.
  std::array<size_t, kPurposes> rows = {0, 0};
};

// Pixels of parcels that the tile owns, at most `limits` of each class and purpose, by row and column. Pixels that two
// parcels share are left out and reported in `parcels`.
absl::StatusOr<std::vector<SamplePixel>> ParcelPixels(insitu::ParcelSet& parcels, const insitu::Strata& strata,
                                                      const geo::Grid& grid, const geo::Ownership& ownership,
                                                      const std::array<bool, kPurposes>& wanted,
                                                      const PixelLimits& limits);

// Codes of a window of a land-cover map where the tile owns the pixel, a stratum has it and its eight neighbours have the
// same code; kNoCode elsewhere.
absl::StatusOr<raster::Image<int32_t>> HomogeneousCodes(const insitu::ReferenceMap& map, const insitu::Strata& strata,
                                                        const geo::Grid& grid, const geo::Ownership& ownership,
                                                        const geo::Window& window);

// Pixels of a land-cover map that the tile owns, whose eight neighbours have the same code; label[kForCropMask] is the
// code of the map. Cells of 1 km take the place of polygons: neighbouring pixels are no independent samples.
absl::StatusOr<std::vector<SamplePixel>> ReferencePixels(const insitu::ReferenceMap& map, const insitu::Strata& strata,
                                                         const geo::Grid& grid, const geo::Ownership& ownership,
                                                         double train_share, const PixelLimits& limits);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SAMPLES_SAMPLE_PIXELS_H_
