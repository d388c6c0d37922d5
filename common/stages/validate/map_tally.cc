#include "common/stages/validate/map_tally.h"

#include <algorithm>
#include <set>

namespace arpent::stages {

void RegionTally::Add(const RegionTally& other) {
  for (const auto& [code, pixels] : other.mapped_pixels) mapped_pixels[code] += pixels;
  for (const auto& [number, polygon] : other.polygons) {
    PolygonTally& own = polygons[number];
    own.reference = polygon.reference;
    for (const auto& [code, pixels] : polygon.mapped) own.mapped[code] += pixels;
  }
  reference_pixels_without_map += other.reference_pixels_without_map;
}

RegionCounts CountRegion(const RegionTally& tally, int ignored_reference) {
  std::set<uint16_t> codes;
  for (const auto& [code, pixels] : tally.mapped_pixels) codes.insert(code);
  for (const auto& [number, polygon] : tally.polygons) {
    if (polygon.reference != ignored_reference) codes.insert(polygon.reference);
  }
  RegionCounts counts;
  counts.codes.assign(codes.begin(), codes.end());
  const auto index_of = [&counts](uint16_t code) -> size_t {
    return std::lower_bound(counts.codes.begin(), counts.codes.end(), code) - counts.codes.begin();
  };
  counts.mapped_pixels.resize(codes.size());
  for (const auto& [code, pixels] : tally.mapped_pixels) counts.mapped_pixels[index_of(code)] = pixels;
  counts.matrix = kernels::ConfusionMatrix(codes.size());
  for (const auto& [number, polygon] : tally.polygons) {
    if (polygon.reference == ignored_reference || polygon.mapped.empty()) continue;
    kernels::PolygonCounts own{index_of(polygon.reference), std::vector<uint64_t>(codes.size())};
    for (const auto& [code, pixels] : polygon.mapped) {
      own.mapped[index_of(code)] = pixels;
      counts.matrix.Add(own.reference, index_of(code), pixels);
    }
    counts.polygons.push_back(std::move(own));
  }
  return counts;
}

}  // namespace arpent::stages
