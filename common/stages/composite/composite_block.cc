#include "common/stages/composite/composite_block.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/status.h"
#include "common/kernels/composite/brdf.h"
#include "common/kernels/composite/pixel_class.h"
#include "common/kernels/composite/reduce.h"
#include "common/kernels/composite/selection.h"
#include "common/kernels/composite/spectral_centre.h"
#include "common/kernels/composite/weights.h"
#include "common/raster/codes.h"
#include "common/raster/resample.h"

namespace arpent::stages {
namespace {

using raster::Image;
using raster::View;

// The window of the grid of `resolution` that covers the 20 m window, inside `grid`.
geo::Window Finer(const geo::Window& window20, int resolution, const geo::Grid& grid) {
  const int factor = 20 / resolution;
  return geo::Intersection(
      {window20.x * factor, window20.y * factor, window20.width * factor, window20.height * factor}, grid.Whole());
}

bool Overlap(const geo::Window& a, const geo::Window& b) {
  const geo::Window common = geo::Intersection(a, b);
  return common.width > 0 && common.height > 0;
}

template <typename T>
std::vector<View<const T>> ViewsOf(const std::vector<Image<T>>& images) {
  std::vector<View<const T>> views;
  for (const Image<T>& image : images) views.push_back(image.view());
  return views;
}

// Reflectance x factor, where the scene sees land.
void Scale(double factor, View<const uint8_t> classes, int pixels_per_class, View<int16_t> band) {
  const float multiplier = static_cast<float>(factor);
  for (int y = 0; y < band.height(); ++y) {
    const auto row = band.row(y);
    const auto class_row = classes.row(y / pixels_per_class);
    for (int x = 0; x < band.width(); ++x) {
      if (row[x] == raster::kReflectanceNoData || class_row[x / pixels_per_class] != kernels::kClassLand) continue;
      const float scaled = row[x] * multiplier;
      row[x] = static_cast<int16_t>(std::clamp(scaled + (scaled < 0 ? -0.5f : 0.5f), -9998.0f, 32767.0f));
    }
  }
}

}  // namespace

// What the block knows of the scenes that touch it.
struct CompositeBlocks::Layers {
  std::vector<size_t> scenes;  // indices
  std::vector<Image<uint8_t>> classes;
  std::vector<Image<uint16_t>> weights;
  std::vector<kernels::Layer> views;
  Image<uint8_t> best, flags, observations;
};

absl::Status CompositeBlocks::Compose(const geo::Window& window20) const {
  Layers layers;
  ARPENT_RETURN_IF_ERROR(ReadLayers(window20, layers));
  ARPENT_RETURN_IF_ERROR(Select(window20, layers));
  ARPENT_RETURN_IF_ERROR(WriteSelection(window20, layers));
  for (const std::string& band : scenes_.bands10) ARPENT_RETURN_IF_ERROR(ReduceBand(band, 10, window20, layers));
  for (const std::string& band : scenes_.bands20) ARPENT_RETURN_IF_ERROR(ReduceBand(band, 20, window20, layers));
  return absl::OkStatus();
}

absl::Status CompositeBlocks::ReadLayers(const geo::Window& window20, Layers& layers) const {
  constexpr int kGuard = kernels::kCloudGuardPixels;
  const geo::Window with_margin = {window20.x - kGuard, window20.y - kGuard, window20.width + 2 * kGuard,
                                   window20.height + 2 * kGuard};
  std::vector<uint16_t> distance_row(window20.width, kernels::kWeightOne);
  for (size_t i = 0; i < scenes_.scenes.size(); ++i) {
    const CompositeScene& scene = scenes_.scenes[i];
    if (!Overlap(scene.place20, window20)) continue;
    ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> scl, scene.ReadScl(window20));
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> qa, scene.ReadQa(window20));
    const Image<uint8_t> hidden = hidden_[i].Read(with_margin);
    Image<uint8_t> classes(window20.width, window20.height);
    kernels::ClassifyPixels(scl.view(), qa.view(), hidden.view(), classes.view());
    if (std::all_of(classes.data(), classes.data() + classes.size(),
                    [](uint8_t c) { return c == kernels::kClassNone; })) {
      continue;
    }
    Image<uint16_t> weights(window20.width, window20.height, 1);
    if (!distances_.empty()) {
      ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> aot, scene.ReadAot(window20));
      const kernels::DateWeights date_weights(scene.weight, {});
      for (int y = 0; y < window20.height; ++y) {
        distances_[i].WeightRow(window20.x, window20.y + y, distance_row);
        date_weights.Apply(aot.row(y), distance_row, weights.row(y));
      }
    }
    layers.scenes.push_back(i);
    layers.classes.push_back(std::move(classes));
    layers.weights.push_back(std::move(weights));
  }
  for (size_t k = 0; k < layers.scenes.size(); ++k) {
    layers.views.push_back({scenes_.scenes[layers.scenes[k]].day, layers.classes[k].view(), layers.weights[k].view()});
  }
  return absl::OkStatus();
}

