// Multiple scattering with polarisation in a layered atmosphere of molecules (scale height 8 km) and aerosol (2 km)
// over ground: successive orders of scattering of the Stokes vector (I, Q, U), one azimuth order at a time. No gas
// absorption and no spectral integration (forward_model.h adds both).
//
// Method: Gauss quadrature in angle, sources linear in optical depth between levels, forward peak cut by delta-M
// (Wiscombe 1977) with single scattering of the whole phase function put back (TMS, Nakajima and Tanaka 1988); orders
// of azimuth beyond kVectorOrders keep single scattering only. Light enters along the view direction and leaves along
// the sun's (reciprocity), as there are fewer of the first. Transmittances and spherical albedo come from a scalar
// solution with light rising from uniform ground, again by reciprocity. Sources: Lenoble et al. 2007 (successive
// orders), Siewert 2000 (phase matrix expansion), Kotchenova et al. 2006. Pure; thread-safe once built. Measured
// against 6S in docs/algorithms/l2a-atmosphere.md.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_SOLVER_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_SOLVER_H_

#include <array>
#include <vector>

#include "common/kernels/atmosphere/generalized_functions.h"
#include "common/kernels/atmosphere/matrix_product.h"

namespace arpent::kernels {

// Expansion of a phase matrix in generalised spherical functions, l = 0 .. size - 1, intensity[0] = 1:
// P11 = sum b P_l, P12 = sum g d_02, P22 and P33 by a and z (data/README.md has the definitions).
struct PhaseExpansion {
  std::vector<double> b, g, a, z;
};

// Molecules of depolarisation 0.0279.
PhaseExpansion MolecularExpansion();

struct Column {
  double molecular_depth = 0;  // optical thickness
  double aerosol_depth = 0;
  double aerosol_albedo = 1;  // single scattering albedo
};

struct SolverSettings {
  int streams = 16;  // Gauss nodes per hemisphere
  int layers = 40;
};

// The directions of a family of solutions and all that depends on them alone.
class AngularGrid {
 public:
  static constexpr int kVectorOrders = 4;  // azimuth orders 0 .. 3 with multiple scattering

  AngularGrid(const SolverSettings& settings, const std::vector<double>& sun_zenith_deg,
              const std::vector<double>& view_zenith_deg);

  struct Direction {
    double cosine;
    // [order][l]: d_m0, and the half sum and half difference of d_m2 and d_m,-2.
    std::array<std::vector<double>, kVectorOrders> p, r, t;
  };

  int layers() const { return layers_; }
  int terms() const { return 2 * static_cast<int>(streams_.size()); }
  int stream_count() const { return static_cast<int>(streams_.size()); }
  int sun_count() const { return sun_count_; }
  int view_count() const { return static_cast<int>(exits_.size()) - sun_count_; }
  const std::vector<double>& weight() const { return weight_; }
  const std::vector<Direction>& streams() const { return streams_; }
  // Where light leaves: the suns, then the views.
  const std::vector<Direction>& exits() const { return exits_; }
  double sun_cosine(int sun) const { return exits_[sun].cosine; }
  double view_cosine(int view) const { return exits_[sun_count_ + view].cosine; }

 private:
  int layers_, sun_count_;
  std::vector<double> weight_;
  std::vector<Direction> streams_, exits_;
};

// A phase matrix on a grid, its forward peak cut.
class PhaseMatrices {
 public:
  PhaseMatrices(const AngularGrid& grid, const PhaseExpansion& expansion);

  // Azimuth order m; rows and columns by Stokes component, then direction (no U in order 0). With radiance I (down) and
  // V (up, U reversed), the source is even (I + V) + odd (I - V) down and even (I + V) - odd (I - V) up; quadrature
  // weights and factors are within. An odd or even part that vanishes is left empty.
  struct Order {
    Matrix even, odd;            // stream <- stream
    Matrix exit_even, exit_odd;  // exit <- stream, intensity only
    Matrix beam_down, beam_up;   // stream <- view beam of flux pi
  };
  const Order& order(int m) const { return orders_[m]; }
  double peak() const { return peak_; }  // the fraction of scattering that delta-M lets pass

  // The whole phase function at a scattering angle.
  double Intensity(double cos_scattering_angle) const;

 private:
  std::array<Order, AngularGrid::kVectorOrders> orders_;
  double peak_ = 0;
  std::vector<double> b_;
};

// What one column does.
struct ScatteringSolution {
  // Multiple scattering's part of the path reflectance times cos(sun zenith): [order][sun * views + view]; the
  // reflectance is its sum over m of (2 - delta_m0) cos(m (pi - raa)).
  std::array<std::vector<double>, AngularGrid::kVectorOrders> multiple;
  // Weights of the phase functions in single scattering, times cos(sun zenith): [sun * views + view].
  std::vector<double> molecular_weight, aerosol_weight;
  std::vector<double> transmittance_sun, transmittance_view;  // direct + diffuse
  double s_albedo = 0;
};

// `aerosol` may be null when column.aerosol_depth is 0. About 4 ms for 16 streams, 16 suns and 4 views.
ScatteringSolution Solve(const AngularGrid& grid, const Column& column, const PhaseMatrices& molecules,
                         const PhaseMatrices* aerosol);

// Path reflectance times cos(sun zenith) at one pair of the grid's directions and a relative azimuth (0 = backscatter).
double PathRadiance(const AngularGrid& grid, const ScatteringSolution& solution, const PhaseMatrices& molecules,
                    const PhaseMatrices* aerosol, int sun, int view, double relative_azimuth_deg);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_SOLVER_H_
