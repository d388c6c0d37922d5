#include "common/kernels/atmosphere/solver.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace arpent::kernels {
namespace {

constexpr double kScaleHeightRatio = 4;  // 8 km of molecules over 2 km of aerosol
constexpr int kGreatestOrder = 80;
constexpr double kTolerance = 1e-6;  // of reflectance, on what the sum of orders leaves out

// The column cut into levels, top first. With x = exp(-height / 8 km), molecules above are T x and aerosol T x^4.
class Levels {
 public:
  Levels(const Column& column, double peak, int layers) : column_(column) {
    scaled_aerosol_ = column.aerosol_depth * (1 - column.aerosol_albedo * peak);
    const double scattering = column.aerosol_depth * column.aerosol_albedo * (1 - peak);
    const double total = column.molecular_depth + scaled_aerosol_;
    for (int k = 0; k <= layers; ++k) {
      const double x = Position(static_cast<double>(k) / layers, total);
      const double per_x = column.molecular_depth + kScaleHeightRatio * scaled_aerosol_ * x * x * x;
      depth_.push_back(Depth(x));
      molecular_.push_back(column.molecular_depth / per_x);
      aerosol_.push_back(kScaleHeightRatio * scattering * x * x * x / per_x);
    }
  }

  int layers() const { return static_cast<int>(depth_.size()) - 1; }
  int count() const { return static_cast<int>(depth_.size()); }
  double depth(int k) const { return depth_[k]; }
  double total() const { return depth_.back(); }
  double thickness(int k) const { return depth_[k + 1] - depth_[k]; }
  // Scattering by each per unit of extinction.
  double molecular(int k) const { return molecular_[k]; }
  double aerosol(int k) const { return aerosol_[k]; }

  double Depth(double x) const { return column_.molecular_depth * x + scaled_aerosol_ * x * x * x * x; }

 private:
  // Where half of x and half of the relative depth add up to `target`: layers thin enough for both constituents.
  double Position(double target, double total) const {
    double low = 0, high = 1;
    for (int i = 0; i < 50; ++i) {
      const double middle = 0.5 * (low + high);
      (0.5 * middle + 0.5 * Depth(middle) / total < target ? low : high) = middle;
    }
    return target >= 1 ? 1 : 0.5 * (low + high);
  }

  Column column_;
  double scaled_aerosol_ = 0;
  std::vector<double> depth_, molecular_, aerosol_;
};

// Passage through one layer: what is left of the light, and the weights of the sources where it enters and leaves.
struct Passage {
  double left, enter, leave;

  Passage(double thickness, double cosine) {
    const double t = thickness / cosine;
    left = std::exp(-t);
    const double mean = t < 1e-3 ? 1 - t / 2 + t * t / 6 : (1 - left) / t;
    enter = mean - left;
    leave = 1 - mean;
  }
};

// Radiance or source: rows by component and stream, columns by level and beam.
struct Field {
  Matrix down, up;
  Field(int rows, int columns) : down(rows, columns), up(rows, columns) {}
};

// Solves one azimuth order (or the scalar problem) for several beams at once.
class OrderSolver {
 public:
  OrderSolver(const AngularGrid& grid, const Levels& levels, const PhaseMatrices::Order& molecules,
              const PhaseMatrices::Order* aerosol, int components, int beams)
      : grid_(grid),
        levels_(levels),
        molecules_(molecules),
        aerosol_(aerosol),
        beams_(beams),
        rows_(components * grid.stream_count()),
        columns_(levels.count() * beams),
        total_(rows_, columns_),
        radiance_(rows_, columns_),
        source_(rows_, columns_),
        sum_(rows_, columns_),
        product_(rows_, columns_) {
    for (int k = 0; k < levels.layers(); ++k) {
      for (const auto& stream : grid.streams()) passages_.emplace_back(levels.thickness(k), stream.cosine);
    }
  }

  Field& source() { return source_; }
  Field& radiance() { return radiance_; }
  const Field& total() const { return total_; }

  // From `source` (first order).
  void SumOrdersFromSource() {
    Transport();
    SumOrders();
  }

