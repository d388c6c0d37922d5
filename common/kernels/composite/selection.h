// Which dates of a block compose which pixel: everything that can be decided from classes and weights alone (20 m).
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_SELECTION_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_SELECTION_H_

#include <cstdint>
#include <span>

#include "common/kernels/composite/pixel_class.h"
#include "common/raster/image.h"

namespace arpent::kernels {

// One scene over a block. Views of all layers have one size.
struct Layer {
  int day = 0;                     // days since 1970-01-01
  raster::View<uint8_t> classes;   // PixelClass
  raster::View<uint16_t> weights;  // 0: the scene takes no part in the pixel
};

// Scenes of one day are one date: per pixel the first of the best class stays, the others become kClassNone. `layers`
// are in order of acquisition; scenes of one day follow each other.
void KeepOnePerDay(std::span<const Layer> layers);

// Sets the weights to 0 where a scene is not of the best class that any has, and tells that class, its flag
// (raster::CompositeFlag) and how many dates have it (0 where it is no better than doubtful; at most 255).
void KeepBestClass(std::span<const Layer> layers, raster::View<uint8_t> best, raster::View<uint8_t> flags,
                   raster::View<uint8_t> observations);

// Where all is cloud, keeps the scene with the darkest blue alone (the first of equals). `blue` has one view per layer,
// at 20 m; no-data is never the darkest.
void KeepDarkest(std::span<const Layer> layers, std::span<const raster::View<const int16_t>> blue,
                 raster::View<const uint8_t> best);

// Leaves out the scenes whose blue is brighter by more than kHazeStep than that of the darkest third of those that take
// part: haze and thin cloud that the masks missed. For methods that would take such a scene as it is; means and medians
// bear them.
inline constexpr int kHazeStep = 200;  // reflectance x 10000
void LeaveOutHaze(std::span<const Layer> layers, std::span<const raster::View<const int16_t>> blue);

// Keeps the scene with the largest weight alone (the first of equals): the method "best-pixel".
void KeepHeaviest(std::span<const Layer> layers);

// Weighted mean day, rounded half up; 65535 where no scene has a weight.
void MeanDay(std::span<const Layer> layers, raster::View<uint16_t> day);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_SELECTION_H_
