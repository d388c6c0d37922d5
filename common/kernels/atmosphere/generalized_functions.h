// Gauss-Legendre quadrature and the Wigner functions d^l_mn in which phase matrices are expanded.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_GENERALIZED_FUNCTIONS_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_GENERALIZED_FUNCTIONS_H_

#include <vector>

namespace arpent::kernels {

struct Quadrature {
  std::vector<double> node, weight;
};

// `count` Gauss-Legendre nodes on (0, 1), ascending.
Quadrature GaussOnUnitInterval(int count);

// d^l_mn(x) for l = 0 .. last (0 below max(|m|, |n|)), x the cosine of the angle; m, n as in Mishchenko et al. 2002,
// appendix B: d^2_02 = +sqrt(6)/4 (1 - x^2).
std::vector<double> WignerD(int m, int n, int last, double x);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_GENERALIZED_FUNCTIONS_H_
