#include "common/stages/l2a/aot_retrieval.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/masking/regions.h"

namespace arpent::stages {
namespace {

using kernels::AotEstimate;
using raster::Image;

constexpr double kAotCell_m = 3000;
constexpr int kReachCells = 2;
constexpr float kLeastNdvi = 0.4f, kLeastNdviInHaze = 0.2f;

// The cells of a scene, row by row.
class AotCells {
 public:
  explicit AotCells(const geo::Grid& grid) : grid_(grid), side_(AotCellPixels(grid.pixel_m)) {}

  int columns() const { return (grid_.width + side_ - 1) / side_; }
  int rows() const { return (grid_.height + side_ - 1) / side_; }
  size_t size() const { return static_cast<size_t>(columns()) * rows(); }
  double side_m() const { return side_ * grid_.pixel_m; }

  CellWindow Window(size_t i) const {
    const int x0 = static_cast<int>(i) % columns() * side_, y0 = static_cast<int>(i) / columns() * side_;
    const int x1 = std::min(x0 + side_, grid_.width), y1 = std::min(y0 + side_, grid_.height);
    return {x0, y0, x1, y1, Centre((x0 + x1) / 2), Centre((y0 + y1) / 2)};
  }
  CellWindow Middle() const {
    return {0, 0, grid_.width, grid_.height, Centre(grid_.width / 2), Centre(grid_.height / 2)};
  }

  // visit(i, window), in parallel.
  template <typename Visit>
  absl::Status ForEach(int threads, const Visit& visit) const {
    return ParallelFor(size(), threads, [&](size_t i) -> absl::Status {
      visit(i, Window(i));
      return absl::OkStatus();
    });
  }

  // 1 where no cell within reach has an estimate of its own.
  std::vector<uint8_t> WithoutNeighbours(const std::vector<AotEstimate>& estimates) const {
    Image<uint8_t> own(columns(), rows());
    for (size_t i = 0; i < size(); ++i) own.data()[i] = estimates[i].pixels > 0;
    const Image<uint8_t> near = kernels::Dilate(own.view(), kReachCells);
    std::vector<uint8_t> without(size());
    for (size_t i = 0; i < size(); ++i) without[i] = near.data()[i] == 0;
    return without;
  }

 private:
  double Centre(int pixel) const { return (pixel + 0.5) * grid_.pixel_m; }
  const geo::Grid& grid_;
  const int side_;
};

absl::StatusOr<std::vector<DarkVegetation::Pixels>> CollectAll(const DarkVegetation& vegetation, const AotCells& cells, int threads) {
  std::vector<DarkVegetation::Pixels> pixels(cells.size());
  ARPENT_RETURN_IF_ERROR(
      cells.ForEach(threads, [&](size_t i, const CellWindow& window) { pixels[i] = vegetation.Collect(window); }));
  return pixels;
}

bool AnyPixel(const Image<uint8_t>& mask) {
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask.data()[i] != 0) return true;
  }
  return false;
}

// Estimates of `target` in the cells that have none within reach. Returns how many.
template <typename Target>
absl::StatusOr<int> FillFrom(const Target& target, const AotCells& cells, int threads, std::vector<AotEstimate>& estimates) {
  const std::vector<uint8_t> without = cells.WithoutNeighbours(estimates);
  ARPENT_RETURN_IF_ERROR(cells.ForEach(threads, [&](size_t i, const CellWindow& window) {
    if (without[i] != 0) estimates[i] = target.Estimate(window);
  }));
  int filled = 0;
  for (size_t i = 0; i < cells.size(); ++i) filled += without[i] != 0 && estimates[i].pixels > 0;
  return filled;
}

Image<uint8_t> Either(const Image<uint8_t>& a, const Image<uint8_t>& b) {
  Image<uint8_t> either = a;
  for (size_t i = 0; i < either.size(); ++i) either.data()[i] |= b.data()[i];
  return either;
}

// What stands in for places far from any estimate when the scene has too little vegetation to be one cell.
AotEstimate MeanOf(const std::vector<AotEstimate>& estimates, const AotGuess& guess) {
  double weights = 0, aot = 0;
  AotEstimate mean{.aot = guess.aot, .uncertainty = guess.uncertainty, .pixels = 0};
  for (const AotEstimate& e : estimates) {
    if (e.pixels == 0) continue;
    const double weight = 1 / (e.uncertainty * e.uncertainty);
    weights += weight;
    aot += weight * e.aot;
    mean.pixels += e.pixels;
  }
  if (mean.pixels > 0) mean.aot = aot / weights;
  return mean;
}

// Draws an estimate towards the guess, as far as it is vague.
void Temper(double guess, float& aot, float& uncertainty) {
  const double sure = 1 / (static_cast<double>(uncertainty) * uncertainty);
  const double prior = 1 / (kAotSpread * kAotSpread);
  aot = static_cast<float>((aot * sure + guess * prior) / (sure + prior));
  uncertainty = static_cast<float>(1 / std::sqrt(sure + prior));
}

