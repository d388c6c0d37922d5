#include "common/kernels/atmosphere/correction.h"

namespace arpent::kernels {

void FinishCoefficients(BandCoefficients& c) {
  c.xa = 1.0 / (c.gas * c.t_down() * c.t_up());
  c.xb = c.rho_path * c.xa;
  c.xc = c.s_albedo;
}

double ToaReflectance(const BandCoefficients& c, double rho) {
  return c.rho_path + c.gas * c.t_down() * c.t_up() * rho / (1.0 - c.s_albedo * rho);
}

double SurfaceReflectance(const BandCoefficients& c, double rho_toa) {
  const double y = c.xa * rho_toa - c.xb;
  return y / (1.0 + c.xc * y);
}

Inversion UniformGround(const BandCoefficients& c) { return {.gain = c.xa, .offset = c.xb, .curvature = c.xc}; }

Inversion WithEnvironment(const BandCoefficients& c, double rho_environment) {
  const double factor = c.t_up() * (1.0 - rho_environment * c.s_albedo) / c.t_up_direct;
  return {.gain = c.xa * factor,
          .offset = c.xb * factor + rho_environment * c.t_up_diffuse / c.t_up_direct,
          .curvature = 0};
}

Inversion FromDigitalNumbers(const Inversion& inversion, double quantification, double dn_offset) {
  return {.gain = inversion.gain / quantification,
          .offset = inversion.offset - inversion.gain * dn_offset / quantification,
          .curvature = inversion.curvature};
}

}  // namespace arpent::kernels
