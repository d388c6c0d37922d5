#include "common/kernels/composite/cloud_distance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/kernels/composite/pixel_class.h"

namespace arpent::kernels {
namespace {

using raster::Image;

// Taps 0..radius of a Gaussian, as integers: the rounding hides the last bits in which exp() differs between machines.
std::vector<int64_t> Taps(double sigma) {
  constexpr double kScale = 1 << 20;
  constexpr double kReach = 4;
  std::vector<int64_t> taps;
  for (int i = 0; i <= static_cast<int>(std::ceil(kReach * sigma)); ++i) {
    taps.push_back(std::llround(kScale * std::exp(-0.5 * i * i / (sigma * sigma))));
  }
  return taps;
}

Image<int64_t> BlurRows(const Image<int64_t>& in, const std::vector<int64_t>& taps) {
  Image<int64_t> out(in.width(), in.height());
  const int radius = static_cast<int>(taps.size()) - 1;
  for (int y = 0; y < in.height(); ++y) {
    for (int x = 0; x < in.width(); ++x) {
      int64_t sum = 0;
      for (int u = std::max(0, x - radius); u <= std::min(in.width() - 1, x + radius); ++u) {
        sum += taps[std::abs(u - x)] * in(u, y);
      }
      out(x, y) = sum;
    }
  }
  return out;
}

Image<int64_t> BlurColumns(const Image<int64_t>& in, const std::vector<int64_t>& taps) {
  Image<int64_t> out(in.width(), in.height());
  const int radius = static_cast<int>(taps.size()) - 1;
  for (int y = 0; y < in.height(); ++y) {
    const auto target = out.row(y);
    for (int v = std::max(0, y - radius); v <= std::min(in.height() - 1, y + radius); ++v) {
      const int64_t tap = taps[std::abs(v - y)];
      const auto source = in.row(v);
      for (int x = 0; x < in.width(); ++x) target[x] += tap * source[x];
    }
  }
  return out;
}

// The blurred mask where cells have data: 0..kWeightOne. The taps of sigma 10 sum to less than 2^25, so sums stay below
// 2^50.
Image<uint16_t> Blur(const Image<int64_t>& hidden, const Image<int64_t>& valid, double sigma) {
  const std::vector<int64_t> taps = Taps(sigma);
  const Image<int64_t> above = BlurColumns(BlurRows(hidden, taps), taps);
  const Image<int64_t> below = BlurColumns(BlurRows(valid, taps), taps);
  Image<uint16_t> out(hidden.width(), hidden.height());
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t total = below.data()[i] >> 20, part = above.data()[i] >> 20;  // leaves room for the product
    out.data()[i] = total > 0 ? static_cast<uint16_t>((part * kWeightOne + total / 2) / total) : uint16_t{0};
  }
  return out;
}

// Linear enlargement in steps of 1 / (2 kCloudCellPixels) of a cell: between which cells, and how far.
struct Between {
  int first, second, fraction;  // of the second, out of kSteps
};
constexpr int kSteps = 2 * kCloudCellPixels;

Between Place(int pixel, int cells) {
  const int position = 2 * pixel + 1 - kCloudCellPixels;  // in steps, 0 at the centre of cell 0
  const int cell = position >= 0 ? position / kSteps : -1;
  return {std::clamp(cell, 0, cells - 1), std::clamp(cell + 1, 0, cells - 1), position - cell * kSteps};
}

}  // namespace

CloudCells::CloudCells(int width, int height)
    : counts_((width + kCloudCellPixels - 1) / kCloudCellPixels, (height + kCloudCellPixels - 1) / kCloudCellPixels) {}

void CloudCells::Add(int x, int y, raster::View<const uint8_t> traits) {
  for (int v = 0; v < traits.height(); ++v) {
    const int row = (y + v) / kCloudCellPixels;
    const uint8_t* const line = traits.row(v).data();
    for (int u = 0; u < traits.width(); u += kCloudCellPixels) {
      const int end = std::min(u + kCloudCellPixels, traits.width());
      int valid = 0, hidden = 0;
      for (int i = u; i < end; ++i) {
        valid += (line[i] & kTraitData) != 0;
        hidden += (line[i] & kTraitObscured) != 0;
      }
      Count& count = counts_((x + u) / kCloudCellPixels, row);
      count.valid = static_cast<uint8_t>(count.valid + valid);
      count.hidden = static_cast<uint8_t>(count.hidden + hidden);
    }
  }
}

CloudDistance::CloudDistance(const CloudCells& cells, double small_sigma_cells, double large_sigma_cells) {
  Image<int64_t> hidden(cells.width(), cells.height()), valid(cells.width(), cells.height());
  for (int y = 0; y < cells.height(); ++y) {
    for (int x = 0; x < cells.width(); ++x) {
      valid(x, y) = cells.at(x, y).valid > 0;
      hidden(x, y) = 2 * cells.at(x, y).hidden > cells.at(x, y).valid;  // more than half of the cell
    }
  }
  small_ = Blur(hidden, valid, small_sigma_cells);
  large_ = Blur(hidden, valid, large_sigma_cells);
}

void CloudDistance::WeightRow(int x, int y, std::span<uint16_t> out) const {
  const Between row = Place(y, small_.height());
  const auto blurred = [&row](const Image<uint16_t>& image, int cell) {  // between two rows of cells
    return (kSteps - row.fraction) * image(cell, row.first) + row.fraction * image(cell, row.second);
  };
  constexpr int kSquare = kSteps * kSteps;
  for (size_t i = 0; i < out.size();) {
    // All pixels between the same two columns of cells share their four corners.
    const Between column = Place(x + static_cast<int>(i), small_.width());
    const int small_left = blurred(small_, column.first), small_right = blurred(small_, column.second);
    const int large_left = blurred(large_, column.first), large_right = blurred(large_, column.second);
    for (int fraction = column.fraction; fraction < kSteps && i < out.size(); fraction += 2, ++i) {
      const int small = ((kSteps - fraction) * small_left + fraction * small_right + kSquare / 2) / kSquare;
      const int large = ((kSteps - fraction) * large_left + fraction * large_right + kSquare / 2) / kSquare;
      const uint32_t product = static_cast<uint32_t>(kWeightOne - small) * static_cast<uint32_t>(kWeightOne - large);
      out[i] = static_cast<uint16_t>((product + kWeightOne / 2) / kWeightOne);
    }
  }
}

}  // namespace arpent::kernels
