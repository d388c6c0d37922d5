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
// Values of one state at one node: path [zenith][view][azimuth], weight of single scattering by aerosol [zenith][view],
// transmittance [zenith], spherical albedo.
constexpr int kSingleOffset = kZenithCount * kViews * kAzimuths;
constexpr int kTransmittanceOffset = kSingleOffset + kZenithCount * kViews;
constexpr int kAlbedoOffset = kTransmittanceOffset + kZenithCount;
constexpr int kStateValues = kAlbedoOffset + 1;

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

Matrix PathFit() {
  Matrix fits(kPathTermCount, kViews);
  for (int t = 0; t < kPathTermCount;) {
    int end = t;
    while (end < kPathTermCount && kPathTerms[end].order == kPathTerms[t].order) ++end;
    const Matrix fit = ViewFit(kPathTerms[t].order, end - t);
    for (int i = t; i < end; ++i) std::copy_n(fit.row(i - t), kViews, fits.row(i));
    t = end;
  }
  return fits;
}

double AzimuthRad(int azimuth) { return azimuth * std::numbers::pi / (kAzimuths - 1); }

// The cosine coefficient of `order` of a function given at the azimuths (trapezoid rule, exact for what it resolves).
double CosineCoefficient(const double* values, int order) {
  double sum = 0;
  for (int a = 0; a < kAzimuths; ++a) {
    const double end = a == 0 || a == kAzimuths - 1 ? 0.5 : 1.0;
    sum += end * values[a] * std::cos(order * AzimuthRad(a));
  }
  return sum * (order == 0 ? 1.0 : 2.0) / (kAzimuths - 1);
}

}  // namespace

TableBuilder::TableBuilder(const RadiativeInputs& inputs, const SolverSettings& settings)
    : inputs_(inputs),
      grid_(settings, SunZeniths(), {kViewZenithDeg.begin(), kViewZenithDeg.end()}),
      molecules_(grid_, MolecularExpansion()),
      path_fit_(PathFit()),
      single_fit_(ViewFit(0, kSingleTermCount)),
      needed_(inputs.node_um.size(), false),
      solved_(BandTable::kStateCount * inputs.node_um.size() * kStateValues, 1.0),
      phase_(BandTable::kPhaseSize * inputs.node_um.size(), 1.0) {
  for (const BandInput& band : inputs.bands) {
    for (const SpectralSample& sample : band.samples) needed_[sample.node] = needed_[sample.node + 1] = true;
  }
  data_.bands.resize(inputs.bands.size());
}

size_t TableBuilder::solve_unit_count() const { return (kAerosolModelCount + 1) * inputs_.node_um.size(); }

double* TableBuilder::StateAt(int model, int column, int aot, int node) {
  return solved_.data() + (BandTable::StateIndex(model, column, aot) * inputs_.node_um.size() + node) * kStateValues;
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
  // Without aerosol the weight is of no use; 1 has a logarithm.
  values = std::transform(solution.aerosol_weight.begin(), solution.aerosol_weight.end(), values,
                          [](double weight) { return weight > 0 ? weight : 1; });
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
  StorePhase(model, node, aerosol);
  for (size_t c = 0; c < kColumnNodes.size(); ++c) {
    for (size_t a = 1; a < kAotNodes.size(); ++a) {
      const Column column = inputs_.ColumnAt(node, kAerosolModels[model], kAotNodes[a], kColumnNodes[c]);
      Store(Solve(grid_, column, molecules_, &aerosol), &aerosol,
            StateAt(model, static_cast<int>(c), static_cast<int>(a), node));
    }
  }
}

void TableBuilder::StorePhase(int model, int node, const PhaseMatrices& aerosol) {
  for (int i = 0; i < kPhaseCount; ++i) {
    const double angle = (kPhaseFirstDeg + i * kPhaseStepDeg) * std::numbers::pi / 180;
    phase_[(static_cast<size_t>(model) * kPhaseCount + i) * inputs_.node_um.size() + node] =
        aerosol.Intensity(std::cos(angle));
  }
}

void TableBuilder::FoldState(const BandInput& input, int model, int column, int aot, BandTable& band) const {
  const double* values = StateAt(model, column, aot, 0);
  std::vector<double> mean(kStateValues);
  for (int i = 0; i < kStateValues; ++i) mean[i] = input.Mean(values + i, kStateValues);
  const size_t state = BandTable::StateIndex(model, column, aot);
  float* row = band.terms.data() + state * kZenithCount * kTermCount;
  for (int sun = 0; sun < kZenithCount; ++sun, row += kTermCount) {
    const double mu_sun = grid_.sun_cosine(sun);
    std::array<double, kTermCount> terms{};
    for (int view = 0; view < kViews; ++view) {
      double* path = mean.data() + (sun * kViews + view) * kAzimuths;
      const double single = aot == 0 ? 0 : mean[kSingleOffset + sun * kViews + view];
      const double mu_view = grid_.view_cosine(view);
      const double sines = std::sqrt((1 - mu_sun * mu_sun) * (1 - mu_view * mu_view));
      for (int a = 0; a < kAzimuths; ++a) {  // leaves what is smooth
        path[a] -= single * PhaseAt(band, model, -mu_sun * mu_view - sines * std::cos(AzimuthRad(a)));
      }
      for (int t = 0; t < kPathTermCount; ++t) {
        terms[t] += path_fit_(t, view) * CosineCoefficient(path, kPathTerms[t].order);
      }
      for (int k = 0; k < kSingleTermCount; ++k) terms[kPathTermCount + k] += single_fit_(k, view) * single;
    }
    terms[kTermCount - 1] = -mu_sun * std::log(mean[kTransmittanceOffset + sun]);
    std::copy(terms.begin(), terms.end(), row);
  }
  band.albedo[state] = static_cast<float>(mean[kAlbedoOffset]);
}

void TableBuilder::FoldUnit(size_t unit) {
  const BandInput& input = inputs_.bands[unit];
  BandTable& band = data_.bands[unit];
  band.sensor = input.sensor;
  band.name = input.name;
  band.wavelength_um = static_cast<float>(input.WavelengthUm());
  band.molecular_optical_thickness = static_cast<float>(input.MolecularDepth());
  band.gas = input.gas;
  band.phase.resize(BandTable::kPhaseSize);
  band.terms.resize(BandTable::kTermsSize);
  band.albedo.resize(BandTable::kStateCount);
  for (size_t i = 0; i < BandTable::kPhaseSize; ++i) {
    band.phase[i] = static_cast<float>(input.Mean(phase_.data() + i * inputs_.node_um.size()));
  }
  for (int model = 0; model < kAerosolModelCount; ++model) {
    std::vector<double> extinction;
    for (const AerosolOptics& optics : inputs_.aerosol[model]) extinction.push_back(optics.relative_extinction);
    band.relative_extinction[model] = static_cast<float>(input.Mean(extinction.data()));
    for (int column = 0; column < static_cast<int>(kColumnNodes.size()); ++column) {
      for (int aot = 0; aot < static_cast<int>(kAotNodes.size()); ++aot) FoldState(input, model, column, aot, band);
    }
  }
}

}  // namespace arpent::kernels
