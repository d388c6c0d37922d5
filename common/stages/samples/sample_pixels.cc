#include "common/stages/samples/sample_pixels.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "common/base/status.h"

namespace arpent::stages {
namespace {

constexpr int kBlock = 1024;
constexpr double kCell_m = 1000;  // side of the cells that group reference pixels

std::vector<geo::Window> BlocksOf(const geo::Grid& grid) {
  std::vector<geo::Window> blocks;
  for (int y = 0; y < grid.height; y += kBlock) {
    for (int x = 0; x < grid.width; x += kBlock) {
      blocks.push_back(geo::Intersection({x, y, kBlock, kBlock}, grid.Whole()));
    }
  }
  return blocks;
}

bool ByPlace(const SamplePixel& a, const SamplePixel& b) { return std::pair(a.y, a.x) < std::pair(b.y, b.x); }

// The largest number of pixels per class with which all classes together stay within `rows`.
size_t FairShare(const std::map<int32_t, std::vector<SamplePixel>>& classes, size_t most, size_t rows) {
  const auto total = [&](size_t share) {
    size_t sum = 0;
    for (const auto& [label, pixels] : classes) sum += std::min(share, pixels.size());
    return sum;
  };
  size_t low = 0, high = most;
  while (low < high) {
    const size_t middle = low + (high - low + 1) / 2;
    if (total(middle) <= rows) low = middle; else high = middle - 1;
  }
  return low;
}

}  // namespace

uint64_t Draw(uint64_t seed, uint64_t number) {
  uint64_t z = (seed + 1) * 0x9E3779B97F4A7C15u ^ (number * 0xD1342543DE82EF95u + 0x632BE59BD9B4E019u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

uint64_t PixelDraw(uint64_t seed, const geo::Grid& grid, int x, int y) {
  const auto east = static_cast<int64_t>(std::floor(grid.CentreX(x) / grid.pixel_m));
  const auto north = static_cast<int64_t>(std::floor(grid.CentreY(y) / grid.pixel_m));
  return Draw(seed, static_cast<uint64_t>(east) << 32 ^ static_cast<uint64_t>(north));
}

void DrawnPixels::Add(int32_t label, const SamplePixel& pixel) {
  std::vector<SamplePixel>& own = pixels_[label];
  own.push_back(pixel);
  if (own.size() >= 2 * most_ + 4096) Prune(own);
}

void DrawnPixels::Prune(std::vector<SamplePixel>& pixels) const {
  if (pixels.size() <= most_) return;
  std::nth_element(pixels.begin(), pixels.begin() + static_cast<ptrdiff_t>(most_), pixels.end(),
                   [this](const SamplePixel& a, const SamplePixel& b) {
                     return std::tuple(PixelDraw(seed_, grid_, a.x, a.y), a.y, a.x) <
                            std::tuple(PixelDraw(seed_, grid_, b.x, b.y), b.y, b.x);
                   });
  pixels.resize(most_);
}

std::map<int32_t, std::vector<SamplePixel>> DrawnPixels::Take() {
  for (auto& [label, pixels] : pixels_) Prune(pixels);
  return std::move(pixels_);
}

absl::StatusOr<std::vector<SamplePixel>> ParcelPixels(insitu::ParcelSet& parcels, const insitu::Strata& strata,
                                                      const geo::Grid& grid, const geo::Ownership& ownership,
                                                      const std::array<bool, kPurposes>& wanted,
                                                      const PixelLimits& limits) {
  std::vector<DrawnPixels> drawn(kPurposes, DrawnPixels(limits.seed, grid, limits.per_class));
  std::set<std::pair<int32_t, int32_t>> overlaps;
  for (const geo::Window& block : BlocksOf(grid)) {
    const insitu::ParcelRaster raster = insitu::RasteriseParcels(parcels, grid, block);
    overlaps.insert(raster.overlaps.begin(), raster.overlaps.end());
    const auto* end = raster.index.data() + raster.index.size();
    if (std::none_of(raster.index.data(), end, [](int32_t i) { return i >= 0; })) continue;
    ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint16_t> stratum, strata.Read(block));
    for (int y = block.y; y < block.y + block.height; ++y) {
      const geo::Ownership::Columns owned = ownership.OwnedColumns(grid, y);
      for (int x = std::max(block.x, owned.first); x < std::min(block.x + block.width, owned.last); ++x) {
        const int32_t index = raster.index(x - block.x, y - block.y);
        const uint16_t region = stratum(x - block.x, y - block.y);
        if (index < 0 || region == insitu::kNoStratum) continue;
        const insitu::Parcel& parcel = parcels.parcels[index];
        SamplePixel pixel{x, y, parcel.number, region,
                          parcel.train ? learn::SampleSplit::kTrain : learn::SampleSplit::kValidate};
        const auto mask = parcel.MaskClass();
        if (wanted[kForCropMask] && mask) {
          pixel.label = {*mask, kNoLabel};
          drawn[kForCropMask].Add(*mask, pixel);
        }
        if (wanted[kForCropType] && parcel.crop.value_or(true) && parcel.code > 0) {
          pixel.label = {kNoLabel, parcel.code};
          drawn[kForCropType].Add(parcel.code, pixel);
        }
      }
    }
  }
  insitu::AddOverlapIssues(overlaps, parcels);
  // One entry per pixel, whatever it is sampled for.
  std::vector<SamplePixel> all;
  for (size_t purpose = 0; purpose < kPurposes; ++purpose) {
    auto classes = drawn[purpose].Take();
    const size_t share = FairShare(classes, limits.per_class, limits.rows[purpose]);
    DrawnPixels fair(limits.seed, grid, share);
    for (const auto& [label, pixels] : classes) {
      for (const SamplePixel& pixel : pixels) fair.Add(label, pixel);
    }
    for (auto& [label, pixels] : fair.Take()) all.insert(all.end(), pixels.begin(), pixels.end());
  }
  std::stable_sort(all.begin(), all.end(), ByPlace);
  std::vector<SamplePixel> merged;
  for (const SamplePixel& pixel : all) {
    if (!merged.empty() && merged.back().x == pixel.x && merged.back().y == pixel.y) {
      for (size_t p = 0; p < kPurposes; ++p) merged.back().label[p] = std::max(merged.back().label[p], pixel.label[p]);
    } else {
      merged.push_back(pixel);
    }
  }
  return merged;
}

absl::StatusOr<raster::Image<int32_t>> HomogeneousCodes(const insitu::ReferenceMap& map, const insitu::Strata& strata,
                                                        const geo::Grid& grid, const geo::Ownership& ownership,
                                                        const geo::Window& window) {
  ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> codes,
                          map.Read({window.x - 1, window.y - 1, window.width + 2, window.height + 2}));
  ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint16_t> stratum, strata.Read(window));
  raster::Image<int32_t> same(window.width, window.height, insitu::kNoCode);
  for (int y = 0; y < window.height; ++y) {
    const geo::Ownership::Columns owned = ownership.OwnedColumns(grid, window.y + y);
    for (int x = std::max(0, owned.first - window.x); x < std::min(window.width, owned.last - window.x); ++x) {
      const int32_t code = codes(x + 1, y + 1);
      if (code == insitu::kNoCode || stratum(x, y) == insitu::kNoStratum) continue;
      bool alike = true;
      for (int k = 0; k < 9; ++k) alike = alike && codes(x + k % 3, y + k / 3) == code;
      if (alike) same(x, y) = code;
    }
  }
  return same;
}

