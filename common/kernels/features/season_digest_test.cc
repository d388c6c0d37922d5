#include "common/kernels/features/season_digest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace arpent::kernels {
namespace {

TEST(DigestSeason, HoldsTheCosineTransformOfTheNdvi) {
  for (size_t dates : {1, 3, 8, 31}) {
    FilledSeries series;
    series.Reset(600, 2, dates);
    const auto ndvi_of = [dates](size_t i, size_t t) { return i == 1 ? 0.9 : -0.4 + 1.2 * t / dates + 0.0003 * i; };
    for (size_t t = 0; t < dates; ++t) {
      for (size_t i = 0; i < 600; ++i) {
        const double ndvi = ndvi_of(i, t);
        series.plane(0, t)[i] = i == 2 ? NAN : static_cast<float>(0.2 * (1 - ndvi));
        series.plane(1, t)[i] = i == 2 ? NAN : static_cast<float>(0.2 * (1 + ndvi));
      }
    }
    std::vector<SeasonDigest> digests(600);
    DigestSeason(series, 0, 1, digests.data());
    for (size_t i : {0, 1, 2, 599}) {
      for (size_t k = 0; k < 8; ++k) {
        double wave = 0;
        for (size_t t = 0; t < dates; ++t) wave += ndvi_of(i, t) * std::cos(M_PI * (t + 0.5) * k / dates) / dates;
        if (k > 0) wave *= k < dates ? std::sqrt(2.0) : 0;
        EXPECT_NEAR(digests[i][k], i == 2 ? 0 : 127 + 127 * wave, i == 2 ? 0 : 0.51) << dates << " " << i << " " << k;
      }
    }
  }
}

TEST(DigestSeason, DistancesAreThoseOfTheSeries) {
  constexpr size_t kDates = 8;  // as many as waves: nothing is lost
  FilledSeries series;
  series.Reset(2, 2, kDates);
  double square = 0;
  for (size_t t = 0; t < kDates; ++t) {
    const double ndvi[2] = {0.3 + 0.05 * t, 0.6 - 0.04 * t + (t == 3 ? 0.2 : 0)};
    for (size_t i = 0; i < 2; ++i) {
      series.plane(0, t)[i] = static_cast<float>(0.2 * (1 - ndvi[i]));
      series.plane(1, t)[i] = static_cast<float>(0.2 * (1 + ndvi[i]));
    }
    square += (ndvi[0] - ndvi[1]) * (ndvi[0] - ndvi[1]) / kDates;
  }
  SeasonDigest digests[2];
  DigestSeason(series, 0, 1, digests);
  double of_digests = 0;
  for (size_t k = 0; k < 8; ++k) of_digests += std::pow(digests[0][k] - digests[1][k], 2.0);
  EXPECT_NEAR(std::sqrt(of_digests) / kDigestStepsPerNdvi, std::sqrt(square), 0.01);
}

}  // namespace
}  // namespace arpent::kernels
