#include "common/geo/geodesic_area.h"

#include <gtest/gtest.h>

#include <cmath>

namespace arpent::geo {
namespace {

TEST(AreaBetweenParallels, TheEarthHasItsSurface) {
  EXPECT_NEAR(AreaBetweenParallels_m2(-90, 90, 360) * 1e-6, 510065621.724, 0.001);  // WGS 84
}

// A small quadrangle is the product of its sides by the radii of curvature.
TEST(AreaBetweenParallels, ASmallQuadrangleIsTheProductOfItsSides) {
  const double a = 6378137, e2 = 0.00669437999014, degree = std::acos(-1) / 180, side = 0.001;
  for (const double latitude : {-33.0, 0.5, 45.2, 69.0}) {
    const double w = 1 - e2 * std::pow(std::sin(latitude * degree), 2);
    const double meridian = a * (1 - e2) / std::pow(w, 1.5), normal = a / std::sqrt(w);
    const double expected = meridian * side * degree * normal * std::cos(latitude * degree) * side * degree;
    EXPECT_NEAR(AreaBetweenParallels_m2(latitude - side / 2, latitude + side / 2, side) / expected, 1, 1e-8) << latitude;
  }
}

}  // namespace
}  // namespace arpent::geo
