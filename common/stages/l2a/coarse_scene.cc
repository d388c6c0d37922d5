#include "common/stages/l2a/coarse_scene.h"

#include <algorithm>
#include <cmath>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/masking/regions.h"
#include "common/raster/resample.h"

namespace arpent::stages {
namespace {

using raster::Image;
using raster::View;

// The wavelets of a level reach about two samples across the edge of the data.
constexpr int kWaveletReach = 2;
constexpr int kChipPixels = 170;  // at 60 m: 10 km

// Level whose samples are 40 m apart (60 m bands: the band itself; 30 m bands: 60 m).
int LevelOf(int resolution_m) {
  switch (resolution_m) {
    case 10:
      return 2;
    case 20:
      return 1;
    case 30:
      return 1;
    default:
      return 0;
  }
}

struct Tap {  // a position between samples `first` and `second`
  int first = 0;
  int second = 0;
  float fraction = 0;
};

std::vector<Tap> MakeTaps(int coarse_pixels, int samples, int resolution_m, int level) {
  std::vector<Tap> taps(coarse_pixels);
  for (int i = 0; i < coarse_pixels; ++i) {
    const double pixel = (i + 0.5) * kCoarsePixel_m / resolution_m - 0.5;  // centre 0 is the band's first pixel
    const double sample = std::clamp(pixel / (1 << level), 0.0, static_cast<double>(samples - 1));
    const int first = std::min(static_cast<int>(sample), samples - 1);
    taps[i] = {first, std::min(first + 1, samples - 1), static_cast<float>(sample - first)};
  }
  return taps;
}

void AverageWhole(View<const uint16_t> whole, int factor, const scene::Band& band, View<float> toa, View<uint8_t> valid) {
  Image<uint16_t> mean((whole.width() + factor - 1) / factor, (whole.height() + factor - 1) / factor);
  raster::ShrinkMean(whole, factor, band.no_data, mean.view());
  const auto scale = static_cast<float>(1.0 / band.quantification);
  const auto offset = static_cast<float>(band.offset / band.quantification);
  for (int y = 0; y < std::min(toa.height(), mean.height()); ++y) {
    for (int x = 0; x < std::min(toa.width(), mean.width()); ++x) {
      valid(x, y) = mean(x, y) != band.no_data;
      toa(x, y) = valid(x, y) ? mean(x, y) * scale + offset : 0.0f;
    }
  }
}

// 0 within `reach` pixels of a pixel that is 0.
void Erode(Image<uint8_t>& mask, int reach) {
  Image<uint8_t> missing(mask.width(), mask.height());
  bool any = false;
  for (int y = 0; y < mask.height(); ++y) {
    for (int x = 0; x < mask.width(); ++x) any |= (missing(x, y) = mask(x, y) == 0) != 0;
  }
  if (!any || reach == 0) return;
  const Image<uint8_t> grown = kernels::Dilate(missing.view(), reach);
  for (int y = 0; y < mask.height(); ++y) {
    for (int x = 0; x < mask.width(); ++x) mask(x, y) = grown(x, y) == 0;
  }
}

}  // namespace

double CoarsePixelOf(const scene::SceneMetadata& metadata) {
  double pixel_m = kCoarsePixel_m;
  for (const scene::Band& band : metadata.bands) pixel_m = std::max<double>(pixel_m, band.resolution_m);
  return pixel_m;
}

int PixelsIn(double distance_m, double pixel_m, int least) {
  return std::max(least, static_cast<int>(std::lround(distance_m / pixel_m)));
}

int64_t CoarseScene::ValidPixels() const {
  int64_t count = 0;
  for (int y = 0; y < valid.height(); ++y) {
    for (const uint8_t v : valid.row(y)) count += v;
  }
  return count;
}

void ResampleReduced(View<const uint16_t> reduced, const scene::Band& band, int level, View<float> toa,
                     View<uint8_t> valid) {
  const std::vector<Tap> across = MakeTaps(toa.width(), reduced.width(), band.resolution_m, level);
  const std::vector<Tap> down = MakeTaps(toa.height(), reduced.height(), band.resolution_m, level);
  const auto scale = static_cast<float>(1.0 / band.quantification);
  const auto offset = static_cast<float>(band.offset / band.quantification);
  for (int y = 0; y < toa.height(); ++y) {
    const Tap& v = down[y];
    const auto upper = reduced.row(v.first);
    const auto lower = reduced.row(v.second);
    for (int x = 0; x < toa.width(); ++x) {
      const Tap& h = across[x];
      const uint16_t a = upper[h.first], b = upper[h.second], c = lower[h.first], d = lower[h.second];
      valid(x, y) = a != band.no_data && b != band.no_data && c != band.no_data && d != band.no_data;
      const float top = a + (static_cast<float>(b) - a) * h.fraction;
      const float bottom = c + (static_cast<float>(d) - c) * h.fraction;
      toa(x, y) = valid(x, y) ? (top + (bottom - top) * v.fraction) * scale + offset : 0.0f;
    }
  }
}

absl::StatusOr<CoarseScene> ReadCoarseScene(const scene::Scene& scene, const std::vector<std::string>& bands,
                                            int threads) {
  const scene::SceneMetadata& metadata = scene.metadata();
  CoarseScene coarse;
  const double pixel_m = CoarsePixelOf(metadata);
  coarse.grid = metadata.grid.WithPixel(pixel_m);
  const int width = coarse.grid.width;
  const int height = coarse.grid.height;
  // The bands of a chip are too small for resolution levels, and cheap; those of a decimated scene are small already.
  const bool chip = width * height <= kChipPixels * kChipPixels || pixel_m != kCoarsePixel_m;
  std::vector<Image<float>> toa(bands.size());
  std::vector<Image<uint8_t>> valid(bands.size());
  ARPENT_RETURN_IF_ERROR(ParallelFor(bands.size(), threads, [&](size_t i) -> absl::Status {
    const scene::Band* band = metadata.FindBand(bands[i]);
    if (band == nullptr)
      return absl::DataLossError(absl::StrCat(metadata.product_id, ": band ", bands[i], " is missing"));
    toa[i] = Image<float>(width, height);
    valid[i] = Image<uint8_t>(width, height);
    const int level = chip ? 0 : LevelOf(band->resolution_m);
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> reduced, scene.ReadReduced(bands[i], level));
    if (reduced.empty()) return absl::DataLossError(absl::StrCat(band->uri, ": the band has no pixels"));
    if (level == 0) {
      AverageWhole(reduced.view(), static_cast<int>(pixel_m) / band->resolution_m, *band, toa[i].view(), valid[i].view());
    } else {
      ResampleReduced(reduced.view(), *band, level, toa[i].view(), valid[i].view());
    }
    return absl::OkStatus();
  }));
  coarse.valid = Image<uint8_t>(width, height, 1);
  coarse.data = Image<uint8_t>(width, height);
  for (size_t i = 0; i < bands.size(); ++i) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        coarse.valid(x, y) &= valid[i](x, y);
        coarse.data(x, y) |= valid[i](x, y);
      }
    }
    coarse.toa[bands[i]] = std::move(toa[i]);
  }
  Erode(coarse.valid, chip ? 0 : kWaveletReach);
  return coarse;
}

}  // namespace arpent::stages
