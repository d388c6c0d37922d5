// The ground of a simulated site: fields, roads, forest, water and villages as a function of place and seed. Overlapping
// tiles see the same ground; a site over a UTM border too, because places are given in one reference frame.
#ifndef ARPENT_COMMON_SIMULATE_LANDSCAPE_H_
#define ARPENT_COMMON_SIMULATE_LANDSCAPE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "common/simulate/noise.h"

namespace arpent::simulate {

// What grows or stands somewhere; the code is the JECAM code of the in-situ file.
enum class Cover : uint8_t {
  kWheat, kRapeseed, kMaize, kSunflower, kSugarBeet, kSoybean, kMeadow, kForest, kWater, kVillage, kRoad
};
inline constexpr int kCoverCount = 11;

struct CoverInfo {
  Cover cover;
  const char* name;
  int code;      // JECAM code; 0 where nothing is sown
  bool is_crop;
  double share;  // of the cells of farmland
};
const CoverInfo& InfoOf(Cover cover);

// One spot of ground. Cells are Voronoi cells around jittered lattice points; a cell has one cover and one parcel.
struct Spot {
  int64_t cell_x = 0, cell_y = 0;  // lattice position of the cell
  Cover cover = Cover::kMeadow;
  double edge_m = 0;               // distance to the border of the cell, about
};

class Landscape {
 public:
  // `spacing_m`: mean distance between neighbouring fields.
  Landscape(uint64_t seed, double spacing_m) : seed_(seed), spacing_m_(spacing_m) {}

  // The polygon's corner points of a cell (x0, y0, x1, y1, ...), shrunk by `inset_m` so that it lies inside the field.
  std::vector<double> CellOutline(int64_t cell_x, int64_t cell_y, double inset_m) const;
  Cover CoverOf(int64_t cell_x, int64_t cell_y) const;
  // The lattice point of a cell.
  void CentreOf(int64_t cell_x, int64_t cell_y, double& x_m, double& y_m) const;
  // A number of the cell's own in [0, 1), for `what`.
  double Trait(int64_t cell_x, int64_t cell_y, int what) const;
  uint64_t seed() const { return seed_; }
  double spacing_m() const { return spacing_m_; }

 private:
  uint64_t seed_;
  double spacing_m_;
};

// Walks over a landscape, on one thread: it remembers the cells around the last place, so that the next one beside it costs
// little. What it finds does not depend on the walk.
class LandscapeWalk {
 public:
  // The landscape must outlive the walk.
  explicit LandscapeWalk(const Landscape& landscape);

  Spot At(double x_m, double y_m);
  // Elevation above sea level, m; `relief_m` is the height of the hills.
  double ElevationAt(double x_m, double y_m, double relief_m);

 private:
  struct Neighbour {
    double x = 0, y = 0;
    bool known = false;  // what stands there and whether tracks run along its borders
    bool tracks = false;
    Cover cover = Cover::kMeadow;
  };
  static constexpr int kReach = 2;  // cells either way that may hold the nearest lattice point
  static constexpr int kAround = 2 * kReach + 1;

  void Enter(int64_t home_x, int64_t home_y);

  const Landscape& landscape_;
  FractalNoise hills_;
  bool entered_ = false;
  int64_t home_x_ = 0, home_y_ = 0;
  std::array<Neighbour, kAround * kAround> around_;
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_LANDSCAPE_H_