absl::StatusOr<Image<int16_t>> CompositeBlocks::ReadBand(size_t layer, const std::string& band, int resolution,
                                                         const geo::Window& window20, const Layers& layers) const {
  const CompositeScene& scene = scenes_.scenes[layers.scenes[layer]];
  const geo::Grid& grid = resolution == 10 ? scenes_.grid10 : scenes_.grid20;
  ARPENT_ASSIGN_OR_RETURN(Image<int16_t> image, scene.ReadBand(band, resolution, Finer(window20, resolution, grid)));
  if (!options_.brdf) return image;
  const scene::ReflectanceMetadata& metadata = scene.reflectance->metadata();
  const double factor = kernels::BrdfFactor(
      band, {metadata.sun_zenith_deg, metadata.sun_azimuth_deg, metadata.view_zenith_deg, metadata.view_azimuth_deg});
  Scale(factor, layers.classes[layer].view(), 20 / resolution, image.view());
  return image;
}

absl::Status CompositeBlocks::Select(const geo::Window& window20, Layers& layers) const {
  layers.best = Image<uint8_t>(window20.width, window20.height);
  layers.flags = layers.best;
  layers.observations = layers.best;
  kernels::KeepOnePerDay(layers.views);
  kernels::KeepBestClass(layers.views, layers.best.view(), layers.flags.view(), layers.observations.view());
  const uint8_t* const best = layers.best.data();
  const uint8_t* const best_end = best + layers.best.size();
  const bool best_pixel = options_.method == CompositeMethod::kBestPixel;
  if (scenes_.has("B02") && (best_pixel || std::find(best, best_end, uint8_t{kernels::kClassCloud}) != best_end)) {
    ARPENT_ASSIGN_OR_RETURN(const std::vector<Image<int16_t>> blue, ReadBlue(window20, layers));
    const std::vector<View<const int16_t>> views = ViewsOf(blue);
    kernels::KeepDarkest(layers.views, views, static_cast<const Layers&>(layers).best.view());
    if (best_pixel) kernels::LeaveOutHaze(layers.views, views);
  }
  switch (options_.method) {
    case CompositeMethod::kWeightedAverage:
    case CompositeMethod::kMedian:
      return absl::OkStatus();
    case CompositeMethod::kBestPixel:
      kernels::KeepHeaviest(layers.views);
      return absl::OkStatus();
    case CompositeMethod::kMedoid:
    case CompositeMethod::kGeometricMedian:
      return UseSpectralCentre(window20, layers);
  }
  return absl::OkStatus();
}

