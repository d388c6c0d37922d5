// Weights that let every land cover of a class count alike, however many pixels of it somebody mapped.
#ifndef ARPENT_COMMON_STAGES_SAMPLES_COVER_WEIGHTS_H_
#define ARPENT_COMMON_STAGES_SAMPLES_COVER_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace arpent::stages {

// A rare cover's pixel weighs at most as much as ten average ones: two pixels of a pond are no quarter of a landscape.
inline constexpr double kMostCoverWeight = 10;

// Of samples with the given classes and polygons (one entry per sample each): pixels of the class over (covers of the class
// x pixels of the cover), at most kMostCoverWeight, scaled so that the mean of each class is 1. `cover_of` has the cover of
// each polygon; polygons that it lacks are one cover.
std::vector<float> CoverWeights(std::span<const uint16_t> classes, std::span<const uint32_t> polygons,
                                const std::map<uint32_t, std::string>& cover_of);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SAMPLES_COVER_WEIGHTS_H_