  // From `radiance` (order zero, which counts as part of the total).
  void SumOrders() {
    Add(1.0);
    double previous = 0, ratio = 0;
    for (int order = 2; order <= kGreatestOrder; ++order) {
      Scatter();
      Transport();
      const double largest = std::max(Largest(radiance_.up), Largest(radiance_.down));
      const double last_ratio = ratio;
      ratio = previous > 0 ? largest / previous : 0;
      previous = largest;
      // The orders fall off geometrically in the end: the rest of the series is known.
      const double rest = ratio < 1 ? std::abs(ratio - last_ratio) / ((1 - ratio) * (1 - ratio)) : 1;
      if (order > 4 && ratio < 0.98 && largest * rest < kTolerance) {
        Add(1.0 + ratio / (1 - ratio));
        return;
      }
      Add(1.0);
      if (largest < 0.01 * kTolerance) return;
    }
  }

  // The source towards the exits (upward) from the total, then the radiance that leaves at the top:
  // [exit * beams + beam].
  std::vector<double> Leaving() {
    const int exits = static_cast<int>(grid_.exits().size());
    Matrix source(exits, columns_), part(exits, columns_);
    const auto add = [&](const Matrix& even, const Matrix& odd, bool of_molecules) {
      for (const bool is_even : {true, false}) {
        const Matrix& matrix = is_even ? even : odd;
        if (matrix.rows == 0) continue;
        Combine(total_, is_even ? 1.0 : -1.0);
        Multiply(matrix, sum_, part);
        AddScaled(part, is_even ? 1.0 : -1.0, of_molecules, source);
      }
    };
    add(molecules_.exit_even, molecules_.exit_odd, true);
    if (aerosol_ != nullptr) add(aerosol_->exit_even, aerosol_->exit_odd, false);
    std::vector<double> leaving(static_cast<size_t>(exits) * beams_, 0.0);
    for (int i = 0; i < exits; ++i) {
      for (int k = levels_.layers() - 1; k >= 0; --k) {
        const Passage passage(levels_.thickness(k), grid_.exits()[i].cosine);
        const double* at = source.row(i) + k * beams_;
        for (int v = 0; v < beams_; ++v) {
          double& value = leaving[i * beams_ + v];
          value = value * passage.left + at[beams_ + v] * passage.enter + at[v] * passage.leave;
        }
      }
    }
    return leaving;
  }

 private:
  // sum_ = down + sign * up.
  void Combine(const Field& field, double sign) {
    for (size_t i = 0; i < sum_.values.size(); ++i) {
      sum_.values[i] = field.down.values[i] + sign * field.up.values[i];
    }
  }

  // to += sign * (scattering fraction of the level) * from.
  void AddScaled(const Matrix& from, double sign, bool of_molecules, Matrix& to) const {
    for (int r = 0; r < from.rows; ++r) {
      for (int k = 0; k < levels_.count(); ++k) {
        const double factor = sign * (of_molecules ? levels_.molecular(k) : levels_.aerosol(k));
        const double* in = from.row(r) + k * beams_;
        double* out = to.row(r) + k * beams_;
        for (int v = 0; v < beams_; ++v) out[v] += factor * in[v];
      }
    }
  }

  // source_ from radiance_.
  void Scatter() {
    std::fill(source_.down.values.begin(), source_.down.values.end(), 0.0);
    std::fill(source_.up.values.begin(), source_.up.values.end(), 0.0);
    for (const bool even : {true, false}) {
      const Matrix& molecules = even ? molecules_.even : molecules_.odd;
      const Matrix* aerosol = aerosol_ == nullptr ? nullptr : even ? &aerosol_->even : &aerosol_->odd;
      const double sign = even ? 1.0 : -1.0;
      Combine(radiance_, sign);
      if (molecules.rows > 0) AddProduct(molecules, sign, true);
      if (aerosol != nullptr && aerosol->rows > 0) AddProduct(*aerosol, sign, false);
    }
  }

  void AddProduct(const Matrix& matrix, double sign, bool of_molecules) {
    Multiply(matrix, sum_, product_);
    AddScaled(product_, 1.0, of_molecules, source_.down);
    AddScaled(product_, sign, of_molecules, source_.up);
  }

