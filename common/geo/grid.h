// A north-up pixel grid in a projected coordinate system, and windows into it.
#ifndef ARPENT_COMMON_GEO_GRID_H_
#define ARPENT_COMMON_GEO_GRID_H_

#include <string>
#include <vector>

namespace arpent::geo {

// Pixels [x, x + width) x [y, y + height) of a grid; y grows southwards.
struct Window {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  friend bool operator==(const Window&, const Window&) = default;
};

struct Extent {  // in the grid's own units (metres for UTM)
  double west = 0, south = 0, east = 0, north = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct Grid {
  int epsg = 0;
  double west = 0;   // outer edge of the first column, m
  double north = 0;  // outer edge of the first row, m
  double pixel_m = 0;
  int width = 0;
  int height = 0;

  Extent extent() const { return {west, north - height * pixel_m, west + width * pixel_m, north}; }
  double CentreX(int x) const { return west + (x + 0.5) * pixel_m; }
  double CentreY(int y) const { return north - (y + 0.5) * pixel_m; }
  Window Whole() const { return {0, 0, width, height}; }

  // The same area at another pixel size; width and height are rounded up.
  Grid WithPixel(double pixel_m) const;
  // The grid of a window of this one.
  Grid Sub(const Window& window) const;
  // Whether the corner and every pixel edge of `other` fall on edges of this grid's lattice (both sizes multiples).
  bool SameLattice(const Grid& other) const;

  friend bool operator==(const Grid&, const Grid&) = default;
};

// The part of `window` that lies inside `bounds`; width and height 0 when there is none.
Window Intersection(const Window& window, const Window& bounds);

// The window cut into squares of `side` pixels, row by row; those at its end may be smaller.
std::vector<Window> SquaresOf(const Window& window, int side);

// The pixels of another size that cover the window.
Window Resized(const Window& window, double pixel_m, double new_pixel_m);

// The smallest grid on the lattice of `lattice` that covers both (same epsg and pixel size).
Grid UnionOf(const Grid& a, const Grid& b);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_GRID_H_
