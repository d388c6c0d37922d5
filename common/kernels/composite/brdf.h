// Directional correction to a view from the zenith: RossThick and LiSparse kernels with fixed shapes per band, as
// Sen2Agri's composite has them (Roujean-type model of Vermote et al. 2009: V and R do not depend on NDVI there).
//   corrected = rho M(sun, 0, 0) / M(sun, view, relative azimuth), M = 1 + V F_vol + R F_geo
#ifndef ARPENT_COMMON_KERNELS_COMPOSITE_BRDF_H_
#define ARPENT_COMMON_KERNELS_COMPOSITE_BRDF_H_

#include <string>

namespace arpent::kernels {

struct ViewGeometry {
  double sun_zenith_deg = 0, sun_azimuth_deg = 0;
  double view_zenith_deg = 0, view_azimuth_deg = 0;
};

// RossThick with the hot-spot term of Maignan et al. (2004, xi_0 = 1.5 degrees), zero at nadir view and nadir sun.
double RossThick(double sun_zenith_rad, double view_zenith_rad, double relative_azimuth_rad);
// LiSparse, reciprocal form (Lucht et al. 2000, h/b = 2, b/r = 1).
double LiSparse(double sun_zenith_rad, double view_zenith_rad, double relative_azimuth_rad);

// What to multiply a band's reflectance with; 1 for bands without coefficients and where the model is not defined (sun
// or view beyond 80 degrees).
double BrdfFactor(const std::string& band, const ViewGeometry& geometry);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_COMPOSITE_BRDF_H_