  // radiance_ from source_: nothing enters from above or below.
  void Transport() {
    const int n = grid_.stream_count(), layers = levels_.layers();
    for (int r = 0; r < rows_; ++r) {
      double* down = radiance_.down.row(r);
      double* up = radiance_.up.row(r);
      const double* source_down = source_.down.row(r);
      const double* source_up = source_.up.row(r);
      std::fill(down, down + beams_, 0.0);
      for (int k = 0; k < layers; ++k) {
        const Passage& passage = passages_[k * n + r % n];
        for (int v = k * beams_; v < (k + 1) * beams_; ++v) {
          down[v + beams_] =
              down[v] * passage.left + source_down[v] * passage.enter + source_down[v + beams_] * passage.leave;
        }
      }
      std::fill(up + layers * beams_, up + (layers + 1) * beams_, 0.0);
      for (int k = layers - 1; k >= 0; --k) {
        const Passage& passage = passages_[k * n + r % n];
        for (int v = k * beams_; v < (k + 1) * beams_; ++v) {
          up[v] = up[v + beams_] * passage.left + source_up[v + beams_] * passage.enter + source_up[v] * passage.leave;
        }
      }
    }
  }

  void Add(double factor) {
    for (size_t i = 0; i < total_.down.values.size(); ++i) {
      total_.down.values[i] += factor * radiance_.down.values[i];
      total_.up.values[i] += factor * radiance_.up.values[i];
    }
  }

  static double Largest(const Matrix& matrix) {
    double largest = 0;
    for (double value : matrix.values) largest = std::max(largest, std::abs(value));
    return largest;
  }

  const AngularGrid& grid_;
  const Levels& levels_;
  const PhaseMatrices::Order& molecules_;
  const PhaseMatrices::Order* aerosol_;
  const int beams_, rows_, columns_;
  Field total_, radiance_, source_;
  Matrix sum_, product_;
  std::vector<Passage> passages_;  // [layer][stream]
};

// Sources of first order from beams of flux pi that enter along the views.
void SetBeamSources(const AngularGrid& grid, const Levels& levels, const PhaseMatrices::Order& molecules,
                    const PhaseMatrices::Order* aerosol, Field& source) {
  const int beams = grid.view_count();
  for (int k = 0; k < levels.count(); ++k) {
    for (int v = 0; v < beams; ++v) {
      const double beam = std::exp(-levels.depth(k) / grid.view_cosine(v));
      const double molecular = beam * levels.molecular(k), aerosols = beam * levels.aerosol(k);
      for (int r = 0; r < source.down.rows; ++r) {
        double& down = source.down(r, k * beams + v);
        double& up = source.up(r, k * beams + v);
        down = molecular * molecules.beam_down(r, v);
        up = molecular * molecules.beam_up(r, v);
        if (aerosol != nullptr) {
          down += aerosols * aerosol->beam_down(r, v);
          up += aerosols * aerosol->beam_up(r, v);
        }
      }
    }
  }
}

// The intensity block of order 0.
PhaseMatrices::Order ScalarPart(const PhaseMatrices::Order& order, int streams) {
  const auto block = [&](const Matrix& matrix, int rows) {
    if (matrix.rows == 0) return Matrix();
    Matrix part(rows, streams);
    for (int r = 0; r < rows; ++r) std::copy_n(matrix.row(r), streams, part.row(r));
    return part;
  };
  const int exits = std::max(order.exit_even.rows, order.exit_odd.rows);
  return {.even = block(order.even, streams),
          .odd = block(order.odd, streams),
          .exit_even = block(order.exit_even, exits),
          .exit_odd = block(order.exit_odd, exits)};
}

// Light of radiance 1 rises from the ground: what leaves at the top is the transmittance, what comes back the albedo.
void SolveTransmittance(const AngularGrid& grid, const Levels& levels, const PhaseMatrices& molecules,
                        const PhaseMatrices* aerosol, ScatteringSolution& solution) {
  const int n = grid.stream_count();
  const PhaseMatrices::Order molecular = ScalarPart(molecules.order(0), n);
  PhaseMatrices::Order aerosols;
  if (aerosol != nullptr) aerosols = ScalarPart(aerosol->order(0), n);
  OrderSolver solver(grid, levels, molecular, aerosol == nullptr ? nullptr : &aerosols, 1, 1);
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < levels.count(); ++k) {
      solver.radiance().up(i, k) = std::exp(-(levels.total() - levels.depth(k)) / grid.streams()[i].cosine);
    }
  }
  solver.SumOrders();
  const std::vector<double> diffuse = solver.Leaving();
  for (size_t i = 0; i < diffuse.size(); ++i) {
    const double transmittance = diffuse[i] + std::exp(-levels.total() / grid.exits()[i].cosine);
    const bool is_sun = static_cast<int>(i) < grid.sun_count();
    (is_sun ? solution.transmittance_sun : solution.transmittance_view).push_back(transmittance);
  }
  for (int i = 0; i < n; ++i) {
    solution.s_albedo += 2 * grid.weight()[i] * grid.streams()[i].cosine * solver.total().down(i, levels.count() - 1);
  }
}

