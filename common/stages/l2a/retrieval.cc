#include "common/stages/l2a/retrieval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/water_vapour.h"
#include "common/kernels/masking/regions.h"
#include "common/kernels/retrieval/aerosol.h"
#include "common/stages/l2a/surroundings.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr double kMaskNodeStep_m = 3840;
constexpr double kWaterCell_m = 3000;  // one inverse per cell
constexpr double kWaterSmoothing_m = 120;  // radius: over 300 m
constexpr double kAotCell_m = 3000;
constexpr double kCloudMargin_m = 180;
constexpr size_t kDarkestPerCell = 250;
constexpr int kLeastPerCell = 5;
constexpr int kLeastPerScene = 10;
constexpr float kLeastNdvi = 0.4f, kLeastNdviInHaze = 0.2f;
constexpr std::array<double, 18> kAotSteps = {0.0,  0.03, 0.06, 0.09, 0.12, 0.16, 0.20, 0.25, 0.30,
                                              0.36, 0.43, 0.5,  0.6,  0.75, 0.9,  1.15, 1.5,  2.0};

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
        const float ndvi = (b8a(x, y) - b04(x, y)) / std::max(b8a(x, y) + b04(x, y), 0.01f);
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

constexpr kernels::SeenPixel kUnseen{std::numeric_limits<float>::quiet_NaN(), 0};

// Everything that EstimateAot needs of one cell.
struct AotCell {
  std::vector<kernels::DarkPixel> pixels;
  kernels::SeenPixel darkest_blue = kUnseen;
  kernels::SeenPixel darkest_red = kUnseen;
};

kernels::SeenPixel FirstPercentile(std::vector<kernels::SeenPixel>& values) {
  if (values.size() < 100) return kUnseen;
  const auto at = values.begin() + static_cast<ptrdiff_t>(values.size() / 100);
  std::nth_element(values.begin(), at, values.end(), [](const kernels::SeenPixel& a, const kernels::SeenPixel& b) {
    return std::pair(a.toa, a.around) < std::pair(b.toa, b.around);
  });
  return *at;
}

// `least_ndvi`: haze lowers it.
bool IsDarkVegetation(const kernels::MaskInput& in, float least_ndvi, int x, int y) {
  const float nir = in.nir_narrow(x, y), red = in.red(x, y), swir2 = in.swir2(x, y);
  return swir2 > 0.01f && swir2 < 0.12f && nir > 0.12f && (nir - swir2) / (nir + swir2) > 0.5f &&
         (nir - red) / (nir + red) > least_ndvi;
}

// A band with the means of its surroundings over clear ground; with `adjacency` off each pixel is among its like.
class SeenBand {
 public:
  SeenBand(const CoarseScene& coarse, const std::string& band, const Image<uint8_t>& clear, bool adjacency)
      : toa_(coarse.toa.at(band)) {
    if (adjacency) around_ = MeanOfSurroundings(toa_.view(), clear.view(), coarse.grid.pixel_m).mean;
  }
  kernels::SeenPixel At(int x, int y) const { return {toa_(x, y), around_.empty() ? toa_(x, y) : around_(x, y)}; }

 private:
  const Image<float>& toa_;
  Image<float> around_;
};

class AotRetrieval {
 public:
  AotRetrieval(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const MaskScene& mask_scene,
               const Image<uint8_t>& clear, const Air& air, bool adjacency, float least_ndvi)
      : input_(mask_scene.input),
        least_ndvi_(least_ndvi),
        clear_(clear),
        air_(air),
        roles_(RolesOf(metadata)),
        blue_(metadata.BandIndex(roles_.blue)),
        red_(metadata.BandIndex(roles_.red)),
        swir2_(metadata.BandIndex(roles_.swir2)),
        blue_toa_(coarse, roles_.blue, clear, adjacency),
        red_toa_(coarse, roles_.red, clear, adjacency),
        swir2_toa_(coarse, roles_.swir2, clear, adjacency) {}

  AotCell Collect(int x0, int y0, int x1, int y1) const {
    AotCell cell;
    std::vector<kernels::SeenPixel> all_blue, all_red;
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        if (clear_(x, y) == 0) continue;
        all_blue.push_back(blue_toa_.At(x, y));
        all_red.push_back(red_toa_.At(x, y));
        if (IsDarkVegetation(input_, least_ndvi_, x, y)) {
          cell.pixels.push_back({blue_toa_.At(x, y), red_toa_.At(x, y), swir2_toa_.At(x, y)});
        }
      }
    }
    cell.darkest_blue = FirstPercentile(all_blue);
    cell.darkest_red = FirstPercentile(all_red);
    KeepDarkest(kDarkestPerCell, cell.pixels);
    return cell;
  }

  kernels::AotEstimate Estimate(const AotCell& cell, double east_m, double south_m) const {
    kernels::AotSteps steps;
    kernels::AtmosphericState state = air_.StateAt(east_m, south_m);
    for (const double aot : kAotSteps) {
      state.aot_550 = aot;
      steps.aot.push_back(aot);
      steps.blue.push_back(air_.CoefficientsOf(blue_, east_m, south_m, state));
      steps.red.push_back(air_.CoefficientsOf(red_, east_m, south_m, state));
      steps.swir2.push_back(air_.CoefficientsOf(swir2_, east_m, south_m, state));
    }
    return kernels::EstimateAot(steps, cell.pixels, cell.darkest_blue, cell.darkest_red);
  }

  static void KeepDarkest(size_t count, std::vector<kernels::DarkPixel>& pixels) {
    if (pixels.size() <= count) return;
    std::stable_sort(pixels.begin(), pixels.end(),
                     [](const kernels::DarkPixel& a, const kernels::DarkPixel& b) { return a.swir2.toa < b.swir2.toa; });
    pixels.resize(count);
  }

 private:
  const kernels::MaskInput& input_;
  const float least_ndvi_;
  const Image<uint8_t>& clear_;
  const Air& air_;
  const BandRoles roles_;
  const int blue_, red_, swir2_;
  const SeenBand blue_toa_, red_toa_, swir2_toa_;
};