// Blue of all scenes at 20 m.
absl::StatusOr<std::vector<Image<int16_t>>> CompositeBlocks::ReadBlue(const geo::Window& window20,
                                                                      const Layers& layers) const {
  std::vector<Image<int16_t>> blue;
  for (size_t k = 0; k < layers.scenes.size(); ++k) {
    ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> fine, ReadBand(k, "B02", 10, window20, layers));
    blue.emplace_back(window20.width, window20.height);
    raster::ShrinkMean(fine.view(), 2, raster::kReflectanceNoData, blue.back().view());
  }
  return blue;
}

absl::Status CompositeBlocks::UseSpectralCentre(const geo::Window& window20, Layers& layers) const {
  std::vector<Image<int16_t>> values;
  for (size_t k = 0; k < layers.scenes.size(); ++k) {
    for (const std::string& band : scenes_.bands10) {
      ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> fine, ReadBand(k, band, 10, window20, layers));
      values.emplace_back(window20.width, window20.height);
      raster::ShrinkMean(fine.view(), 2, raster::kReflectanceNoData, values.back().view());
    }
    for (const std::string& band : scenes_.bands20) {
      ARPENT_ASSIGN_OR_RETURN(Image<int16_t> image, ReadBand(k, band, 20, window20, layers));
      values.push_back(std::move(image));
    }
  }
  const std::vector<View<const int16_t>> value_views = ViewsOf(values);
  std::vector<View<uint16_t>> weight_views;
  for (Image<uint16_t>& image : layers.weights) weight_views.push_back(image.view());
  const kernels::SpectralStack stack = {value_views, weight_views,
                                        static_cast<int>(scenes_.bands10.size() + scenes_.bands20.size())};
  if (options_.method == CompositeMethod::kMedoid) {
    kernels::KeepMedoid(stack);
  } else {
    kernels::WeightByGeometricMedian(stack);
  }
  return absl::OkStatus();
}

absl::Status CompositeBlocks::WriteSelection(const geo::Window& window20, const Layers& layers) const {
  Image<uint16_t> day(window20.width, window20.height);
  kernels::MeanDay(layers.views, day.view());
  std::array<int64_t, 5> counts = {};
  for (size_t i = 0; i < layers.flags.size(); ++i) ++counts[layers.flags.data()[i]];
  for (size_t flag = 0; flag < counts.size(); ++flag) counts_[flag] += counts[flag];
  ARPENT_RETURN_IF_ERROR(writers_.at("DATE")->Write(window20, static_cast<const Image<uint16_t>&>(day).view()));
  ARPENT_RETURN_IF_ERROR(writers_.at("OBS")->Write(window20, layers.observations.view()));
  return writers_.at("FLAGS")->Write(window20, layers.flags.view());
}

absl::Status CompositeBlocks::ReduceBand(const std::string& band, int resolution, const geo::Window& window20,
                                         const Layers& layers) const {
  std::vector<Image<int16_t>> values;
  std::vector<View<const uint16_t>> weights;
  for (size_t k = 0; k < layers.scenes.size(); ++k) {
    const Image<uint16_t>& weight = layers.weights[k];
    const bool used = std::any_of(weight.data(), weight.data() + weight.size(), [](uint16_t w) { return w != 0; });
    if (!used) continue;
    ARPENT_ASSIGN_OR_RETURN(Image<int16_t> image, ReadBand(k, band, resolution, window20, layers));
    values.push_back(std::move(image));
    weights.push_back(weight.view());
  }
  const geo::Window window = Finer(window20, resolution, resolution == 10 ? scenes_.grid10 : scenes_.grid20);
  Image<int16_t> out(window.width, window.height);
  const std::vector<View<const int16_t>> views = ViewsOf(values);
  const kernels::BandStack stack = {views, weights, 20 / resolution};
  if (options_.method == CompositeMethod::kMedian) {
    kernels::Median(stack, out.view());
  } else {
    kernels::WeightedMean(stack, out.view());
  }
  return writers_.at(band)->Write(window, static_cast<const Image<int16_t>&>(out).view());
}

}  // namespace arpent::stages