void SolveSingle(const AngularGrid& grid, const Column& column, const Levels& levels, ScatteringSolution& solution) {
  const Quadrature quadrature = GaussOnUnitInterval(32);
  const int views = grid.view_count();
  for (int i = 0; i < grid.sun_count() * views; ++i) {
    const double view = grid.view_cosine(i % views);
    const double air_mass = 1 / grid.sun_cosine(i / views) + 1 / view;
    double molecular = 0, aerosol = 0;
    for (size_t q = 0; q < quadrature.node.size(); ++q) {
      const double x = quadrature.node[q];
      const double left = quadrature.weight[q] * std::exp(-air_mass * levels.Depth(x));
      molecular += left;
      aerosol += left * kScaleHeightRatio * x * x * x;
    }
    solution.molecular_weight.push_back(molecular * column.molecular_depth / (4 * view));
    solution.aerosol_weight.push_back(aerosol * column.aerosol_depth * column.aerosol_albedo / (4 * view));
  }
}

}  // namespace

ScatteringSolution Solve(const AngularGrid& grid, const Column& column, const PhaseMatrices& molecules,
                         const PhaseMatrices* aerosol) {
  const PhaseMatrices* present = column.aerosol_depth > 0 ? aerosol : nullptr;
  const Levels levels(column, present == nullptr ? 0.0 : present->peak(), grid.layers());
  const int views = grid.view_count();
  ScatteringSolution solution;
  for (int m = 0; m < AngularGrid::kVectorOrders; ++m) {
    const PhaseMatrices::Order* aerosol_order = present == nullptr ? nullptr : &present->order(m);
    solution.multiple[m].assign(grid.sun_count() * views, 0.0);
    if (present == nullptr && m > 2) continue;  // molecules scatter in orders 0 to 2 alone
    OrderSolver solver(grid, levels, molecules.order(m), aerosol_order, m == 0 ? 2 : 3, views);
    SetBeamSources(grid, levels, molecules.order(m), aerosol_order, solver.source());
    solver.SumOrdersFromSource();
    const std::vector<double> leaving = solver.Leaving();
    for (int i = 0; i < grid.sun_count() * views; ++i) {
      solution.multiple[m][i] = leaving[i] * grid.sun_cosine(i / views) / grid.view_cosine(i % views);
    }
  }
  SolveTransmittance(grid, levels, molecules, present, solution);
  SolveSingle(grid, column, levels, solution);
  return solution;
}

double PathRadiance(const AngularGrid& grid, const ScatteringSolution& solution, const PhaseMatrices& molecules,
                    const PhaseMatrices* aerosol, int sun, int view, double relative_azimuth_deg) {
  const double raa = relative_azimuth_deg * std::numbers::pi / 180;
  const double mu_sun = grid.sun_cosine(sun), mu_view = grid.view_cosine(view);
  const double sines = std::sqrt((1 - mu_sun * mu_sun) * (1 - mu_view * mu_view));
  const double scattering = std::clamp(-mu_sun * mu_view - sines * std::cos(raa), -1.0, 1.0);
  const int index = sun * grid.view_count() + view;
  double radiance = solution.molecular_weight[index] * molecules.Intensity(scattering);
  if (aerosol != nullptr && solution.aerosol_weight[index] > 0) {
    radiance += solution.aerosol_weight[index] * aerosol->Intensity(scattering);
  }
  for (int m = 0; m < AngularGrid::kVectorOrders; ++m) {
    radiance += (m == 0 ? 1 : 2) * std::cos(m * (std::numbers::pi - raa)) * solution.multiple[m][index];
  }
  return radiance;
}

}  // namespace arpent::kernels
