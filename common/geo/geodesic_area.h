// Areas on the ellipsoid (WGS 84).
#ifndef ARPENT_COMMON_GEO_GEODESIC_AREA_H_
#define ARPENT_COMMON_GEO_GEODESIC_AREA_H_

namespace arpent::geo {

// Square metres between two parallels and two meridians `width_deg` apart (Snyder 1987, equation 3-12: authalic latitude).
// Latitudes in degrees, -90 to 90.
double AreaBetweenParallels_m2(double south_deg, double north_deg, double width_deg);

}  // namespace arpent::geo

#endif  // ARPENT_COMMON_GEO_GEODESIC_AREA_H_
