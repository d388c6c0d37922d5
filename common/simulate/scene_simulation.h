// One simulated overpass of one tile: true surface, air and clouds, and the digital numbers that a sensor would deliver.
#ifndef ARPENT_COMMON_SIMULATE_SCENE_SIMULATION_H_
#define ARPENT_COMMON_SIMULATE_SCENE_SIMULATION_H_

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/raster/image.h"
#include "common/scene/jpeg2000_writer.h"
#include "common/scene/scene.h"
#include "common/simulate/forward_atmosphere.h"
#include "common/simulate/ground.h"
#include "common/simulate/site_options.h"
#include "common/simulate/sky.h"

namespace arpent::simulate {

class SceneSimulation {
 public:
  // `index` counts the site's dates. `metadata` gives time, angles, grid and bands. INVALID_ARGUMENT when the sun is too low or
  // the air beyond what the solver knows.
  static absl::StatusOr<SceneSimulation> Create(const SiteOptions& options, const kernels::RadiativeInputs& inputs,
                                                const Landscape& landscape, const Ground& ground,
                                                scene::SceneMetadata metadata, int index);

  const scene::SceneMetadata& metadata() const { return metadata_; }

  // True surface reflectance of a band in a window of its own pixels.
  void Reflectance(int band, const geo::Window& window, raster::View<float> out) const;
  // Digital numbers at the band's own resolution, from north to south; 0 outside of the swath. The scene must outlive it.
  std::unique_ptr<scene::RowSource> DigitalNumbers(int band) const;

  // At 20 m: opacity of clouds and depth of their shadows in per cent, AOT x 1000, water vapour x 1000.
  raster::Image<uint8_t> Clouds() const;
  raster::Image<uint8_t> Shadows() const;
  raster::Image<uint16_t> Aot() const;
  raster::Image<uint16_t> WaterVapour() const;
  // At 60 m: 1 under clouds that hide the ground.
  raster::Image<uint8_t> CloudMask() const;
  // Share of the scene under such clouds, 0..1.
  double CloudShare() const;
  // Whether the swath saw the pixel (10 m).
  bool Seen(int x) const { return x >= seen_first_ && x < seen_last_; }

 private:
  class BandRows;

  // `function` of the sky and a place in the reference frame, at every pixel of the grid at `resolution_m`.
  template <typename T, typename Function>
  raster::Image<T> Map(int resolution_m, const Function& function) const;
  ForwardBand AirOver(int band, Sky& sky, int x, int y) const;
  double SlopeFactor(int x, int y) const;
  // One row of a band, from its true reflectance and that of the surroundings.
  void Observe(int band, int y, std::span<const float> reflectance, std::span<const float> surroundings,
               std::span<uint16_t> numbers) const;

  SceneSimulation(const SiteOptions& options, const Landscape& landscape, const Ground& ground,
                  scene::SceneMetadata metadata, int index);

  const SiteOptions& options_;
  const Ground& ground_;
  scene::SceneMetadata metadata_;
  int index_;
  Sky sky_;
  SceneAir air_;
  std::vector<Spectrum> spectra_;
  int seen_first_ = 0, seen_last_ = 0;
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_SCENE_SIMULATION_H_
