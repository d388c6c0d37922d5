#include "common/kernels/atmosphere/table_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace arpent::kernels {
namespace {

constexpr std::array<double, 4> kViewZenithDeg = {2.0, 6.5, 11.0, 15.0};
constexpr int kViews = static_cast<int>(kViewZenithDeg.size());
constexpr int kAzimuths = 13;  // 0, 15, .. 180 deg: orders up to 12 are resolved
// Values of one state at one node: path [zenith][view][azimuth], transmittance [zenith], spherical albedo.
constexpr int kPathValues = kZenithCount * kViews * kAzimuths;
constexpr int kStateValues = kPathValues + kZenithCount + 1;

std::vector<double> SunZeniths() {
  std::vector<double> zeniths;
  for (int i = 0; i < kZenithCount; ++i) zeniths.push_back(i * kZenithStepDeg);
  return zeniths;
}

// Solves the symmetric positive definite system `matrix` x = `right` in place, column by column of `right`.
void SolveInPlace(Matrix& matrix, Matrix& right) {
  const int n = matrix.rows;
  for (int pivot = 0; pivot < n; ++pivot) {
    for (int r = 0; r < n; ++r) {
      if (r == pivot) continue;
      const double factor = matrix(r, pivot) / matrix(pivot, pivot);
      for (int c = pivot; c < n; ++c) matrix(r, c) -= factor * matrix(pivot, c);
      for (int c = 0; c < right.columns; ++c) right(r, c) -= factor * right(pivot, c);
    }
  }
  for (int r = 0; r < n; ++r) {
    for (int c = 0; c < right.columns; ++c) right(r, c) /= matrix(r, r);
  }
}

// For the terms of one order: the least-squares coefficients of sin^(order + 2 power) from values at the views.
Matrix ViewFit(int order, int powers) {
  Matrix design(kViews, powers), normal(powers, powers), right(powers, kViews);
  for (int v = 0; v < kViews; ++v) {
    const double s = std::sin(kViewZenithDeg[v] * std::numbers::pi / 180);
    for (int p = 0; p < powers; ++p) design(v, p) = std::pow(s, order + 2 * p);
  }
  for (int p = 0; p < powers; ++p) {
    for (int q = 0; q < powers; ++q) {
      for (int v = 0; v < kViews; ++v) normal(p, q) += design(v, p) * design(v, q);
    }
    for (int v = 0; v < kViews; ++v) right(p, v) = design(v, p);
  }
  SolveInPlace(normal, right);
  return right;
}

Matrix AllViewFits() {
  Matrix fits(static_cast<int>(kPathTerms.size()), kViews);
  for (size_t t = 0; t < kPathTerms.size();) {
    size_t end = t;
    while (end < kPathTerms.size() && kPathTerms[end].order == kPathTerms[t].order) ++end;
    const Matrix fit = ViewFit(kPathTerms[t].order, static_cast<int>(end - t));
    for (size_t i = t; i < end; ++i) std::copy_n(fit.row(static_cast<int>(i - t)), kViews, fits.row(static_cast<int>(i)));
    t = end;
  }
  return fits;
}

// The cosine coefficient of `order` of a function given at the azimuths (trapezoid rule, exact for what it resolves).
double CosineCoefficient(const double* values, int order) {
  double sum = 0;
  for (int a = 0; a < kAzimuths; ++a) {
    const double end = a == 0 || a == kAzimuths - 1 ? 0.5 : 1.0;
    sum += end * values[a] * std::cos(order * a * std::numbers::pi / (kAzimuths - 1));
  }
  return sum * (order == 0 ? 1.0 : 2.0) / (kAzimuths - 1);
}

}  // namespace

TableBuilder::TableBuilder(const RadiativeInputs& inputs, const SolverSettings& settings)
    : inputs_(inputs), grid_(settings, SunZeniths(), {kViewZenithDeg.begin(), kViewZenithDeg.end()}),
      molecules_(grid_, MolecularExpansion()), view_fit_(AllViewFits()), needed_(inputs.node_um.size(), false),
      solved_(BandTable::kStateCount * inputs.node_um.size() * kStateValues, 1.0) {
  for (const BandInput& band : inputs.bands) {
    for (const SpectralSample& sample : band.samples) needed_[sample.node] = needed_[sample.node + 1] = true;
  }
  data_.bands.resize(inputs.bands.size());
}

size_t TableBuilder::solve_unit_count() const { return (kAerosolModelCount + 1) * inputs_.node_um.size(); }

double* TableBuilder::StateAt(int model, int column, int aot, int node) {
  return solved_.data() +
         (BandTable::StateIndex(model, column, aot) * inputs_.node_um.size() + node) * kStateValues;
}

