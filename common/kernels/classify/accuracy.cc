#include "common/kernels/classify/accuracy.h"

#include <algorithm>
#include <numeric>

#include "common/kernels/classify/random.h"

namespace arpent::kernels {

ConfusionMatrix& ConfusionMatrix::operator+=(const ConfusionMatrix& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

uint64_t ConfusionMatrix::Total() const { return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0}); }

uint64_t ConfusionMatrix::ReferenceTotal(size_t klass) const {
  uint64_t sum = 0;
  for (size_t k = 0; k < classes_; ++k) sum += (*this)(klass, k);
  return sum;
}

uint64_t ConfusionMatrix::MappedTotal(size_t klass) const {
  uint64_t sum = 0;
  for (size_t k = 0; k < classes_; ++k) sum += (*this)(k, klass);
  return sum;
}

namespace {

std::optional<double> Ratio(double part, double whole) {
  if (!(whole > 0)) return std::nullopt;
  return part / whole;
}

}  // namespace

AccuracyMeasures Measure(const ConfusionMatrix& matrix) {
  AccuracyMeasures measures;
  const auto total = static_cast<double>(matrix.Total());
  double right = 0, chance = 0, sum_of_f = 0;
  size_t classes_with_reference = 0;
  for (size_t k = 0; k < matrix.classes(); ++k) {
    const auto hit = static_cast<double>(matrix(k, k));
    const auto reference = static_cast<double>(matrix.ReferenceTotal(k));
    const auto mapped = static_cast<double>(matrix.MappedTotal(k));
    right += hit;
    chance += reference * mapped;
    measures.classes.push_back({Ratio(hit, mapped), Ratio(hit, reference), Ratio(2 * hit, reference + mapped)});
    if (reference > 0) {
      sum_of_f += *measures.classes.back().f_score;
      ++classes_with_reference;
    }
  }
  measures.overall_accuracy = Ratio(right, total);
  measures.macro_f = Ratio(sum_of_f, static_cast<double>(classes_with_reference));
  if (total > 0) {
    const double expected = chance / (total * total);
    measures.kappa = Ratio(right / total - expected, 1 - expected);
  }
  return measures;
}

namespace {

// The measures in one row, absent ones left out, so that resamples can be compared measure by measure.
std::vector<std::optional<double>> Flat(const AccuracyMeasures& measures) {
  std::vector<std::optional<double>> flat = {measures.overall_accuracy, measures.kappa, measures.macro_f};
  for (const ClassMeasures& of_class : measures.classes) {
    flat.insert(flat.end(), {of_class.precision, of_class.recall, of_class.f_score});
  }
  return flat;
}

std::optional<Interval> PercentileInterval(std::vector<double>& values, size_t replicates) {
  if (values.size() * 2 < replicates || values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return Interval{values[static_cast<size_t>(0.025 * last)], values[static_cast<size_t>(0.975 * last + 0.999999)]};
}

}  // namespace

AccuracyIntervals BootstrapIntervals(const std::vector<PolygonCounts>& polygons, size_t classes, uint64_t seed,
                                     int replicates) {
  AccuracyIntervals intervals;
  intervals.classes.resize(classes);
  if (polygons.size() < 2) return intervals;
  Random random(seed, 0xACC);
  std::vector<std::vector<double>> values(3 + 3 * classes);
  for (int replicate = 0; replicate < replicates; ++replicate) {
    ConfusionMatrix matrix(classes);
    for (size_t draw = 0; draw < polygons.size(); ++draw) {
      const PolygonCounts& polygon = polygons[random.Below(static_cast<uint32_t>(polygons.size()))];
      for (size_t k = 0; k < classes; ++k) matrix.Add(polygon.reference, k, polygon.mapped[k]);
    }
    const std::vector<std::optional<double>> measured = Flat(Measure(matrix));
    for (size_t i = 0; i < measured.size(); ++i) {
      if (measured[i]) values[i].push_back(*measured[i]);
    }
  }
  const auto interval = [&](size_t i) { return PercentileInterval(values[i], replicates); };
  intervals.overall_accuracy = interval(0);
  intervals.kappa = interval(1);
  intervals.macro_f = interval(2);
  for (size_t k = 0; k < classes; ++k) {
    intervals.classes[k] = {interval(3 + 3 * k), interval(4 + 3 * k), interval(5 + 3 * k)};
  }
  return intervals;
}

}  // namespace arpent::kernels
