#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/kernels/atmosphere/solver.h"

namespace arpent::kernels {
namespace {

using Direction = AngularGrid::Direction;
using Block = std::array<std::array<double, 3>, 3>;  // a Mueller matrix of (I, Q, U)

Direction MakeDirection(double cosine, int terms) {
  Direction direction{.cosine = cosine};
  for (int m = 0; m < AngularGrid::kVectorOrders; ++m) {
    direction.p[m] = WignerD(m, 0, terms - 1, cosine);
    direction.r[m] = WignerD(m, 2, terms - 1, cosine);
    direction.t[m] = direction.r[m];
    const std::vector<double> minus = WignerD(m, -2, terms - 1, cosine);
    for (int l = 0; l < terms; ++l) {
      direction.r[m][l] = 0.5 * (direction.r[m][l] + minus[l]);
      direction.t[m][l] = 0.5 * (direction.t[m][l] - minus[l]);
    }
  }
  return direction;
}

std::vector<Direction> MakeDirections(const std::vector<double>& zenith_deg, int terms) {
  std::vector<Direction> directions;
  for (double zenith : zenith_deg) {
    directions.push_back(MakeDirection(std::cos(zenith * std::numbers::pi / 180), terms));
  }
  return directions;
}

// Delta-M: what is left of the expansion when the peak is taken out of it.
PhaseExpansion Truncated(const PhaseExpansion& whole, int terms, double peak) {
  PhaseExpansion cut{.b = whole.b, .g = whole.g, .a = whole.a, .z = whole.z};
  for (std::vector<double>* part : {&cut.b, &cut.g, &cut.a, &cut.z}) part->resize(terms, 0.0);
  for (int l = 0; l < terms; ++l) {
    cut.b[l] = (cut.b[l] - peak * (2 * l + 1)) / (1 - peak);
    cut.a[l] = l < 2 ? 0 : (cut.a[l] - peak * (2 * l + 1)) / (1 - peak);
    cut.g[l] /= 1 - peak;
    cut.z[l] /= 1 - peak;
  }
  return cut;
}

// Z(mu, mu') and Z(mu, -mu') with the incoming U reversed, of azimuth order m (Siewert 2000, eq. 9-13).
void PhaseBlocks(const PhaseExpansion& e, int m, const Direction& out, const Direction& in, Block& forward,
                 Block& backward) {
  forward = backward = Block{};
  for (size_t l = m; l < e.b.size(); ++l) {
    const double p = out.p[m][l], r = out.r[m][l], t = out.t[m][l];
    const double pp = in.p[m][l], rr = in.r[m][l], tt = in.t[m][l];
    // Left half: rows of the function matrix times the coefficient matrix.
    const Block left = {
        {{p * e.b[l], p * e.g[l], 0}, {r * e.g[l], r * e.a[l], -t * e.z[l]}, {-t * e.g[l], -t * e.a[l], r * e.z[l]}}};
    const double parity = (l + m) % 2 == 0 ? 1 : -1;
    for (int i = 0; i < 3; ++i) {
      const auto& row = left[i];
      const Block::value_type forward_row = {row[0] * pp, row[1] * rr - row[2] * tt, -row[1] * tt + row[2] * rr};
      const Block::value_type backward_row = {row[0] * pp, row[1] * rr + row[2] * tt, -row[1] * tt - row[2] * rr};
      for (int k = 0; k < 3; ++k) {
        forward[i][k] += forward_row[k];
        backward[i][k] += parity * backward_row[k];
      }
    }
  }
}

void DropIfZero(Matrix& matrix) {
  const double largest = std::abs(*std::max_element(matrix.values.begin(), matrix.values.end(),
                                                    [](double a, double b) { return std::abs(a) < std::abs(b); }));
  if (largest < 1e-13) matrix = Matrix();
}

PhaseMatrices::Order MakeOrder(const AngularGrid& grid, const PhaseExpansion& expansion, int m) {
  const int n = grid.stream_count(), components = m == 0 ? 2 : 3;
  const int exits = static_cast<int>(grid.exits().size()), views = grid.view_count();
  PhaseMatrices::Order order{.even = Matrix(components * n, components * n),
                             .odd = Matrix(components * n, components * n),
                             .exit_even = Matrix(exits, components * n),
                             .exit_odd = Matrix(exits, components * n),
                             .beam_down = Matrix(components * n, views),
                             .beam_up = Matrix(components * n, views)};
  Block forward, backward;
  for (int j = 0; j < n; ++j) {
    const Direction& in = grid.streams()[j];
    const double factor = 0.25 * grid.weight()[j];
    for (int i = 0; i < n; ++i) {
      PhaseBlocks(expansion, m, grid.streams()[i], in, forward, backward);
      for (int s = 0; s < components; ++s) {
        for (int k = 0; k < components; ++k) {
          order.even(s * n + i, k * n + j) = factor * (forward[s][k] + backward[s][k]);
          order.odd(s * n + i, k * n + j) = factor * (forward[s][k] - backward[s][k]);
        }
      }
    }
    for (int i = 0; i < exits; ++i) {
      PhaseBlocks(expansion, m, grid.exits()[i], in, forward, backward);
      for (int k = 0; k < components; ++k) {
        order.exit_even(i, k * n + j) = factor * (forward[0][k] + backward[0][k]);
        order.exit_odd(i, k * n + j) = factor * (forward[0][k] - backward[0][k]);
      }
    }
  }
  for (int v = 0; v < views; ++v) {
    for (int i = 0; i < n; ++i) {
      PhaseBlocks(expansion, m, grid.streams()[i], grid.exits()[grid.sun_count() + v], forward, backward);
      for (int s = 0; s < components; ++s) {
        order.beam_down(s * n + i, v) = 0.25 * forward[s][0];
        order.beam_up(s * n + i, v) = 0.25 * backward[s][0];
      }
    }
  }
  for (Matrix* matrix : {&order.even, &order.odd, &order.exit_even, &order.exit_odd}) DropIfZero(*matrix);
  return order;
}

}  // namespace

PhaseExpansion MolecularExpansion() {
  constexpr double kDepolarisation = 0.0279;
  const double c = 2 * (1 - kDepolarisation) / (2 + kDepolarisation);
  return {.b = {1, 0, c / 2}, .g = {0, 0, -c * std::sqrt(1.5)}, .a = {0, 0, 3 * c}, .z = {0, 0, 0}};
}

AngularGrid::AngularGrid(const SolverSettings& settings, const std::vector<double>& sun_zenith_deg,
                         const std::vector<double>& view_zenith_deg)
    : layers_(settings.layers), sun_count_(static_cast<int>(sun_zenith_deg.size())) {
  const Quadrature quadrature = GaussOnUnitInterval(settings.streams);
  const int terms = 2 * settings.streams;
  weight_ = quadrature.weight;
  for (double cosine : quadrature.node) streams_.push_back(MakeDirection(cosine, terms));
  std::vector<double> exits = sun_zenith_deg;
  exits.insert(exits.end(), view_zenith_deg.begin(), view_zenith_deg.end());
  exits_ = MakeDirections(exits, terms);
}

PhaseMatrices::PhaseMatrices(const AngularGrid& grid, const PhaseExpansion& expansion) : b_(expansion.b) {
  const int terms = grid.terms();
  if (static_cast<int>(b_.size()) > terms) peak_ = std::max(0.0, b_[terms] / (2 * terms + 1));
  const PhaseExpansion cut = Truncated(expansion, terms, peak_);
  for (int m = 0; m < AngularGrid::kVectorOrders; ++m) orders_[m] = MakeOrder(grid, cut, m);
}

double PhaseMatrices::Intensity(double x) const {
  double sum = 0, previous = 0, current = 1;
  for (size_t l = 0; l < b_.size(); ++l) {
    sum += b_[l] * current;
    const double next = ((2.0 * l + 1) * x * current - l * previous) / (l + 1.0);
    previous = current;
    current = next;
  }
  return sum;
}

}  // namespace arpent::kernels
