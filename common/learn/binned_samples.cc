#include "common/learn/binned_samples.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/classify/forest_engine.h"

namespace arpent::learn {
namespace {

constexpr size_t kMostValues = 255;  // bin 0 is no-data
constexpr size_t kQuantileRows = 65536;
constexpr size_t kRowsAtOnce = 4096;
constexpr double kMeanUnits = 16;
constexpr double kMostUnits = 4095;

// The finite values of at most kQuantileRows rows, ascending.
std::vector<float> SortedSample(const float* plane, size_t rows) {
  const size_t count = std::min(rows, kQuantileRows);
  std::vector<float> values;
  values.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const float value = plane[i * rows / count];
    if (std::isfinite(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

// An edge e with below < e <= above, near their middle.
float EdgeBetween(float below, float above) {
  const float middle = below + (above - below) / 2;
  return std::isfinite(middle) && middle > below ? middle : above;
}

std::vector<float> EdgesOf(const std::vector<float>& sorted) {
  std::vector<float> distinct = sorted;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<float> edges;
  if (distinct.size() <= kMostValues) {
    for (size_t i = 1; i < distinct.size(); ++i) edges.push_back(EdgeBetween(distinct[i - 1], distinct[i]));
    return edges;
  }
  for (size_t q = 1; q < kMostValues; ++q) {
    // Equal values stay together: the edge goes to their nearer end. (The pixels of a polygon may all be equal.)
    const auto place = sorted.begin() + static_cast<ptrdiff_t>(q * sorted.size() / kMostValues);
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), *place);
    const auto end = place - first <= last - place ? first : last;
    if (end == sorted.begin() || end == sorted.end()) continue;
    const float edge = EdgeBetween(*(end - 1), *end);
    if (edges.empty() || edges.back() < edge) edges.push_back(edge);
  }
  return edges;
}

absl::Status Check(const TrainingSamples& samples) {
  if (samples.rows() == 0) return absl::InvalidArgumentError("no samples to learn from");
  if (samples.planes.empty() || samples.planes.size() > static_cast<size_t>(kernels::kMostForestFeatures)) {
    return absl::InvalidArgumentError(absl::StrCat(samples.planes.size(), " features: 1 to ",
                                                   kernels::kMostForestFeatures, " can be learnt from"));
  }
  if (samples.rows() > std::numeric_limits<int32_t>::max()) return absl::InvalidArgumentError("too many samples");
  for (const uint16_t klass : samples.classes) {
    if (klass >= samples.class_count) return absl::InvalidArgumentError(absl::StrCat("sample of unknown class ", klass));
  }
  if (!samples.weights.empty() && samples.weights.size() != samples.rows()) {
    return absl::InvalidArgumentError("as many weights as samples are expected");
  }
  if (!samples.groups.empty() && samples.groups.size() != samples.rows()) {
    return absl::InvalidArgumentError("as many groups as samples are expected");
  }
  return absl::OkStatus();
}

std::vector<uint16_t> UnitsOf(std::span<const float> weights) {
  if (weights.empty() || std::all_of(weights.begin(), weights.end(), [&](float w) { return w == weights[0]; })) return {};
  double sum = 0;
  for (const float weight : weights) sum += weight;
  const double scale = kMeanUnits * static_cast<double>(weights.size()) / sum;
  std::vector<uint16_t> units;
  units.reserve(weights.size());
  for (const float weight : weights) {
    units.push_back(static_cast<uint16_t>(std::clamp(weight * scale + 0.5, 1.0, kMostUnits)));
  }
  return units;
}

}  // namespace

absl::StatusOr<BinnedSamples> BinnedSamples::Create(const TrainingSamples& samples, int threads) {
  ARPENT_RETURN_IF_ERROR(Check(samples));
  BinnedSamples binned;
  const size_t features = samples.planes.size();
  const size_t rows = samples.rows();
  binned.class_count_ = samples.class_count;
  binned.classes_.assign(samples.classes.begin(), samples.classes.end());
  binned.units_ = UnitsOf(samples.weights);
  binned.lowest_.resize(features);
  binned.highest_.resize(features);
  std::vector<std::vector<float>> edges(features);
  ARPENT_RETURN_IF_ERROR(ParallelFor(features, threads, [&](size_t f) {
    const std::vector<float> sorted = SortedSample(samples.planes[f], rows);
    edges[f] = EdgesOf(sorted);
    binned.lowest_[f] = sorted.empty() ? 0 : sorted.front();
    binned.highest_[f] = sorted.empty() ? 0 : sorted.back();
    return absl::OkStatus();
  }));
  binned.edge_begin_.push_back(0);
  for (const std::vector<float>& of_feature : edges) {
    binned.edges_.insert(binned.edges_.end(), of_feature.begin(), of_feature.end());
    binned.edge_begin_.push_back(static_cast<uint32_t>(binned.edges_.size()));
  }
  binned.stride_ = features;
  binned.bins_.resize(rows * features);
  const size_t blocks = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  ARPENT_RETURN_IF_ERROR(ParallelFor(blocks, threads, [&](size_t block) {
    const size_t begin = block * kRowsAtOnce;
    const size_t count = std::min(kRowsAtOnce, rows - begin);
    for (size_t f = 0; f < features; ++f) {
      kernels::QuantisePlane(edges[f], samples.planes[f] + begin, count, features,
                             binned.bins_.data() + begin * features + f);
    }
    return absl::OkStatus();
  }));
  return binned;
}

float BinnedSamples::BinCentre(size_t feature, uint32_t bin) const {
  const std::span<const float> edges(edges_.data() + edge_begin_[feature],
                                     edge_begin_[feature + 1] - edge_begin_[feature]);
  const float below = bin <= 1 ? lowest_[feature] : edges[bin - 2];
  const float above = bin > edges.size() ? highest_[feature] : edges[bin - 1];
  return below + (above - below) / 2;
}

}  // namespace arpent::learn
