#include "common/stages/l2a/retrieval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/water_vapour.h"
#include "common/kernels/masking/mask_input.h"
#include "common/kernels/masking/regions.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr double kMaskNodeStep_m = 3840;
constexpr double kWaterCell_m = 3000;  // one inverse per cell
constexpr double kWaterSmoothing_m = 120;  // radius: over 300 m
constexpr double kShore_m = 600;

kernels::AtmosphericState WithAot(const Air& air, double aot, double east_m, double south_m) {
  kernels::AtmosphericState state = air.StateAt(east_m, south_m);
  if (aot <= 0) state.aerosol = kernels::AerosolModel::kNone;
  state.aot_550 = aot;
  return state;
}

int Cells(int pixels, int cell) { return (pixels + cell - 1) / cell; }

double Centre(int pixel, double pixel_m) { return (pixel + 0.5) * pixel_m; }

// Reflectance at 945 nm over that at 865 nm: bare ground rises as from 783 to 865 nm, canopies less.
double SlopeTo945(float b07, float b8a, float ndvi) {
  if (b8a < 0.05f) return 1.0;
  const double rise = std::clamp((b8a - b07) / b8a, -0.1f, 0.3f);
  const double bare = std::clamp((0.8 - ndvi) / 0.6, 0.3, 1.0);
  return 1.0 + 0.25 * rise * bare;
}

class WaterRetrieval {
 public:
  WaterRetrieval(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const Air& air)
      : coarse_(coarse), air_(air), b8a_(metadata.BandIndex("B8A")), b09_(metadata.BandIndex("B09")) {}

  // Retrieves into `water` (NaN where the ground says nothing) inside one cell, every `stride`-th pixel.
  void Cell(int cell_x, int cell_y, int stride, const Image<uint8_t>& clear, Image<float>& water) const {
    const double pixel_m = coarse_.grid.pixel_m;
    const int cell = PixelsIn(kWaterCell_m, pixel_m), x0 = cell_x * cell, y0 = cell_y * cell;
    const int x1 = std::min(x0 + cell, water.width()), y1 = std::min(y0 + cell, water.height());
    const double east = Centre((x0 + x1) / 2, pixel_m), south = Centre((y0 + y1) / 2, pixel_m);
    const kernels::WaterVapourInverse inverse(air_.tables(), air_.TableIndex(b8a_), air_.TableIndex(b09_),
                                              air_.GeometryAt(b09_, east, south), air_.StateAt(east, south));
    const Image<float>& b04 = coarse_.toa.at("B04");
    const Image<float>& b07 = coarse_.toa.at("B07");
    const Image<float>& b8a = coarse_.toa.at("B8A");
    const Image<float>& b09 = coarse_.toa.at("B09");
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        const bool wanted = clear(x, y) != 0 && x % stride == 0 && y % stride == 0 && b8a(x, y) > 0.06f;
        if (!wanted) continue;
        const float ndvi = kernels::NormalisedDifference(b8a(x, y), b04(x, y));
        water(x, y) =
            static_cast<float>(inverse.RetrieveFromToa(b8a(x, y), b09(x, y), SlopeTo945(b07(x, y), b8a(x, y), ndvi)));
      }
    }
  }

 private:
  const CoarseScene& coarse_;
  const Air& air_;
  const int b8a_;
  const int b09_;
};

float Median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The mean within 300 m; where the scene says nothing near, of wider and wider surroundings, else the median.
void SmoothWater(const Image<float>& raw, double pixel_m, double median, Image<float>& smooth, Image<uint8_t>& interpolated) {
  const int width = raw.width();
  const int height = raw.height();
  Image<uint8_t> known(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) known(x, y) = std::isfinite(raw(x, y));
  }
  smooth = Image<float>(width, height, static_cast<float>(median));
  interpolated = Image<uint8_t>(width, height, 1);
  Image<uint8_t> filled(width, height);
  const int own = PixelsIn(kWaterSmoothing_m, pixel_m, 0);
  for (const int radius : {own, 16, 64, 256}) {
    const kernels::LocalMean around = kernels::MeanAround(raw.view(), known.view(), radius);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (filled(x, y) || around.count(x, y) == 0) continue;
        smooth(x, y) = around.mean(x, y);
        filled(x, y) = 1;
        interpolated(x, y) = radius != own;
      }
    }
    if (radius > std::max(width, height)) break;
  }
}

// Where clear ground or water is seen: off clouds, their margins and shadows, cirrus and snow.
Image<uint8_t> OpenSky(const CoarseScene& coarse, const kernels::CloudMasks& masks, raster::View<const uint8_t> shadow) {
  constexpr uint8_t kHazyPercent = 20;
  const Image<uint8_t> near_cloud = kernels::Dilate(masks.cloud.view(), PixelsIn(kCloudMargin_m, coarse.grid.pixel_m));
  const Image<uint8_t> near_shadow = kernels::Dilate(shadow, 1);
  Image<uint8_t> clear(coarse.grid.width, coarse.grid.height);
  for (int y = 0; y < clear.height(); ++y) {
    for (int x = 0; x < clear.width(); ++x) {
      clear(x, y) = coarse.valid(x, y) && !near_cloud(x, y) && !near_shadow(x, y) && !masks.cirrus(x, y) &&
                    !masks.snow(x, y) && masks.cloud_percent(x, y) < kHazyPercent;
    }
  }
  return clear;
}

}  // namespace

BandRoles RolesOf(const scene::SceneMetadata& metadata) {
  if (absl::StartsWith(metadata.platform, "LC")) return {"B2", "B3", "B4", "B5", "B5", "B6", "B7", "B9"};
  return {"B02", "B03", "B04", "B08", "B8A", "B11", "B12", "B10"};
}

