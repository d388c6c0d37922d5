#include "common/simulate/box_mean.h"

#include <algorithm>
#include <utility>

namespace arpent::simulate {

BoxMean::BoxMean(int width, int height, int radius, Sink sink)
    : width_(width),
      height_(height),
      radius_(radius),
      sink_(std::move(sink)),
      held_(width, 2 * radius + 2),
      sums_(width),
      mean_(width) {}

void BoxMean::SumAlong(std::span<const float> row, std::span<float> means) const {
  double sum = 0;
  int count = 0;
  for (; count < std::min(width_, radius_); ++count) sum += row[count];
  for (int x = 0; x < width_; ++x) {
    if (x + radius_ < width_) sum += row[x + radius_], ++count;
    if (x - radius_ - 1 >= 0) sum -= row[x - radius_ - 1], --count;
    means[x] = static_cast<float>(sum / count);
  }
}

void BoxMean::Push(std::span<const float> row) {
  const std::span<float> means = held_.row(pushed_ % held_.height());
  SumAlong(row, means);
  for (int x = 0; x < width_; ++x) sums_[x] += means[x];
  ++counted_;
  ++pushed_;
  if (pushed_ > radius_) Emit();
  if (pushed_ == height_) {
    while (emitted_ < height_) Emit();
  }
}

void BoxMean::Emit() {
  if (const int past = emitted_ - radius_ - 1; past >= 0) {
    const std::span<const float> means = std::as_const(held_).row(past % held_.height());
    for (int x = 0; x < width_; ++x) sums_[x] -= means[x];
    --counted_;
  }
  for (int x = 0; x < width_; ++x) mean_[x] = static_cast<float>(sums_[x] / counted_);
  ++emitted_;
  sink_(mean_);
}

}  // namespace arpent::simulate
