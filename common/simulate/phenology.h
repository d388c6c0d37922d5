// Surface reflectance of the simulated ground by day of year. Spectra are mixtures of soil and canopy along a crop's year;
// ratios between bands are drawn for each field (red to B12 0.45-0.6, blue to red 0.4-0.6), so that no retrieval can rely
// on one relation.
#ifndef ARPENT_COMMON_SIMULATE_PHENOLOGY_H_
#define ARPENT_COMMON_SIMULATE_PHENOLOGY_H_

#include <array>

#include "common/simulate/landscape.h"

namespace arpent::simulate {

inline constexpr int kBands = 13;  // order of scene::kSentinel2BandNames
using Spectrum = std::array<double, kBands>;

// How green the cover is on a day of the year (1..366), 0 bare to 1 full canopy. `shift_days` moves the season.
double CanopyFraction(Cover cover, double day_of_year, double shift_days);

// The reflectance of a whole cell on a day. Traits of the cell move its season by up to 12 days either way, its soil, its
// vigour and its ratios between bands.
Spectrum CellSpectrum(const Landscape& landscape, int64_t cell_x, int64_t cell_y, Cover cover, double day_of_year);

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_PHENOLOGY_H_
