// Aerosol of the air at a place and time, from a file as the Copernicus Atmosphere Monitoring Service delivers it.
//
// NetCDF of the global reanalysis (EAC4) or the global forecast, with variables on (time, latitude, longitude), or on
// (forecast_period, forecast_reference_time, ...): aod550, and duaod550 (dust), ssaod550 (sea salt), omaod550 (organic matter),
// bcaod550 (black carbon), suaod550 (sulphate), and where the file has them niaod550 (nitrate), amaod550 (ammonium),
// soaod550 (secondary organic). Or any other raster of one coordinate system in degrees whose bands are described by these
// names and have their time as metadata item TIME (2021-06-10T09:00:00Z). GRIB is not read.
#ifndef ARPENT_COMMON_SCENE_CAMS_AEROSOL_H_
#define ARPENT_COMMON_SCENE_CAMS_AEROSOL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/storage/stores.h"

namespace arpent::scene {

// Optical thickness at 550 nm: of all, and by what it is made of.
struct CamsAerosol {
  double total = 0;
  double dust = 0, sea_salt = 0, organic = 0, black_carbon = 0;
  double inorganic = 0;  // sulphate, nitrate, ammonium
};

// Bilinear in space, linear between the two times around (at most a day apart); within 3 h before the first and after the
// last time of the file, that one. With `species` false only the total is needed. `scratch`: a folder for a local copy of a
// NetCDF file, which GDAL cannot read elsewhere.
// NOT_FOUND: no such file, or it has nothing at that time or place. INVALID_ARGUMENT: a variable is missing, or it is none
// of these formats. DATA_LOSS: it does not decode. Each names the file and what is wrong.
absl::StatusOr<CamsAerosol> ReadCamsAerosol(const storage::StoreSet& stores, const std::string& uri, const std::string& scratch,
                                            double longitude_deg, double latitude_deg, absl::Time time, bool species);

// The aerosol model, by name, that stands for such a mixture: maritime or desert when half of it is sea salt or dust; urban
// when black carbon is 12 % or more; biomass when organic matter and black carbon are 60 %; else continental.
std::string AerosolModelOf(const CamsAerosol& aerosol);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_CAMS_AEROSOL_H_
