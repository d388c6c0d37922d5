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
constexpr int kStripRows = 64;

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

  // Strips of rows find their cells on their own; numbers are then given in order of place, so that threads do not matter.
  using CellKey = std::tuple<int64_t, int64_t, Cover>;
  const int strips = (grid.height + kStripRows - 1) / kStripRows;
  const auto rows_of = [&](size_t strip) {
    const int first = static_cast<int>(strip) * kStripRows;
    return geo::Window{0, first, grid.width, std::min(kStripRows, grid.height - first)};
  };
  std::vector<std::map<CellKey, uint32_t>> found(strips);
  ARPENT_RETURN_IF_ERROR(ParallelFor(strips, threads, [&](size_t strip) {
    LandscapeWalk walk(landscape);
    const geo::Window rows = rows_of(strip);
    auto last = found[strip].end();
    for (int y = rows.y; y < rows.y + rows.height; ++y) {
      for (int x = 0; x < grid.width; ++x) {
        double rx = 0, ry = 0;
        ground.frame_.At(x, y, rx, ry);
        const Spot spot = walk.At(rx, ry);
        const CellKey key(spot.cell_x, spot.cell_y, spot.cover);
        if (last == found[strip].end() || last->first != key) {
          last = found[strip].try_emplace(key, found[strip].size()).first;
        }
        ground.cell_(x, y) = last->second;
        if (relief_m > 0) ground.elevation_(x, y) = static_cast<float>(walk.ElevationAt(rx, ry, relief_m));
      }
    }
    return absl::OkStatus();
  }));
  std::map<CellKey, uint32_t> numbers;
  for (const auto& strip : found) {
    for (const auto& [key, local] : strip) numbers.try_emplace(key, 0);
  }
  uint32_t next = 0;
  for (auto& [key, number] : numbers) {
    number = next++;
    ground.cells_.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key)});
  }
  ARPENT_RETURN_IF_ERROR(ParallelFor(strips, threads, [&](size_t strip) {
    std::vector<uint32_t> number_of(found[strip].size());
    for (const auto& [key, local] : found[strip]) number_of[local] = numbers.at(key);
    const geo::Window rows = rows_of(strip);
    for (int y = rows.y; y < rows.y + rows.height; ++y) {
      for (uint32_t& cell : ground.cell_.row(y)) cell = number_of[cell];
    }
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

void Ground::Reflectance(const std::vector<Spectrum>& spectra, int band, int resolution_m, const geo::Window& window,
                         raster::View<float> out) const {
  const int factor = resolution_m / 10;
  for (int row = 0; row < window.height; ++row) {
    const int top = (window.y + row) * factor, bottom = std::min(grid_.height, top + factor);
    for (int column = 0; column < window.width; ++column) {
      const int left = (window.x + column) * factor, right = std::min(grid_.width, left + factor);
      double sum = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) sum += spectra[cell_(x, y)][band] * TextureAt(x, y);
      }
      out(column, row) = static_cast<float>(sum / ((right - left) * (bottom - top)));
    }
  }
}

}  // namespace arpent::simulate
