#include "common/simulate/forward_atmosphere.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/simulate/phenology.h"

namespace arpent::simulate {
namespace {

constexpr double kDegree = M_PI / 180;
constexpr double kAngstrom = 1.25, kAsymmetry = 0.66, kAlbedo = 0.93;
constexpr double kAerosolScaleHeight_km = 2, kMolecularScaleHeight_km = 8;

// Mean wavelength, water vapour a and b, absorption per atm-cm of ozone, absorption of the other gases at 1013 hPa.
struct BandFacts {
  double wavelength_um, water_a, water_b, ozone, other;
};
constexpr std::array<BandFacts, kBands> kFacts = {{{0.4431, 0, 1, 0.00251, 0},
                                                   {0.4922, 0, 1, 0.02447, 0},
                                                   {0.5598, 0.00068, 0.9308, 0.09851, 0},
                                                   {0.6645, 0.00313, 0.8302, 0.04989, 0},
                                                   {0.7041, 0.01256, 0.8181, 0.02035, 0.00001},
                                                   {0.7404, 0.01082, 0.8536, 0.01085, 0},
                                                   {0.7827, 0.00359, 0.8244, 0, 0.00013},
                                                   {0.8305, 0.02584, 0.6425, 0, 0.00006},
                                                   {0.8647, 0.00036, 0.9665, 0, 0.00003},
                                                   {0.9450, 0.61300, 0.5269, 0, 0},
                                                   {1.3733, 2.75496, 0.4523, 0, 0.00001},
                                                   {1.6124, 0.00056, 1.0044, 0, 0.01635},
                                                   {2.1980, 0.01528, 0.7292, 0, 0.01928}}};

double MolecularDepth(double um, double altitude_km) {
  const double inverse = 1 / (um * um);
  return 0.008569 * inverse * inverse * (1 + 0.0113 * inverse + 0.00013 * inverse * inverse) *
         std::exp(-altitude_km / kMolecularScaleHeight_km);
}

double HenyeyGreenstein(double g, double cosine) {
  const double base = 1 + g * g - 2 * g * cosine;
  return (1 - g * g) / (base * std::sqrt(base));
}

}  // namespace

ForwardBand ForwardOf(int band, const SunAndView& geometry, const AirState& state) {
  const BandFacts& facts = kFacts[band];
  const double mu0 = std::cos(geometry.sun_zenith_deg * kDegree), mu = std::cos(geometry.view_zenith_deg * kDegree);
  const double sines = std::sin(geometry.sun_zenith_deg * kDegree) * std::sin(geometry.view_zenith_deg * kDegree);
  // Scattering angle: 180 degrees when sun and sensor stand together.
  const double cos_scattering = -mu0 * mu - sines * std::cos(geometry.relative_azimuth_deg * kDegree);

  const double molecules = MolecularDepth(facts.wavelength_um, state.altitude_km);
  const double aerosol = state.aot_550 * std::pow(facts.wavelength_um / 0.55, -kAngstrom);
  const double tau = molecules + aerosol;
  const double phase = (molecules * 0.75 * (1 + cos_scattering * cos_scattering) +
                        kAlbedo * aerosol * HenyeyGreenstein(kAsymmetry, cos_scattering)) /
                       tau;
  const double x1 = 3 * kAlbedo * kAsymmetry * aerosol / tau;
  const auto r1 = [tau](double cosine) { return 1 + 1.5 * cosine + (1 - 1.5 * cosine) * std::exp(-tau / cosine); };

  ForwardBand forward;
  const double denominator = 4 + (3 - x1) * tau;
  const double reflected = 1 - r1(mu) * r1(mu0) / denominator +
                           ((3 + x1) * mu * mu0 - 2 * (mu + mu0) + phase) *
                               (1 - std::exp(-tau * (1 / mu + 1 / mu0))) / (4 * (mu + mu0));
  // Sobolev's layer absorbs nothing; what the aerosol absorbs is taken off along both ways.
  const double absorbed = (1 - kAlbedo) * aerosol;
  const double down = 2 * r1(mu0) / denominator * std::exp(-absorbed / mu0);
  const double up = 2 * r1(mu) / denominator * std::exp(-absorbed / mu);
  forward.transmittance = down * up;
  forward.s_albedo = (3 - x1) * tau / denominator * (1 - 0.5 * absorbed / std::max(1e-9, tau));
  forward.direct_share = std::min(1.0, std::exp(-tau / mu0) / down);
  forward.up_direct_share = std::min(1.0, std::exp(-tau / mu) / up);

  const double mass = 1 / mu0 + 1 / mu;
  const double water = std::exp(-facts.water_a * std::pow(mass * state.water_vapour_gcm2, facts.water_b));
  const double half_water = std::exp(-facts.water_a * std::pow(mass * state.water_vapour_gcm2 / 2, facts.water_b));
  const double dry = std::exp(-mass * (facts.ozone * state.ozone_atmcm +
                                       facts.other * std::exp(-state.altitude_km / kMolecularScaleHeight_km)));
  forward.gas = water * dry;
  // Light scattered on its way passes about half of the water.
  forward.path = std::max(0.0, reflected) * dry * half_water;
  return forward;
}

}  // namespace arpent::simulate