// Fills cells without vegetation from water and from known ground, and notes how many.
absl::Status FillFromOtherGround(const TargetScene& scene, const AotGround& ground, const AotCells& cells, int threads,
                                 std::vector<AotEstimate>& estimates, std::vector<std::string>& notes) {
  const auto note = [&](int filled, const char* target) {
    if (filled > 0) notes.push_back(absl::StrFormat("AOT: %.0f %% of the scene from %s", 100.0 * filled / cells.size(), target));
  };
  if (!ground.water.empty() && AnyPixel(ground.water)) {
    const Image<uint8_t> all = Either(ground.land, ground.water);
    const DeepWater water(scene, ground.water, all);
    ARPENT_ASSIGN_OR_RETURN(const int filled, FillFrom(water, cells, threads, estimates));
    note(filled, "clear deep water");
  }
  if (ground.prior != nullptr) {
    const GroundOfPrior known(scene, *ground.prior, ground.land);
    ARPENT_ASSIGN_OR_RETURN(const int filled, FillFrom(known, cells, threads, estimates));
    note(filled, "ground that the prior knows");
  }
  return absl::OkStatus();
}

}  // namespace

int AotCellPixels(double coarse_pixel_m) { return PixelsIn(kAotCell_m, coarse_pixel_m); }

absl::StatusOr<double> SceneHaze(const TargetScene& scene, const kernels::CloudMasks& masks, int threads) {
  const CoarseScene& coarse = scene.coarse;
  const Image<uint8_t> near_cloud = kernels::Dilate(masks.cloud.view(), PixelsIn(kCloudMargin_m, coarse.grid.pixel_m));
  Image<uint8_t> ground = coarse.valid;
  for (size_t i = 0; i < ground.size(); ++i) {
    if (near_cloud.data()[i] || masks.cirrus.data()[i] || masks.snow.data()[i] || masks.water.data()[i]) ground.data()[i] = 0;
  }
  const DarkVegetation vegetation(scene, ground, kLeastNdviInHaze);
  const AotCells cells(coarse.grid);
  ARPENT_ASSIGN_OR_RETURN(const auto pixels, CollectAll(vegetation, cells, threads));
  const AotEstimate whole = vegetation.EstimateScene(pixels, cells.Middle());
  return whole.pixels == 0 ? 0.0 : whole.aot;
}

absl::Status ChooseAerosol(const TargetScene& scene, const AotGround& ground, int threads, Air& air) {
  constexpr double kLeastAot = 0.25;     // thinner aerosol looks the same whatever it is
  constexpr double kClearlyBetter = 0.5;  // of continental's misfit
  constexpr int kLeastPixels = 100;
  const DarkVegetation vegetation(scene, ground.land, kLeastNdvi);
  const AotCells cells(scene.coarse.grid);
  ARPENT_ASSIGN_OR_RETURN(const auto pixels, CollectAll(vegetation, cells, threads));
  const kernels::AerosolModel usual = air.aerosol();
  const AotEstimate before = vegetation.EstimateScene(pixels, cells.Middle());
  kernels::AerosolModel best = usual;
  double misfit = kClearlyBetter * before.misfit;
  if (before.pixels >= kLeastPixels && before.aot >= kLeastAot) {
    for (const kernels::AerosolModel model : kernels::kAerosolModels) {
      air.set_aerosol(model);
      const AotEstimate estimate = vegetation.EstimateScene(pixels, cells.Middle());
      if (estimate.misfit < misfit) best = model, misfit = estimate.misfit;
    }
  }
  air.set_aerosol(best);
  air.notes.push_back(absl::StrCat("aerosol: ", std::string(kernels::NameOf(best)),
                                   best == usual ? ", the scene does not tell models apart" : ", chosen by the scene's dark vegetation"));
  return absl::OkStatus();
}

absl::StatusOr<AotResult> RetrieveAot(const TargetScene& scene, const AotGround& ground, int threads, Air& air) {
  const AotCells cells(scene.coarse.grid);
  const DarkVegetation vegetation(scene, ground.land, kLeastNdvi);
  ARPENT_ASSIGN_OR_RETURN(const auto pixels, CollectAll(vegetation, cells, threads));
  std::vector<AotEstimate> estimates(cells.size());
  ARPENT_RETURN_IF_ERROR(cells.ForEach(threads, [&](size_t i, const CellWindow& window) {
    if (pixels[i].dark.size() >= DarkVegetation::kLeastPerCell) estimates[i] = vegetation.Estimate(pixels[i], window);
  }));
  AotEstimate whole = vegetation.EstimateScene(pixels, cells.Middle());
  std::vector<std::string> notes;
  ARPENT_RETURN_IF_ERROR(FillFromOtherGround(scene, ground, cells, threads, estimates, notes));
  air.notes.insert(air.notes.end(), notes.begin(), notes.end());
  if (whole.pixels == 0) whole = MeanOf(estimates, air.aot_guess);
  if (whole.pixels == 0) air.notes.push_back(absl::StrCat("AOT: ", air.aot_guess.source, ", the scene shows no dark vegetation or water"));

  kernels::AotMap map = kernels::SmoothAot(estimates, cells.columns(), kReachCells, whole);
  AotResult result;
  for (const DarkVegetation::Pixels& cell : pixels) result.dark_pixels += static_cast<int>(cell.dark.size());
  double aot = 0, uncertainty = 0;
  for (int y = 0; y < cells.rows(); ++y) {
    for (int x = 0; x < cells.columns(); ++x) {
      Temper(air.aot_guess.aot, map.aot(x, y), map.uncertainty(x, y));
      aot += map.aot(x, y);
      uncertainty += map.uncertainty(x, y);
    }
  }
  result.mean = aot / static_cast<double>(cells.size());
  result.mean_uncertainty = uncertainty / static_cast<double>(cells.size());
  result.uncertainty = std::move(map.uncertainty);
  result.interpolated = std::move(map.interpolated);
  air.aot = {.values = std::move(map.aot), .cell_m = cells.side_m(), .constant = result.mean};
  return result;
}

}  // namespace arpent::stages
