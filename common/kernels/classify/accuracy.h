// How well a map agrees with reference pixels: confusion matrix, the usual measures, and their confidence intervals.
#ifndef ARPENT_COMMON_KERNELS_CLASSIFY_ACCURACY_H_
#define ARPENT_COMMON_KERNELS_CLASSIFY_ACCURACY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace arpent::kernels {

// Counts of pixels by reference class (row) and mapped class (column).
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(size_t classes = 0) : classes_(classes), counts_(classes * classes) {}

  size_t classes() const { return classes_; }
  uint64_t operator()(size_t reference, size_t mapped) const { return counts_[reference * classes_ + mapped]; }
  void Add(size_t reference, size_t mapped, uint64_t pixels = 1) { counts_[reference * classes_ + mapped] += pixels; }
  // Of the same classes.
  ConfusionMatrix& operator+=(const ConfusionMatrix& other);

  uint64_t Total() const;
  uint64_t ReferenceTotal(size_t klass) const;
  uint64_t MappedTotal(size_t klass) const;

 private:
  size_t classes_;
  std::vector<uint64_t> counts_;
};

// Measures that the counts do not define (a class that was never mapped has no precision) are absent.
struct ClassMeasures {
  std::optional<double> precision;  // user's accuracy: mapped pixels that are right
  std::optional<double> recall;     // producer's accuracy: reference pixels that are found
  std::optional<double> f_score;    // 2 TP / (2 TP + FP + FN)
};

struct AccuracyMeasures {
  std::optional<double> overall_accuracy;
  std::optional<double> kappa;     // Cohen (1960); absent when chance alone would agree everywhere
  std::optional<double> macro_f;   // mean F-score of the classes that the reference has
  std::vector<ClassMeasures> classes;
};

AccuracyMeasures Measure(const ConfusionMatrix& matrix);

struct Interval {
  double low = 0, high = 0;
};

struct ClassIntervals {
  std::optional<Interval> precision, recall, f_score;
};

struct AccuracyIntervals {
  std::optional<Interval> overall_accuracy, kappa, macro_f;
  std::vector<ClassIntervals> classes;
};

// The reference pixels of one polygon: they are all of one class and alike, so that they count as one draw.
struct PolygonCounts {
  size_t reference = 0;
  std::vector<uint64_t> mapped;  // pixels by mapped class
};

// 95 % intervals by the bootstrap over polygons (Efron 1979; percentiles of `replicates` resamples): polygons, not
// pixels, were chosen independently, and intervals from pixel counts would be far too narrow. Seeded; the same on every
// machine. Absent with fewer than two polygons and where fewer than half of the resamples define the measure.
AccuracyIntervals BootstrapIntervals(const std::vector<PolygonCounts>& polygons, size_t classes, uint64_t seed,
                                     int replicates = 1000);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_CLASSIFY_ACCURACY_H_
