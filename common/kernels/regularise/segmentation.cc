#include "common/kernels/regularise/segmentation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace arpent::kernels {
namespace {

constexpr size_t kBytes = std::tuple_size_v<PixelDigest>;
// Pairs are sorted by the square of their difference up to here; those that differ more are all alike.
constexpr uint32_t kMostDifferent = 8191;

bool IsFrozen(std::span<const uint16_t> frozen, uint16_t code) {
  return std::find(frozen.begin(), frozen.end(), code) != frozen.end();
}

uint32_t SquaredDifference(const PixelDigest& a, const PixelDigest& b) {
  int sum = 0;
  for (size_t k = 0; k < kBytes; ++k) {
    const int difference = int{a[k]} - int{b[k]};
    sum += difference * difference;
  }
  return std::min(static_cast<uint32_t>(sum), kMostDifferent);
}

// Sums of a region's digests; whole numbers, so that the order of merging does not round.
struct Region {
  uint32_t pixels = 0;
  std::array<uint32_t, kBytes> sums{};
};

class Regions {
 public:
  explicit Regions(raster::View<const PixelDigest> digests)
      : parents_(static_cast<size_t>(digests.width()) * digests.height()), regions_(parents_.size()) {
    std::iota(parents_.begin(), parents_.end(), 0u);
    size_t i = 0;
    for (int y = 0; y < digests.height(); ++y) {
      for (const PixelDigest& digest : digests.row(y)) {
        regions_[i].pixels = 1;
        std::copy(digest.begin(), digest.end(), regions_[i].sums.begin());
        ++i;
      }
    }
  }

  uint32_t Find(uint32_t pixel) {
    while (parents_[pixel] != pixel) {
      parents_[pixel] = parents_[parents_[pixel]];
      pixel = parents_[pixel];
    }
    return pixel;
  }

  const Region& region(uint32_t root) const { return regions_[root]; }

  double SquaredDifference(uint32_t a, uint32_t b) const {
    const Region &first = regions_[a], &second = regions_[b];
    const double of_first = 1.0 / first.pixels, of_second = 1.0 / second.pixels;
    double sum = 0;
    for (size_t k = 0; k < kBytes; ++k) {
      const double difference = first.sums[k] * of_first - second.sums[k] * of_second;
      sum += difference * difference;
    }
    return sum;
  }

  // The lower number stays.
  void Join(uint32_t a, uint32_t b) {
    const uint32_t into = std::min(a, b), from = std::max(a, b);
    parents_[from] = into;
    regions_[into].pixels += regions_[from].pixels;
    for (size_t k = 0; k < kBytes; ++k) regions_[into].sums[k] += regions_[from].sums[k];
  }

 private:
  std::vector<uint32_t> parents_;
  std::vector<Region> regions_;
};

// Calls visit(pair, squared difference) for all pairs of neighbouring pixels that are not frozen, in the order of the map. A
// pair is twice its first pixel's place, plus one when the second lies below it (else to the right).
template <typename Visit>
void ForEachPair(raster::View<const PixelDigest> digests, raster::View<const uint16_t> codes,
                 std::span<const uint16_t> frozen, Visit visit) {
  const int width = digests.width(), height = digests.height();
  std::vector<uint8_t> free(static_cast<size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    const auto row = codes.row(y);
    for (int x = 0; x < width; ++x) free[static_cast<size_t>(y) * width + x] = !IsFrozen(frozen, row[x]);
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint32_t place = static_cast<uint32_t>(y) * width + x;
      if (!free[place]) continue;
      const PixelDigest& own = digests(x, y);
      if (x + 1 < width && free[place + 1]) visit(place << 1, SquaredDifference(own, digests(x + 1, y)));
      if (y + 1 < height && free[place + width]) visit(place << 1 | 1, SquaredDifference(own, digests(x, y + 1)));
    }
  }
}

