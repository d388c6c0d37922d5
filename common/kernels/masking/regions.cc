#include "common/kernels/masking/regions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace arpent::kernels {
namespace {

using raster::Image;
using raster::View;

// Running count of non-zero values in a window of 2 radius + 1, along rows.
void DilateRows(View<const uint8_t> in, int radius, View<uint8_t> out) {
  for (int y = 0; y < in.height(); ++y) {
    const auto source = in.row(y);
    const auto target = out.row(y);
    int inside = 0;
    for (int x = 0; x < std::min(radius, in.width()); ++x) inside += source[x] != 0;
    for (int x = 0; x < in.width(); ++x) {
      if (x + radius < in.width()) inside += source[x + radius] != 0;
      if (x - radius - 1 >= 0) inside -= source[x - radius - 1] != 0;
      target[x] = inside > 0;
    }
  }
}

void DilateColumns(View<const uint8_t> in, int radius, View<uint8_t> out) {
  std::vector<int> inside(in.width(), 0);
  const auto add = [&](int y, int sign) {
    const auto source = in.row(y);
    for (int x = 0; x < in.width(); ++x) inside[x] += sign * (source[x] != 0);
  };
  for (int y = 0; y < std::min(radius, in.height()); ++y) add(y, 1);
  for (int y = 0; y < in.height(); ++y) {
    if (y + radius < in.height()) add(y + radius, 1);
    if (y - radius - 1 >= 0) add(y - radius - 1, -1);
    const auto target = out.row(y);
    for (int x = 0; x < in.width(); ++x) target[x] = inside[x] > 0;
  }
}

int32_t Root(std::vector<int32_t>& parent, int32_t label) {
  while (parent[label] != label) label = parent[label] = parent[parent[label]];
  return label;
}

// The smaller root wins, so that a region's root is its first label.
void Join(std::vector<int32_t>& parent, int32_t a, int32_t b) {
  a = Root(parent, a);
  b = Root(parent, b);
  parent[std::max(a, b)] = std::min(a, b);
}

}  // namespace

Image<uint8_t> Dilate(View<const uint8_t> mask, int radius) {
  Image<uint8_t> across(mask.width(), mask.height());
  Image<uint8_t> out(mask.width(), mask.height());
  DilateRows(mask, radius, across.view());
  DilateColumns(across.view(), radius, out.view());
  return out;
}

Regions LabelRegions(View<const uint8_t> mask) {
  Regions regions{Image<int32_t>(mask.width(), mask.height()), 0};
  Image<int32_t>& labels = regions.labels;
  std::vector<int32_t> parent = {0};
  for (int y = 0; y < mask.height(); ++y) {
    for (int x = 0; x < mask.width(); ++x) {
      if (mask(x, y) == 0) continue;
      int32_t label = 0;
      const auto meet = [&](int nx, int ny) {
        if (nx < 0 || nx >= mask.width() || ny < 0 || labels(nx, ny) == 0) return;
        if (label == 0) {
          label = labels(nx, ny);
        } else {
          Join(parent, label, labels(nx, ny));
        }
      };
      meet(x - 1, y);
      meet(x - 1, y - 1);
      meet(x, y - 1);
      meet(x + 1, y - 1);
      if (label == 0) {
        label = static_cast<int32_t>(parent.size());
        parent.push_back(label);
      }
      labels(x, y) = label;
    }
  }
  std::vector<int32_t> final_label(parent.size(), 0);
  for (size_t i = 1; i < parent.size(); ++i) {
    const int32_t root = Root(parent, static_cast<int32_t>(i));
    if (final_label[root] == 0) final_label[root] = ++regions.count;
    final_label[i] = final_label[root];
  }
  for (int y = 0; y < mask.height(); ++y) {
    for (int32_t& label : labels.row(y)) label = final_label[label];
  }
  return regions;
}

LocalMean MeanAround(View<const float> values, View<const uint8_t> mask, int radius) {
  const int width = values.width();
  const int height = values.height();
  LocalMean result{Image<float>(width, height), Image<int32_t>(width, height)};
  std::vector<int64_t> column_sum(width, 0);
  std::vector<int32_t> column_count(width, 0);
  const auto add = [&](int y, int sign) {
    for (int x = 0; x < width; ++x) {
      if (mask(x, y) == 0) continue;
      column_sum[x] += sign * std::llround(values(x, y) * 1e6);
      column_count[x] += sign;
    }
  };
  for (int y = 0; y < std::min(radius, height); ++y) add(y, 1);
  for (int y = 0; y < height; ++y) {
    if (y + radius < height) add(y + radius, 1);
    if (y - radius - 1 >= 0) add(y - radius - 1, -1);
    int64_t sum = 0;
    int32_t count = 0;
    for (int x = 0; x < std::min(radius, width); ++x) sum += column_sum[x], count += column_count[x];
    for (int x = 0; x < width; ++x) {
      if (x + radius < width) sum += column_sum[x + radius], count += column_count[x + radius];
      if (x - radius - 1 >= 0) sum -= column_sum[x - radius - 1], count -= column_count[x - radius - 1];
      result.mean(x, y) = count == 0 ? 0.0f : static_cast<float>(static_cast<double>(sum) / count * 1e-6);
      result.count(x, y) = count;
    }
  }
  return result;
}

}  // namespace arpent::kernels
