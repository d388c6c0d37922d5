// What the atmosphere does to one band in one state, as the few numbers that invert it. Pure arithmetic on numbers that
// tables.h looks up.
//
//   rho_toa = rho_path + gas * t_down * t_up * rho / (1 - s_albedo * rho)            (Vermote et al. 1997, eq. 1)
//   y = xa * rho_toa - xb;   rho = y / (1 + xc * y)
//
// Over ground that is not uniform, with rho_e the mean reflectance of the surroundings (about 1 km),
//   rho_toa = rho_path + gas * t_down * (t_up_direct * rho + t_up_diffuse * rho_e) / (1 - s_albedo * rho_e)
// which is linear in rho_toa once rho_e is known (WithEnvironment).
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_CORRECTION_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_CORRECTION_H_

namespace arpent::kernels {

// All quantities are dimensionless; TOA reflectance is pi L / (cos(sun zenith) E_sun).
struct BandCoefficients {
  double rho_path = 0;                           // TOA reflectance over black ground, gases included
  double rho_atm = 0;                            // the same without gas
  double t_down_direct = 1, t_down_diffuse = 0;  // scattering transmittances (no gas) sun -> ground
  double t_up_direct = 1, t_up_diffuse = 0;      // ground -> sensor
  double s_albedo = 0;                           // spherical albedo of the atmosphere seen from the ground
  double gas = 1;                                // two-way transmittance of all gases
  double xa = 1, xb = 0, xc = 0;

  double t_down() const { return t_down_direct + t_down_diffuse; }
  double t_up() const { return t_up_direct + t_up_diffuse; }
};

// Fills xa, xb, xc from the other members. rho_path etc. must be those of one band and state; gas > 0.
void FinishCoefficients(BandCoefficients& coefficients);

// TOA reflectance over uniform Lambertian ground of reflectance `rho`.
double ToaReflectance(const BandCoefficients& coefficients, double rho);

// The inverse of ToaReflectance.
double SurfaceReflectance(const BandCoefficients& coefficients, double rho_toa);

// rho = (gain * rho_toa - offset) / (1 + curvature * (gain * rho_toa - offset)): the form of the per-pixel kernel
// (inversion.h).
struct Inversion {
  double gain = 1, offset = 0, curvature = 0;
};

// Uniform ground: gain = xa, offset = xb, curvature = xc.
Inversion UniformGround(const BandCoefficients& coefficients);

// Ground whose surroundings reflect `rho_environment`: curvature 0. On a uniform scene it equals UniformGround.
Inversion WithEnvironment(const BandCoefficients& coefficients, double rho_environment);

// For reflectance = (DN + dn_offset) / quantification: the inversion that takes the DN itself.
Inversion FromDigitalNumbers(const Inversion& inversion, double quantification, double dn_offset);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_CORRECTION_H_
