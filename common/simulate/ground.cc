#include "common/simulate/ground.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/geo/transform.h"
#include "common/simulate/noise.h"

namespace arpent::simulate {
namespace {

constexpr double kTexture = 0.035;  // relative deviation of brightness from spot to spot
constexpr uint64_t kTexturePurpose = 900;

}  // namespace

absl::StatusOr<ReferenceFrame> ReferenceFrame::Create(const geo::Grid& grid, int reference_epsg) {
  ReferenceFrame frame;
  frame.grid_ = grid;
  frame.same_zone_ = grid.epsg == reference_epsg;
  if (frame.same_zone_) return frame;
  ARPENT_ASSIGN_OR_RETURN(const geo::Transform transform, geo::Transform::Create(grid.epsg, reference_epsg));
  frame.columns_ = grid.width / kStep + 2;
  const int rows = grid.height / kStep + 2;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < frame.columns_; ++column) {
      frame.x_.push_back(grid.CentreX(column * kStep));
      frame.y_.push_back(grid.CentreY(row * kStep));
    }
  }
  transform.Forward(frame.x_, frame.y_);
  return frame;
}

void ReferenceFrame::At(double pixel_x, double pixel_y, double& x, double& y) const {
  if (same_zone_) {
    x = grid_.west + (pixel_x + 0.5) * grid_.pixel_m;
    y = grid_.north - (pixel_y + 0.5) * grid_.pixel_m;
    return;
  }
  const double u = std::max(0.0, pixel_x / kStep), v = std::max(0.0, pixel_y / kStep);
  const int column = std::min(static_cast<int>(u), columns_ - 2), row = static_cast<int>(v);
  const double fu = u - column, fv = v - row;
  const size_t a = static_cast<size_t>(row) * columns_ + column, b = a + columns_;
  const auto blend = [&](const std::vector<double>& values) {
    return (values[a] * (1 - fu) + values[a + 1] * fu) * (1 - fv) + (values[b] * (1 - fu) + values[b + 1] * fu) * fv;
  };
  x = blend(x_);
  y = blend(y_);
}

absl::StatusOr<Ground> Ground::Create(const Landscape& landscape, const geo::Grid& grid, int reference_epsg,
                                      double relief_m, int threads) {
  ARPENT_ASSIGN_OR_RETURN(ReferenceFrame frame, ReferenceFrame::Create(grid, reference_epsg));
  Ground ground(std::move(frame));
  ground.grid_ = grid;
  ground.seed_ = landscape.seed();
  ground.cell_ = raster::Image<uint32_t>(grid.width, grid.height);
  if (relief_m > 0) ground.elevation_ = raster::Image<float>(grid.width, grid.height);

  // Rows find their cells on their own; numbers are then given in order of place, so that threads do not matter.
  using CellKey = std::tuple<int64_t, int64_t, Cover>;
  std::vector<std::map<CellKey, uint32_t>> found(grid.height);
  ARPENT_RETURN_IF_ERROR(ParallelFor(grid.height, threads, [&](size_t row) {
    const int y = static_cast<int>(row);
    for (int x = 0; x < grid.width; ++x) {
      double rx = 0, ry = 0;
      ground.frame_.At(x, y, rx, ry);
      const Spot spot = landscape.At(rx, ry);
      const CellKey key(spot.cell_x, spot.cell_y, spot.cover);
      ground.cell_(x, y) = found[row].try_emplace(key, found[row].size()).first->second;
      if (relief_m > 0) ground.elevation_(x, y) = static_cast<float>(landscape.ElevationAt(rx, ry, relief_m));
    }
    return absl::OkStatus();
  }));
  std::map<CellKey, uint32_t> numbers;
  for (const auto& row : found) {
    for (const auto& [key, local] : row) numbers.try_emplace(key, 0);
  }
  uint32_t next = 0;
  for (auto& [key, number] : numbers) {
    number = next++;
    ground.cells_.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key)});
  }
  ARPENT_RETURN_IF_ERROR(ParallelFor(grid.height, threads, [&](size_t row) {
    std::vector<uint32_t> number_of(found[row].size());
    for (const auto& [key, local] : found[row]) number_of[local] = numbers.at(key);
    for (uint32_t& cell : ground.cell_.row(static_cast<int>(row))) cell = number_of[cell];
    return absl::OkStatus();
  }));
  return ground;
}

double Ground::TextureAt(int x, int y) const {
  double rx = 0, ry = 0;
  frame_.At(x, y, rx, ry);
  // By place, to the nearest 10 m: overlapping tiles agree.
  return 1 + kTexture * Normal(seed_ + kTexturePurpose, std::llround(rx / 10), std::llround(ry / 10));
}

std::vector<Spectrum> Ground::SpectraOn(const Landscape& landscape, double day_of_year) const {
  std::vector<Spectrum> spectra;
  spectra.reserve(cells_.size());
  for (const Cell& cell : cells_) spectra.push_back(CellSpectrum(landscape, cell.x, cell.y, cell.cover, day_of_year));
  return spectra;
}

raster::Image<float> Ground::ReflectanceOf(const std::vector<Spectrum>& spectra, int band, int resolution_m,
                                           int threads) const {
  const int factor = resolution_m / 10;
  const geo::Grid coarse = grid_.WithPixel(resolution_m);
  raster::Image<float> image(coarse.width, coarse.height);
  (void)ParallelFor(coarse.height, threads, [&](size_t row) {
    const int cy = static_cast<int>(row);
    for (int cx = 0; cx < coarse.width; ++cx) {
      double sum = 0;
      int count = 0;
      for (int y = cy * factor; y < std::min(grid_.height, (cy + 1) * factor); ++y) {
        for (int x = cx * factor; x < std::min(grid_.width, (cx + 1) * factor); ++x) {
          sum += spectra[cell_(x, y)][band] * TextureAt(x, y);
          ++count;
        }
      }
      image(cx, cy) = static_cast<float>(sum / count);
    }
    return absl::OkStatus();
  });
  return image;
}

}  // namespace arpent::simulate
