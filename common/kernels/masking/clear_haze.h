// What haze there is where there is no cloud: the clear value of the haze-optimised transform, blue - 0.5 red (Zhang, Guindon
// and Cihlar 2002), of a scene and by place, as aerosol varies.
//
// Under a high sun aerosol adds less than covers differ by, so that only vegetation is asked: the 30th percentile over the scene's,
// and over that within 5 km. Under a low sun (from a sun zenith of 43 degrees on, wholly from 63) light's long path makes aerosol
// outweigh what covers differ by, winter leaves little vegetation, and haze that varies within kilometres passes for cloud. All land
// is asked then, within 1.2 km, and what sets aerosol apart from cloud is that it thickens slowly: the clear value is the lower
// envelope of those values under a bounded slope. Land wholly under cloud so takes the value of the land around the cloud.
#ifndef ARPENT_COMMON_KERNELS_MASKING_CLEAR_HAZE_H_
#define ARPENT_COMMON_KERNELS_MASKING_CLEAR_HAZE_H_

#include "common/kernels/masking/mask_input.h"
#include "common/raster/image.h"

namespace arpent::kernels {

// Blue - 0.5 red, without the half of itself that thin cirrus, which is white, adds to it, as far as 1.38 um shows it. Water vapour
// hides some of it there, never adds.
float HazeAt(const MaskInput& input, int x, int y);

// How much more haze of one thickness reflects than under a sun at a zenith of 40 degrees or less, by single scattering.
float AirOfLowSun(double sun_zenith_deg);

// 0 under a high sun, 1 under a low one, a ramp between.
float LowSun(float air);

class ClearHaze {
 public:
  ClearHaze() = default;  // none at all: 0
  explicit ClearHaze(const MaskInput& input);

  float of_scene() const { return of_scene_; }
  float At(int x, int y) const;
  // What it is above that of ground under usual air, 0.010: aerosol's part.
  float AerosolAt(int x, int y) const;

 private:
  // Values by square cells of pixels.
  struct Map {
    int cell_pixels = 1;
    raster::Image<float> values;

    // Bilinear between the middles of cells.
    float At(int x, int y) const;
  };
  void AskVegetation(const MaskInput& input, float air);
  void AskLand(const MaskInput& input, float air);

  float low_sun_ = 0;
  float of_scene_ = 0;
  Map over_vegetation_, over_land_;  // over_land_: under a low sun only
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_MASKING_CLEAR_HAZE_H_