const double* TableBuilder::StateAt(int model, int column, int aot, int node) const {
  return const_cast<TableBuilder*>(this)->StateAt(model, column, aot, node);
}

void TableBuilder::Store(const ScatteringSolution& solution, const PhaseMatrices* aerosol, double* values) const {
  for (int sun = 0; sun < kZenithCount; ++sun) {
    for (int view = 0; view < kViews; ++view) {
      for (int a = 0; a < kAzimuths; ++a) {
        *values++ = PathRadiance(grid_, solution, molecules_, aerosol, sun, view, a * 180.0 / (kAzimuths - 1));
      }
    }
  }
  values = std::copy(solution.transmittance_sun.begin(), solution.transmittance_sun.end(), values);
  *values = solution.s_albedo;
}

void TableBuilder::SolveUnit(size_t unit) {
  const int node = static_cast<int>(unit % inputs_.node_um.size());
  const int model = static_cast<int>(unit / inputs_.node_um.size());
  if (!needed_[node]) return;
  if (model == kAerosolModelCount) {  // molecules alone: AOT 0 of every model
    for (size_t c = 0; c < kColumnNodes.size(); ++c) {
      const Column column = inputs_.ColumnAt(node, AerosolModel::kNone, 0, kColumnNodes[c]);
      const ScatteringSolution solution = Solve(grid_, column, molecules_, nullptr);
      for (int m = 0; m < kAerosolModelCount; ++m) Store(solution, nullptr, StateAt(m, static_cast<int>(c), 0, node));
    }
    return;
  }
  const PhaseMatrices aerosol(grid_, inputs_.aerosol[model][node].expansion);
  for (size_t c = 0; c < kColumnNodes.size(); ++c) {
    for (size_t a = 1; a < kAotNodes.size(); ++a) {
      const Column column = inputs_.ColumnAt(node, kAerosolModels[model], kAotNodes[a], kColumnNodes[c]);
      Store(Solve(grid_, column, molecules_, &aerosol), &aerosol,
            StateAt(model, static_cast<int>(c), static_cast<int>(a), node));
    }
  }
}

void TableBuilder::FoldState(const BandInput& band, int model, int column, int aot, float* terms,
                             float* albedo) const {
  const double* values = StateAt(model, column, aot, 0);
  std::vector<double> mean(kStateValues);
  for (int i = 0; i < kStateValues; ++i) mean[i] = band.Mean(values + i, kStateValues);
  for (int sun = 0; sun < kZenithCount; ++sun) {
    float* row = terms + sun * kTermCount;
    for (size_t t = 0; t < kPathTerms.size(); ++t) {
      double coefficient = 0;
      for (int view = 0; view < kViews; ++view) {
        const double* azimuths = mean.data() + (sun * kViews + view) * kAzimuths;
        coefficient += view_fit_(static_cast<int>(t), view) * CosineCoefficient(azimuths, kPathTerms[t].order);
      }
      row[t] = static_cast<float>(coefficient);
    }
    row[kTermCount - 1] = static_cast<float>(-grid_.sun_cosine(sun) * std::log(mean[kPathValues + sun]));
  }
  *albedo = static_cast<float>(mean[kStateValues - 1]);
}

void TableBuilder::FoldUnit(size_t unit) {
  const BandInput& input = inputs_.bands[unit];
  BandTable& band = data_.bands[unit];
  band.sensor = input.sensor;
  band.name = input.name;
  band.wavelength_um = static_cast<float>(input.WavelengthUm());
  band.molecular_optical_thickness = static_cast<float>(input.MolecularDepth());
  band.gas = input.gas;
  band.terms.resize(BandTable::kTermsSize);
  band.albedo.resize(BandTable::kStateCount);
  for (int model = 0; model < kAerosolModelCount; ++model) {
    std::vector<double> extinction;
    for (const AerosolOptics& optics : inputs_.aerosol[model]) extinction.push_back(optics.relative_extinction);
    band.relative_extinction[model] = static_cast<float>(input.Mean(extinction.data()));
    for (size_t column = 0; column < kColumnNodes.size(); ++column) {
      for (size_t aot = 0; aot < kAotNodes.size(); ++aot) {
        const size_t state = BandTable::StateIndex(model, static_cast<int>(column), static_cast<int>(aot));
        FoldState(input, model, static_cast<int>(column), static_cast<int>(aot),
                  band.terms.data() + state * kZenithCount * kTermCount, &band.albedo[state]);
      }
    }
  }
}

}  // namespace arpent::kernels