absl::StatusOr<std::vector<SamplePixel>> ReferencePixels(const insitu::ReferenceMap& map, const insitu::Strata& strata,
                                                         const geo::Grid& grid, const geo::Ownership& ownership,
                                                         double train_share, const PixelLimits& limits) {
  DrawnPixels drawn(limits.seed, grid, limits.per_class);
  for (const geo::Window& block : BlocksOf(grid)) {
    ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> codes, HomogeneousCodes(map, strata, grid, ownership, block));
    ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint16_t> stratum, strata.Read(block));
    for (int y = 0; y < block.height; ++y) {
      for (int x = 0; x < block.width; ++x) {
        const int32_t code = codes(x, y);
        if (code == insitu::kNoCode) continue;
        SamplePixel pixel{block.x + x, block.y + y, 0, stratum(x, y)};
        const auto cell = [](double v) { return static_cast<uint32_t>(static_cast<int64_t>(std::floor(v / kCell_m))); };
        pixel.polygon = cell(grid.CentreX(pixel.x)) * 65536u + cell(grid.CentreY(pixel.y));
        const double draw = static_cast<double>(Draw(limits.seed, pixel.polygon) >> 11) * 0x1p-53;
        pixel.split = draw < train_share ? learn::SampleSplit::kTrain : learn::SampleSplit::kValidate;
        pixel.label[kForCropMask] = code;
        drawn.Add(code, pixel);
      }
    }
  }
  std::vector<SamplePixel> all;
  auto classes = drawn.Take();
  const size_t share = FairShare(classes, limits.per_class, limits.rows[kForCropMask]);
  DrawnPixels fair(limits.seed, grid, share);
  for (const auto& [label, pixels] : classes) {
    for (const SamplePixel& pixel : pixels) fair.Add(label, pixel);
  }
  for (auto& [label, pixels] : fair.Take()) all.insert(all.end(), pixels.begin(), pixels.end());
  std::stable_sort(all.begin(), all.end(), ByPlace);
  return all;
}

}  // namespace arpent::stages
