// Polygons in the coordinates of a tile, and which pixel centres lie inside them.
#ifndef ARPENT_COMMON_INSITU_POLYGON_H_
#define ARPENT_COMMON_INSITU_POLYGON_H_

#include <functional>
#include <vector>

#include "common/geo/grid.h"

namespace arpent::insitu {

struct Point {
  double x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

// All rings of a polygon or multipolygon, outer and inner ones alike: a point is inside when it is inside an odd number
// of rings. The last point of a ring need not repeat the first.
struct Polygon {
  std::vector<std::vector<Point>> rings;

  bool empty() const { return rings.empty(); }
  // west > east when empty.
  geo::Extent Bounds() const;
  // Square units of the coordinates.
  double Area() const;
};

// Calls span(y, first, last) for runs [first, last) of pixels of `window` whose centre is inside, row by row from the
// north. A centre exactly on an edge belongs to the polygon east or south of it, so that polygons that share an edge
// share no pixel. The same pixels whatever the window.
void ForEachSpan(const Polygon& polygon, const geo::Grid& grid, const geo::Window& window,
                 const std::function<void(int y, int first, int last)>& span);

// The smallest window of the grid that holds every pixel centre inside the polygon's bounds; empty when there is none.
geo::Window WindowOf(const Polygon& polygon, const geo::Grid& grid);

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_POLYGON_H_
