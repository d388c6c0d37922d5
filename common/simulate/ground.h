// The ground of one tile, pixel by pixel.
#ifndef ARPENT_COMMON_SIMULATE_GROUND_H_
#define ARPENT_COMMON_SIMULATE_GROUND_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/geo/grid.h"
#include "common/raster/image.h"
#include "common/simulate/landscape.h"
#include "common/simulate/phenology.h"

namespace arpent::simulate {

// Where the pixels of a grid lie in the site's reference frame: the same place has the same coordinates from whatever UTM
// zone it is seen.
class ReferenceFrame {
 public:
  static absl::StatusOr<ReferenceFrame> Create(const geo::Grid& grid, int reference_epsg);

  // In m, of a pixel centre given in pixels of the grid (fractions allowed).
  void At(double pixel_x, double pixel_y, double& x_m, double& y_m) const;

 private:
  geo::Grid grid_;
  bool same_zone_ = true;
  // Reference coordinates at every kStep pixels.
  static constexpr int kStep = 64;
  int columns_ = 0;
  std::vector<double> x_, y_;
};

struct Cell {
  int64_t x = 0, y = 0;
  Cover cover = Cover::kMeadow;
};

class Ground {
 public:
  // `grid` at 10 m. Roads are cells of their own, beside the cells that they cross.
  static absl::StatusOr<Ground> Create(const Landscape& landscape, const geo::Grid& grid, int reference_epsg,
                                       double relief_m, int threads);

  const geo::Grid& grid() const { return grid_; }
  const ReferenceFrame& frame() const { return frame_; }
  const std::vector<Cell>& cells() const { return cells_; }
  uint32_t CellAt(int x, int y) const { return cell_(x, y); }
  // Elevation in m at 10 m; empty on a flat site.
  const raster::Image<float>& elevation() const { return elevation_; }
  // Brightness of the spot, about 1: soils and canopies are not even.
  double TextureAt(int x, int y) const;

  // Spectra of all cells on a day of the year.
  std::vector<Spectrum> SpectraOn(const Landscape& landscape, double day_of_year) const;
  // True surface reflectance of a band in a window of the grid at 10, 20 or 60 m: means of the 10 m pixels.
  void Reflectance(const std::vector<Spectrum>& spectra, int band, int resolution_m, const geo::Window& window,
                   raster::View<float> out) const;

 private:
  explicit Ground(ReferenceFrame frame) : frame_(std::move(frame)) {}

  geo::Grid grid_;
  ReferenceFrame frame_;
  uint64_t seed_ = 0;
  std::vector<Cell> cells_;
  raster::Image<uint32_t> cell_;
  raster::Image<float> elevation_;
};

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_GROUND_H_