// Runs `visit(cell, x0, y0, x1, y1)` for the AOT cells of the scene, in parallel.
template <typename Visit>
absl::Status ForEachCell(const geo::Grid& grid, int threads, const Visit& visit) {
  const int cell = AotCellPixels(grid.pixel_m), columns = Cells(grid.width, cell), rows = Cells(grid.height, cell);
  return ParallelFor(static_cast<size_t>(columns) * rows, threads, [&](size_t i) -> absl::Status {
    const int x0 = static_cast<int>(i) % columns * cell;
    const int y0 = static_cast<int>(i) / columns * cell;
    visit(i, x0, y0, std::min(x0 + cell, grid.width), std::min(y0 + cell, grid.height));
    return absl::OkStatus();
  });
}

// Draws an estimate towards the default, as far as it is vague.
void Temper(float& aot, float& uncertainty) {
  const double sure = 1 / (static_cast<double>(uncertainty) * uncertainty);
  const double prior = 1 / (kAotSpread * kAotSpread);
  aot = static_cast<float>((aot * sure + kDefaultAot * prior) / (sure + prior));
  uncertainty = static_cast<float>(1 / std::sqrt(sure + prior));
}

// The scene as one cell, for places without an estimate of their own.
kernels::AotEstimate SceneAot(const AotRetrieval& retrieval, const std::vector<AotCell>& cells, double east_m,
                              double south_m) {
  AotCell all;
  for (const AotCell& cell : cells) all.pixels.insert(all.pixels.end(), cell.pixels.begin(), cell.pixels.end());
  if (all.pixels.size() < kLeastPerScene) return {kDefaultAot, kDefaultAotUncertainty, 0};
  AotRetrieval::KeepDarkest(8 * kDarkestPerCell, all.pixels);
  return retrieval.Estimate(all, east_m, south_m);
}

}  // namespace

int AotCellPixels(double coarse_pixel_m) { return PixelsIn(kAotCell_m, coarse_pixel_m); }

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
  return absl::OkStatus();
}

