// Aerosol optical thickness from dark dense vegetation.
//
// Over dense vegetation the red follows the reflectance at 2.2 um and the blue follows the red, both nearly
// (Kaufman et al. 1997; the ratios and their spread here cover crops and forests: red / 2.2 um 0.45-0.60, blue / red
// 0.40-0.60). The AOT at which the corrected pixels agree best with both, each weighted by the spread of its relation,
// is the estimate; pixels that follow neither lose their weight (Geman and McClure's loss). AOT never exceeds what
// would make the darkest ground of the cell negative. Measured error: docs/algorithms/l2a-retrieval.md.
#ifndef ARPENT_COMMON_KERNELS_RETRIEVAL_AEROSOL_H_
#define ARPENT_COMMON_KERNELS_RETRIEVAL_AEROSOL_H_

#include <span>
#include <vector>

#include "common/kernels/retrieval/aot_estimate.h"
#include "common/raster/image.h"

namespace arpent::kernels {

inline constexpr double kRedToSwir2 = 0.525;
inline constexpr double kBlueToRed = 0.50;

struct DarkPixel {
  SeenPixel blue, red, swir2;
};

// The atmosphere of one place at rising AOT: one entry of each per step.
struct AotSteps {
  std::vector<double> aot;
  std::vector<BandCoefficients> blue, red, swir2;
};

// `darkest_blue`, `darkest_red`: the darkest clear ground of the place (first percentile), NaN when there is none. At least
// three steps.
AotEstimate EstimateAot(const AotSteps& steps, std::span<const DarkPixel> pixels, const SeenPixel& darkest_blue,
                        const SeenPixel& darkest_red);

// Fills and smooths the estimates of cells (row by row of `columns`): each cell is the mean of all, weighted by their
// number of pixels, their uncertainty and the distance (half weight at `reach` cells), with `fallback` as one faint
// estimate more. `interpolated` is 1 where no cell within `reach` has an estimate of its own.
struct AotMap {
  raster::Image<float> aot;
  raster::Image<float> uncertainty;
  raster::Image<uint8_t> interpolated;
};
AotMap SmoothAot(const std::vector<AotEstimate>& cells, int columns, int reach, const AotEstimate& fallback);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_RETRIEVAL_AEROSOL_H_
