#include "common/insitu/polygon.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace arpent::insitu {
namespace {

// The first pixel whose centre is at or behind `coordinate` (in pixels from the grid's corner), within [low, high].
int FirstCentreFrom(double coordinate, int low, int high) {
  const double first = std::ceil(coordinate - 0.5);
  return static_cast<int>(std::clamp<double>(first, low, high));
}

template <typename Visit>
void ForEachEdge(const Polygon& polygon, Visit visit) {
  for (const auto& ring : polygon.rings) {
    for (size_t i = 0; i < ring.size(); ++i) visit(ring[i], ring[i + 1 < ring.size() ? i + 1 : 0]);
  }
}

}  // namespace

geo::Extent Polygon::Bounds() const {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  geo::Extent bounds{kFar, kFar, -kFar, -kFar};
  for (const auto& ring : rings) {
    for (const Point& point : ring) {
      bounds.west = std::min(bounds.west, point.x);
      bounds.east = std::max(bounds.east, point.x);
      bounds.south = std::min(bounds.south, point.y);
      bounds.north = std::max(bounds.north, point.y);
    }
  }
  return bounds;
}

double Polygon::Area() const {
  // Rings of a valid polygon nest; inner ones are subtracted whatever their direction, by the sign GDAL gives them:
  // OGR orders outer before inner, so that each ring's share follows from how many others hold its first point.
  double area = 0;
  for (size_t r = 0; r < rings.size(); ++r) {
    double twice = 0;
    for (size_t i = 0; i < rings[r].size(); ++i) {
      const Point &a = rings[r][i], &b = rings[r][i + 1 < rings[r].size() ? i + 1 : 0];
      twice += a.x * b.y - b.x * a.y;
    }
    int holders = 0;
    for (size_t other = 0; other < rings.size(); ++other) {
      if (other == r || rings[r].empty()) continue;
      bool inside = false;
      const Point p = rings[r][0];
      for (size_t i = 0; i < rings[other].size(); ++i) {
        const Point &a = rings[other][i], &b = rings[other][i + 1 < rings[other].size() ? i + 1 : 0];
        if ((a.y <= p.y) != (b.y <= p.y) && p.x < a.x + (p.y - a.y) * (b.x - a.x) / (b.y - a.y)) inside = !inside;
      }
      holders += inside;
    }
    area += (holders % 2 == 0 ? 0.5 : -0.5) * std::abs(twice);
  }
  return area;
}

geo::Window WindowOf(const Polygon& polygon, const geo::Grid& grid) {
  const geo::Extent bounds = polygon.Bounds();
  if (!(bounds.west <= bounds.east)) return {};
  const int x0 = FirstCentreFrom((bounds.west - grid.west) / grid.pixel_m, 0, grid.width);
  const int x1 = FirstCentreFrom((bounds.east - grid.west) / grid.pixel_m, 0, grid.width);
  const int y0 = FirstCentreFrom((grid.north - bounds.north) / grid.pixel_m, 0, grid.height);
  const int y1 = FirstCentreFrom((grid.north - bounds.south) / grid.pixel_m, 0, grid.height);
  // One more on each side than needed by exact arithmetic: rounding must not lose a pixel.
  return geo::Intersection({x0 - 1, y0 - 1, x1 - x0 + 2, y1 - y0 + 2}, grid.Whole());
}

void ForEachSpan(const Polygon& polygon, const geo::Grid& grid, const geo::Window& window,
                 const std::function<void(int y, int first, int last)>& span) {
  const geo::Window inside = geo::Intersection(WindowOf(polygon, grid), geo::Intersection(window, grid.Whole()));
  std::vector<std::vector<double>> crossings(std::max(0, inside.height));
  ForEachEdge(polygon, [&](const Point& a, const Point& b) {
    if (a.y == b.y) return;
    const Point& upper = a.y > b.y ? a : b;
    const Point& lower = a.y > b.y ? b : a;
    const double from = (grid.north - upper.y) / grid.pixel_m, to = (grid.north - lower.y) / grid.pixel_m;
    const int first = FirstCentreFrom(from, inside.y, inside.y + inside.height);
    const int last = FirstCentreFrom(to, inside.y, inside.y + inside.height);
    for (int y = first; y < last; ++y) {
      // Always from the upper end, so that an edge shared by two polygons is crossed at the same place in both.
      const double share = (y + 0.5 - from) / (to - from);
      crossings[y - inside.y].push_back((upper.x + share * (lower.x - upper.x) - grid.west) / grid.pixel_m);
    }
  });
  for (int y = inside.y; y < inside.y + inside.height; ++y) {
    std::vector<double>& row = crossings[y - inside.y];
    std::sort(row.begin(), row.end());
    for (size_t i = 0; i + 1 < row.size(); i += 2) {
      const int first = FirstCentreFrom(row[i], inside.x, inside.x + inside.width);
      const int last = FirstCentreFrom(row[i + 1], inside.x, inside.x + inside.width);
      if (first < last) span(y, first, last);
    }
  }
}

}  // namespace arpent::insitu
