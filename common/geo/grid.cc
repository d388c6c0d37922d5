#include "common/geo/grid.h"

#include <algorithm>
#include <cmath>

namespace arpent::geo {
namespace {

bool IsWhole(double value) { return std::abs(value - std::round(value)) < 1e-6; }

}  // namespace

Grid Grid::WithPixel(double new_pixel_m) const {
  Grid grid = *this;
  grid.pixel_m = new_pixel_m;
  grid.width = static_cast<int>(std::ceil(width * pixel_m / new_pixel_m - 1e-9));
  grid.height = static_cast<int>(std::ceil(height * pixel_m / new_pixel_m - 1e-9));
  return grid;
}

Grid Grid::Sub(const Window& window) const {
  return {epsg, west + window.x * pixel_m, north - window.y * pixel_m, pixel_m, window.width, window.height};
}

bool Grid::SameLattice(const Grid& other) const {
  if (epsg != other.epsg) return false;
  const double fine = std::min(pixel_m, other.pixel_m);
  return IsWhole(std::max(pixel_m, other.pixel_m) / fine) && IsWhole((west - other.west) / fine) &&
         IsWhole((north - other.north) / fine);
}

Window Intersection(const Window& window, const Window& bounds) {
  const int x0 = std::max(window.x, bounds.x), y0 = std::max(window.y, bounds.y);
  const int x1 = std::min(window.x + window.width, bounds.x + bounds.width);
  const int y1 = std::min(window.y + window.height, bounds.y + bounds.height);
  return {x0, y0, std::max(0, x1 - x0), std::max(0, y1 - y0)};
}

std::vector<Window> SquaresOf(const Window& window, int side) {
  std::vector<Window> squares;
  for (int y = window.y; y < window.y + window.height; y += side) {
    for (int x = window.x; x < window.x + window.width; x += side) {
      squares.push_back(Intersection({x, y, side, side}, window));
    }
  }
  return squares;
}

Window Resized(const Window& window, double pixel_m, double new_pixel_m) {
  const double factor = pixel_m / new_pixel_m;
  const int x = static_cast<int>(std::floor(window.x * factor)), y = static_cast<int>(std::floor(window.y * factor));
  return {x, y, static_cast<int>(std::ceil((window.x + window.width) * factor)) - x,
          static_cast<int>(std::ceil((window.y + window.height) * factor)) - y};
}

Grid UnionOf(const Grid& a, const Grid& b) {
  const Extent ea = a.extent(), eb = b.extent();
  Grid grid = a;
  grid.west = std::min(ea.west, eb.west);
  grid.north = std::max(ea.north, eb.north);
  grid.width = static_cast<int>(std::lround((std::max(ea.east, eb.east) - grid.west) / a.pixel_m));
  grid.height = static_cast<int>(std::lround((grid.north - std::min(ea.south, eb.south)) / a.pixel_m));
  return grid;
}

}  // namespace arpent::geo
