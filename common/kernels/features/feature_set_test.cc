#include "common/kernels/features/feature_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "common/geo/period.h"
#include "common/testing/status_matchers.h"

namespace arpent::kernels {
namespace {

using ::arpent::testing::StatusIs;

const std::vector<std::string> kAllBands = {"B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"};

std::vector<int> Season(int dates) {
  const int start = geo::DayNumber(absl::CivilDay(2021, 5, 1));
  return SeasonDays(start, start + 10 * (dates - 1), 10);
}

FilledSeries RandomFilled(size_t pixels, size_t bands, size_t dates) {
  std::mt19937 random(17);
  std::uniform_real_distribution<float> value(0.01f, 0.6f);
  FilledSeries series;
  series.Reset(pixels, bands, dates);
  for (size_t b = 0; b < bands; ++b) {
    for (size_t t = 0; t < dates; ++t) {
      for (size_t i = 0; i < pixels; ++i) series.plane(b, t)[i] = i == 1 ? NAN : value(random);
    }
  }
  return series;
}

struct Computed {
  std::vector<float> scratch;
  std::map<std::string, const float*> plane;
};

Computed ComputeAll(const FeatureSet& set, const FilledSeries& series) {
  Computed result;
  const std::vector<const float*> planes = set.Compute(series, result.scratch);
  EXPECT_EQ(planes.size(), set.names().size());
  for (size_t f = 0; f < planes.size(); ++f) result.plane[set.names()[f]] = planes[f];
  return result;
}

TEST(FeatureSet, HasSen2AgrisNumberOfFeatures) {
  const auto days = Season(31);
  const auto count = [&](FeatureKind kind, bool red_edge) {
    return FeatureSet::Create(kind, kAllBands, days, red_edge)->names().size();
  };
  EXPECT_EQ(count(FeatureKind::kCropMask, false), 27u);
  EXPECT_EQ(count(FeatureKind::kCropMask, true), 27u + 4 * 31);
  EXPECT_EQ(count(FeatureKind::kCropMaskSnapshots, false), 20u);
  EXPECT_EQ(count(FeatureKind::kCropMaskSnapshots, true), 40u);
  EXPECT_EQ(count(FeatureKind::kCropType, false), 7u * 31);
  EXPECT_EQ(count(FeatureKind::kCropType, true), 11u * 31);
}

TEST(FeatureSet, NamesAreUniqueAndDated) {
  const auto set = *FeatureSet::Create(FeatureKind::kCropType, kAllBands, Season(3), true);
  EXPECT_EQ(set.names().front(), "B03_2021-05-01");
  EXPECT_NE(std::find(set.names().begin(), set.names().end(), "ndvi_2021-05-21"), set.names().end());
  std::vector<std::string> names = set.names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(FeatureSet, CropTypeMakesDoWithTheBandsThereAre) {
  const std::vector<std::string> two = {"B04", "B08"};
  const auto set = *FeatureSet::Create(FeatureKind::kCropType, two, Season(2), true);
  EXPECT_EQ(set.names(), (std::vector<std::string>{"B04_2021-05-01", "B08_2021-05-01", "ndvi_2021-05-01",
                                                   "B04_2021-05-11", "B08_2021-05-11", "ndvi_2021-05-11"}));
  EXPECT_THAT(FeatureSet::Create(FeatureKind::kCropMask, two, Season(2), true),
              StatusIs(absl::StatusCode::kInvalidArgument, "B03, B11"));
  EXPECT_THAT(FeatureSet::Create(FeatureKind::kCropType, two, {}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, "no day"));
}

TEST(FeatureSet, CropTypeEqualsItsFormulas) {
  const auto set = *FeatureSet::Create(FeatureKind::kCropType, kAllBands, Season(4), true);
  const FilledSeries series = RandomFilled(50, 10, 4);
  const Computed f = ComputeAll(set, series);
  for (size_t i = 0; i < 50; ++i) {
    for (const std::string& name : set.names()) {
      if (i == 1) {
        EXPECT_TRUE(std::isnan(f.plane.at(name)[i])) << name;
      }
    }
    if (i == 1) continue;
    const double g = series.plane(1, 2)[i], r = series.plane(2, 2)[i], k = series.plane(6, 2)[i], s = series.plane(8, 2)[i];
    EXPECT_EQ(f.plane.at("B8A_2021-05-21")[i], series.plane(7, 2)[i]);
    EXPECT_NEAR(f.plane.at("ndvi_2021-05-21")[i], (k - r) / (k + r), 1e-6);
    EXPECT_NEAR(f.plane.at("ndwi_2021-05-21")[i], (s - k) / (s + k), 1e-6);
    EXPECT_NEAR(f.plane.at("brightness_2021-05-21")[i], std::sqrt(g * g + r * r + k * k + s * s), 1e-6);
  }
}

TEST(FeatureSet, RedEdgeEqualsItsFormulas) {
  const auto set = *FeatureSet::Create(FeatureKind::kCropMask, kAllBands, Season(3), true);
  const FilledSeries series = RandomFilled(200, 10, 3);
  const Computed f = ComputeAll(set, series);
  for (size_t i = 2; i < 200; ++i) {
    const double b02 = series.plane(0, 1)[i], b04 = series.plane(2, 1)[i], b05 = series.plane(3, 1)[i],
                 b06 = series.plane(4, 1)[i], b07 = series.plane(5, 1)[i], b08 = series.plane(6, 1)[i];
    EXPECT_NEAR(f.plane.at("re_ndvi_2021-05-11")[i], (b08 - b06) / (b08 + b06), 1e-6);
    EXPECT_NEAR(f.plane.at("b05_b08_2021-05-11")[i], std::min(10.0, b05 / b08), 1e-4);
    EXPECT_NEAR(f.plane.at("psri_2021-05-11")[i], std::clamp((b04 - b02) / b05, -10.0, 10.0), 1e-4);
    const double position = 705 + 35 * (0.5 * (b07 + b04) - b05) / (b06 - b05);
    EXPECT_NEAR(f.plane.at("re_position_2021-05-11")[i], std::clamp(position, 680.0, 780.0), 0.05);
  }
}

TEST(FeatureSet, CropMaskStatisticsOfAKnownSeason) {
  // NDVI 0.1 0.1 0.3 0.6 0.6 0.6 0.6 0.6 0.6 0.1, nothing else changes.
  const std::vector<float> ndvi = {0.1f, 0.1f, 0.3f, 0.6f, 0.6f, 0.6f, 0.6f, 0.6f, 0.6f, 0.1f};
  const auto set = *FeatureSet::Create(FeatureKind::kCropMask, kAllBands, Season(10), false);
  FilledSeries series;
  series.Reset(1, 10, 10);
  for (size_t t = 0; t < 10; ++t) {
    for (size_t b = 0; b < 10; ++b) series.plane(b, t)[0] = 0.2f;
    series.plane(2, t)[0] = 0.4f * (1 - ndvi[t]) / 2;
    series.plane(6, t)[0] = 0.4f * (1 + ndvi[t]) / 2;
  }
  const Computed f = ComputeAll(set, series);
  EXPECT_NEAR(f.plane.at("ndvi_max")[0], 0.6, 1e-6);
  EXPECT_NEAR(f.plane.at("ndvi_mean")[0], 0.42, 1e-6);
  EXPECT_NEAR(f.plane.at("ndvi_plateau")[0], 0.6, 1e-6);
  EXPECT_NEAR(f.plane.at("ndvi_plateau_days")[0], 50, 1e-6);
  EXPECT_NEAR(f.plane.at("ndvi_plateau_product")[0], 30, 1e-4);
  // Windows of 5 records: (1.7 - 2.5) / 5 at the season's middle.
  EXPECT_NEAR(f.plane.at("ndvi_contrast_min")[0], (1.7 - 2.5) / 5, 1e-6);
  EXPECT_NEAR(f.plane.at("ndvi_fall_slope")[0], -0.05, 1e-6);
  EXPECT_NEAR(f.plane.at("ndvi_fall_days")[0], 10, 0.0);
  EXPECT_NEAR(f.plane.at("ndvi_rise_area")[0], 0.5 * 0.5 * 20, 1e-5);
  EXPECT_EQ(f.plane.at("bare_soil_up")[0], 1);
  EXPECT_EQ(f.plane.at("bare_soil_down")[0], 1);
}

TEST(FeatureSet, SnapshotsAreTheSpectraOfTheirMoments) {
  const auto set = *FeatureSet::Create(FeatureKind::kCropMaskSnapshots, kAllBands, Season(8), true);
  const FilledSeries series = RandomFilled(100, 10, 8);
  const Computed f = ComputeAll(set, series);
  for (size_t i = 2; i < 100; ++i) {
    std::vector<double> ndvi, slope, red;
    for (size_t t = 0; t < 8; ++t) {
      const double r = series.plane(2, t)[i], k = series.plane(6, t)[i];
      ndvi.push_back((k - r) / (k + r));
      red.push_back(r);
    }
    for (int t = 0; t < 8; ++t) {
      const int a = std::max(0, t - 1), b = std::min(7, t + 1);
      slope.push_back((ndvi[b] - ndvi[a]) / (10.0 * (b - a)));
    }
    const auto top = [](const std::vector<double>& v) { return std::max_element(v.begin(), v.end()) - v.begin(); };
    const auto bottom = [](const std::vector<double>& v) { return std::min_element(v.begin(), v.end()) - v.begin(); };
    EXPECT_EQ(f.plane.at("max_slope_B11")[i], series.plane(8, top(slope))[i]);
    EXPECT_EQ(f.plane.at("min_slope_B03")[i], series.plane(1, bottom(slope))[i]);
    EXPECT_EQ(f.plane.at("max_ndvi_B08")[i], series.plane(6, top(ndvi))[i]);
    EXPECT_EQ(f.plane.at("min_ndvi_B05")[i], series.plane(3, bottom(ndvi))[i]);
    EXPECT_EQ(f.plane.at("max_red_B04")[i], series.plane(2, top(red))[i]);
  }
  for (const std::string& name : set.names()) EXPECT_TRUE(std::isnan(f.plane.at(name)[1])) << name;
}

TEST(FeatureSet, AStripEqualsTheSamePixelsOfTheWhole) {
  for (FeatureKind kind : {FeatureKind::kCropMask, FeatureKind::kCropMaskSnapshots, FeatureKind::kCropType}) {
    const auto set = *FeatureSet::Create(kind, kAllBands, Season(14), true);
    const FilledSeries whole = RandomFilled(700, 10, 14);
    FilledSeries strip;
    strip.Reset(61, 10, 14);
    for (size_t b = 0; b < 10; ++b) {
      for (size_t t = 0; t < 14; ++t) std::copy_n(whole.plane(b, t) + 300, 61, strip.plane(b, t));
    }
    const Computed all = ComputeAll(set, whole), part = ComputeAll(set, strip);
    for (const std::string& name : set.names()) {
      EXPECT_EQ(std::memcmp(all.plane.at(name) + 300, part.plane.at(name), 61 * sizeof(float)), 0) << name;
    }
  }
}

}  // namespace
}  // namespace arpent::kernels