absl::Status PrepareMaskScene(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const Air& air, double aot,
                              int threads, MaskScene& out) {
  const BandRoles roles = RolesOf(metadata);
  const std::vector<std::string> names = {roles.blue,       roles.green, roles.red,  roles.nir,
                                          roles.nir_narrow, roles.swir1, roles.swir2};
  const int width = coarse.grid.width;
  const int height = coarse.grid.height;
  for (const std::string& name : names) out.bands[name] = Image<float>(width, height);
  ARPENT_RETURN_IF_ERROR(ParallelFor(names.size(), threads, [&](size_t i) -> absl::Status {
    const int band = metadata.BandIndex(names[i]);
    if (band < 0) return absl::DataLossError(absl::StrCat(metadata.product_id, ": band ", names[i], " is missing"));
    const auto nodes = MakeNodes(width, height, coarse.grid.pixel_m, PixelsIn(kMaskNodeStep_m, coarse.grid.pixel_m), true, [&](double east, double south) {
      return kernels::UniformGround(air.CoefficientsOf(band, east, south, WithAot(air, aot, east, south)));
    });
    kernels::InvertToSurfaceReflectance(coarse.toa.at(names[i]).view(), 0, 0, nodes, out.bands.at(names[i]).view());
    return absl::OkStatus();
  }));
  const auto view = [&](const std::string& name) { return std::as_const(out.bands.at(name)).view(); };
  out.input = {view(roles.blue),       view(roles.green), view(roles.red),  view(roles.nir),
               view(roles.nir_narrow), view(roles.swir1), view(roles.swir2)};
  if (const auto cirrus = coarse.toa.find(roles.cirrus); cirrus != coarse.toa.end()) {
    out.input.cirrus = cirrus->second.view();
  }
  out.input.valid = coarse.valid.view();
  out.input.sun_zenith_deg = metadata.mean_sun_zenith_deg;
  return absl::OkStatus();
}

Image<uint8_t> ClearGround(const CoarseScene& coarse, const kernels::CloudMasks& masks,
                           raster::View<const uint8_t> shadow) {
  Image<uint8_t> clear = OpenSky(coarse, masks, shadow);
  for (size_t i = 0; i < clear.size(); ++i) clear.data()[i] &= masks.water.data()[i] == 0;
  return clear;
}

Image<uint8_t> ClearDeepWater(const CoarseScene& coarse, const kernels::CloudMasks& masks,
                              raster::View<const uint8_t> shadow) {
  Image<uint8_t> land(coarse.grid.width, coarse.grid.height);
  for (size_t i = 0; i < land.size(); ++i) land.data()[i] = coarse.valid.data()[i] && !masks.water.data()[i] && !masks.cloud.data()[i];
  const Image<uint8_t> near_land = kernels::Dilate(land.view(), PixelsIn(kShore_m, coarse.grid.pixel_m));
  Image<uint8_t> water = OpenSky(coarse, masks, shadow);
  for (size_t i = 0; i < water.size(); ++i) water.data()[i] &= masks.water.data()[i] != 0 && near_land.data()[i] == 0;
  return water;
}

absl::StatusOr<WaterResult> RetrieveWater(const scene::SceneMetadata& metadata, const CoarseScene& coarse,
                                          const Image<uint8_t>& clear, bool whole, int threads, Air& air) {
  const int width = coarse.grid.width;
  const int height = coarse.grid.height;
  WaterResult result;
  const double known = metadata.water_vapour_gcm2 > 0 ? metadata.water_vapour_gcm2 : kDefaultWater_gcm2;
  if (metadata.BandIndex("B09") < 0 || metadata.BandIndex("B8A") < 0) {
    air.water_gcm2 = {.values = {}, .cell_m = 1, .constant = known};
    if (whole) air.notes.push_back("water vapour: from metadata or climatology, the scene has no band at 945 nm");
    result.interpolated = Image<uint8_t>(width, height, 1);
    result.mean_gcm2 = known;
    return result;
  }
  const WaterRetrieval retrieval(metadata, coarse, air);
  Image<float> raw(width, height, std::numeric_limits<float>::quiet_NaN());
  const int cell = PixelsIn(kWaterCell_m, coarse.grid.pixel_m), columns = Cells(width, cell), rows = Cells(height, cell);
  // A quarter of the pixels in each direction is plenty for a first guess.
  const int stride = whole || width * height < 100000 ? 1 : 4;
  ARPENT_RETURN_IF_ERROR(ParallelFor(static_cast<size_t>(columns) * rows, threads, [&](size_t i) -> absl::Status {
    retrieval.Cell(static_cast<int>(i) % columns, static_cast<int>(i) / columns, stride, clear, raw);
    return absl::OkStatus();
  }));
  std::vector<float> values;
  for (int y = 0; y < height; ++y) {
    for (const float v : raw.row(y)) {
      if (std::isfinite(v)) values.push_back(v);
    }
  }
  const double median = values.empty() ? known : Median(values);
  if (values.empty() && whole) air.notes.push_back("water vapour: from metadata or climatology, no clear ground");
  result.mean_gcm2 = median;
  air.water_gcm2 = {.values = {}, .cell_m = 1, .constant = median};
  if (!whole) return result;
  SmoothWater(raw, coarse.grid.pixel_m, median, air.water_gcm2.values, result.interpolated);
  air.water_gcm2.cell_m = coarse.grid.pixel_m;
  double sum = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) sum += coarse.valid(x, y) ? air.water_gcm2.values(x, y) : 0;
  }
  result.mean_gcm2 = sum / static_cast<double>(std::max<int64_t>(1, coarse.ValidPixels()));
  return result;
}

}  // namespace arpent::stages
