// The simulator's own atmosphere: what ground of a given reflectance looks like from above. On purpose not the code, tables
// or aerosol of the corrector (kernels/atmosphere): otherwise a wrong correction could look right.
//
// Scattering: Sobolev's approximation for a plane layer (Sobolev 1975, eq. 7.62) with molecules (Hansen and Travis 1974)
// and an aerosol of Angstrom exponent 1.25, asymmetry 0.66, albedo 0.93. Gases: exp(-a (m w)^b) for water vapour,
// exponentials for ozone and the rest, fitted to Sentinel-2A columns of published 6S runs. Errors of some 0.005 in blue are
// part of the test: a real atmosphere is not the corrector's either.
#ifndef ARPENT_COMMON_SIMULATE_FORWARD_ATMOSPHERE_H_
#define ARPENT_COMMON_SIMULATE_FORWARD_ATMOSPHERE_H_

namespace arpent::simulate {

struct SunAndView {
  double sun_zenith_deg = 30, view_zenith_deg = 3, relative_azimuth_deg = 100;  // 0 = sun and sensor on one side
};

struct AirState {
  double aot_550 = 0.1, water_vapour_gcm2 = 2, ozone_atmcm = 0.32, altitude_km = 0.2;
};

// rho_toa = path + gas * transmittance * (up_direct_share * rho + (1 - up_direct_share) * rho_env) / (1 - s_albedo * rho_env),
// with rho_env the mean reflectance of the surroundings. `direct_share` is the part of the downward transmittance that a
// cloud's shadow or a slope away from the sun takes away.
struct ForwardBand {
  double path = 0, transmittance = 1, s_albedo = 0, gas = 1, direct_share = 1, up_direct_share = 1;
};

// `band` in the order of scene::kSentinel2BandNames.
ForwardBand ForwardOf(int band, const SunAndView& geometry, const AirState& state);

}  // namespace arpent::simulate

#endif  // ARPENT_COMMON_SIMULATE_FORWARD_ATMOSPHERE_H_