// Pairs by their difference, the most alike first; of equals in the order of the map.
std::vector<uint32_t> SortedPairs(raster::View<const PixelDigest> digests, raster::View<const uint16_t> codes,
                                  std::span<const uint16_t> frozen) {
  std::vector<uint32_t> begin(kMostDifferent + 2);
  ForEachPair(digests, codes, frozen, [&](uint32_t, uint32_t difference) { ++begin[difference + 1]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<uint32_t> sorted(begin.back());
  ForEachPair(digests, codes, frozen,
              [&](uint32_t pair, uint32_t difference) { sorted[begin[difference]++] = pair; });
  return sorted;
}

}  // namespace

double PixelNoise(raster::View<const PixelDigest> digests, raster::View<const uint16_t> codes,
                  std::span<const uint16_t> frozen) {
  std::vector<uint32_t> counts(kMostDifferent + 1);
  uint32_t pairs = 0;
  ForEachPair(digests, codes, frozen, [&](uint32_t, uint32_t difference) {
    ++counts[difference];
    ++pairs;
  });
  if (pairs == 0) return 0;
  uint32_t median = 0;
  for (uint32_t below = counts[0]; below <= pairs / 2 && median < kMostDifferent;) below += counts[++median];
  return std::sqrt(median / 2.0);
}

uint32_t Segment(raster::View<const PixelDigest> digests, raster::View<const uint16_t> codes,
                 std::span<const uint16_t> frozen, const SegmentationOptions& options, raster::View<uint32_t> segments) {
  const int width = digests.width();
  const std::vector<uint32_t> pairs = SortedPairs(digests, codes, frozen);
  Regions regions(digests);
  const double range = options.range * options.range, noise = options.noise * options.noise;
  for (const uint32_t pair : pairs) {
    const uint32_t first = pair >> 1, second = first + ((pair & 1) != 0 ? width : 1);
    const uint32_t a = regions.Find(first), b = regions.Find(second);
    if (a == b) continue;
    const double widened = range + noise * (1.0 / regions.region(a).pixels + 1.0 / regions.region(b).pixels);
    if (regions.SquaredDifference(a, b) <= widened) regions.Join(a, b);
  }
  std::vector<uint32_t> number_of(static_cast<size_t>(width) * digests.height(), kNoSegment);
  uint32_t count = 0;
  for (int y = 0; y < digests.height(); ++y) {
    for (int x = 0; x < width; ++x) {
      segments(x, y) = kNoSegment;
      if (IsFrozen(frozen, codes(x, y))) continue;
      uint32_t& number = number_of[regions.Find(static_cast<uint32_t>(y) * width + x)];
      if (number == kNoSegment) number = count++;
      segments(x, y) = number;
    }
  }
  return count;
}

void VoteInSegments(raster::View<const uint16_t> codes, raster::View<const uint32_t> segments, uint32_t count,
                    raster::View<uint16_t> out) {
  // Codes of each segment, one after the other, sorted: runs are votes.
  std::vector<uint32_t> begin(size_t{count} + 1);
  for (int y = 0; y < codes.height(); ++y) {
    for (const uint32_t segment : segments.row(y)) {
      if (segment != kNoSegment) ++begin[segment + 1];
    }
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<uint16_t> votes(begin.back());
  std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
  for (int y = 0; y < codes.height(); ++y) {
    for (int x = 0; x < codes.width(); ++x) {
      if (segments(x, y) != kNoSegment) votes[next[segments(x, y)]++] = codes(x, y);
    }
  }
  std::vector<uint16_t> winners(count);
  for (uint32_t segment = 0; segment < count; ++segment) {
    const auto first = votes.begin() + begin[segment], last = votes.begin() + begin[segment + 1];
    if (std::all_of(first, last, [first](uint16_t code) { return code == *first; })) {
      winners[segment] = *first;
      continue;
    }
    std::sort(first, last);
    ptrdiff_t most = 0;
    for (auto run = first; run != last;) {
      const auto end = std::upper_bound(run, last, *run);
      if (end - run > most) most = end - run, winners[segment] = *run;
      run = end;
    }
  }
  for (int y = 0; y < codes.height(); ++y) {
    for (int x = 0; x < codes.width(); ++x) {
      const uint32_t segment = segments(x, y);
      out(x, y) = segment == kNoSegment ? codes(x, y) : winners[segment];
    }
  }
}

}  // namespace arpent::kernels