Image<uint8_t> ClearGround(const CoarseScene& coarse, const kernels::CloudMasks& masks,
                           raster::View<const uint8_t> shadow) {
  constexpr uint8_t kHazyPercent = 20;
  const Image<uint8_t> near_cloud = kernels::Dilate(masks.cloud.view(), PixelsIn(kCloudMargin_m, coarse.grid.pixel_m));
  const Image<uint8_t> near_shadow = kernels::Dilate(shadow, 1);
  Image<uint8_t> clear(coarse.grid.width, coarse.grid.height);
  for (int y = 0; y < clear.height(); ++y) {
    for (int x = 0; x < clear.width(); ++x) {
      clear(x, y) = coarse.valid(x, y) && !near_cloud(x, y) && !near_shadow(x, y) && !masks.cirrus(x, y) &&
                    !masks.snow(x, y) && !masks.water(x, y) && masks.cloud_percent(x, y) < kHazyPercent;
    }
  }
  return clear;
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

absl::StatusOr<double> SceneHaze(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const MaskScene& mask_scene,
                                 const kernels::CloudMasks& masks, bool adjacency, int threads, const Air& air) {
  const Image<uint8_t> near_cloud = kernels::Dilate(masks.cloud.view(), PixelsIn(kCloudMargin_m, coarse.grid.pixel_m));
  Image<uint8_t> ground = coarse.valid;
  for (size_t i = 0; i < ground.size(); ++i) {
    if (near_cloud.data()[i] || masks.cirrus.data()[i] || masks.snow.data()[i] || masks.water.data()[i]) ground.data()[i] = 0;
  }
  const AotRetrieval retrieval(metadata, coarse, mask_scene, ground, air, adjacency, kLeastNdviInHaze);
  const int cell = AotCellPixels(coarse.grid.pixel_m);
  std::vector<AotCell> cells(static_cast<size_t>(Cells(coarse.grid.width, cell)) * Cells(coarse.grid.height, cell));
  ARPENT_RETURN_IF_ERROR(ForEachCell(coarse.grid, threads, [&](size_t i, int x0, int y0, int x1, int y1) {
    cells[i] = retrieval.Collect(x0, y0, x1, y1);
  }));
  const double east = Centre(coarse.grid.width / 2, coarse.grid.pixel_m), south = Centre(coarse.grid.height / 2, coarse.grid.pixel_m);
  const kernels::AotEstimate whole = SceneAot(retrieval, cells, east, south);
  return whole.pixels == 0 ? 0.0 : whole.aot;
}

absl::Status ChooseAerosol(const scene::SceneMetadata& metadata, const CoarseScene& coarse, const MaskScene& mask_scene,
                           const Image<uint8_t>& clear, bool adjacency, int threads, Air& air) {
  constexpr double kLeastAot = 0.25;     // thinner aerosol looks the same whatever it is
  constexpr double kClearlyBetter = 0.5;  // of continental's misfit
  constexpr int kLeastPixels = 100;
  const AotRetrieval retrieval(metadata, coarse, mask_scene, clear, air, adjacency, kLeastNdvi);
  const int cell = AotCellPixels(coarse.grid.pixel_m);
  std::vector<AotCell> cells(static_cast<size_t>(Cells(coarse.grid.width, cell)) * Cells(coarse.grid.height, cell));
  ARPENT_RETURN_IF_ERROR(ForEachCell(coarse.grid, threads, [&](size_t i, int x0, int y0, int x1, int y1) {
    cells[i] = retrieval.Collect(x0, y0, x1, y1);
  }));
  const double east = Centre(coarse.grid.width / 2, coarse.grid.pixel_m), south = Centre(coarse.grid.height / 2, coarse.grid.pixel_m);
  const kernels::AerosolModel usual = air.aerosol();
  const kernels::AotEstimate before = SceneAot(retrieval, cells, east, south);
  kernels::AerosolModel best = usual;
  double misfit = kClearlyBetter * before.misfit;
  if (before.pixels >= kLeastPixels && before.aot >= kLeastAot) {
    for (const kernels::AerosolModel model : kernels::kAerosolModels) {
      air.set_aerosol(model);
      const kernels::AotEstimate estimate = SceneAot(retrieval, cells, east, south);
      if (estimate.misfit < misfit) best = model, misfit = estimate.misfit;
    }
  }
  air.set_aerosol(best);
  air.notes.push_back(absl::StrCat("aerosol: ", std::string(kernels::NameOf(best)),
                                   best == usual ? ", the scene does not tell models apart" : ", chosen by the scene's dark vegetation"));
  return absl::OkStatus();
}

absl::StatusOr<AotResult> RetrieveAot(const scene::SceneMetadata& metadata, const CoarseScene& coarse,
                                      const MaskScene& mask_scene, const Image<uint8_t>& clear, bool adjacency,
                                      int threads, Air& air) {
  const double pixel_m = coarse.grid.pixel_m;
  const int cell = AotCellPixels(pixel_m), columns = Cells(coarse.grid.width, cell), rows = Cells(coarse.grid.height, cell);
  const AotRetrieval retrieval(metadata, coarse, mask_scene, clear, air, adjacency, kLeastNdvi);
  std::vector<AotCell> cells(static_cast<size_t>(columns) * rows);
  std::vector<kernels::AotEstimate> estimates(cells.size());
  ARPENT_RETURN_IF_ERROR(ForEachCell(coarse.grid, threads, [&](size_t i, int x0, int y0, int x1, int y1) {
    cells[i] = retrieval.Collect(x0, y0, x1, y1);
    if (cells[i].pixels.size() < kLeastPerCell) return;
    estimates[i] = retrieval.Estimate(cells[i], Centre((x0 + x1) / 2, pixel_m), Centre((y0 + y1) / 2, pixel_m));
  }));
  const double east = Centre(coarse.grid.width / 2, coarse.grid.pixel_m), south = Centre(coarse.grid.height / 2, coarse.grid.pixel_m);
  const kernels::AotEstimate whole = SceneAot(retrieval, cells, east, south);
  if (whole.pixels == 0) air.notes.push_back("AOT: default 0.15, the scene shows no dark vegetation");

  constexpr int kReachCells = 2;
  kernels::AotMap map = kernels::SmoothAot(estimates, columns, kReachCells, whole);
  AotResult result;
  for (const AotCell& cell : cells) result.dark_pixels += static_cast<int>(cell.pixels.size());
  double aot = 0, uncertainty = 0;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      Temper(map.aot(x, y), map.uncertainty(x, y));
      aot += map.aot(x, y);
      uncertainty += map.uncertainty(x, y);
    }
  }
  result.mean = aot / (columns * rows);
  result.mean_uncertainty = uncertainty / (columns * rows);
  result.uncertainty = std::move(map.uncertainty);
  result.interpolated = std::move(map.interpolated);
  air.aot = {.values = std::move(map.aot), .cell_m = cell * pixel_m, .constant = result.mean};
  return result;
}

}  // namespace arpent::stages
