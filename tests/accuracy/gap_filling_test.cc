// Gap filling on a real season: 78 dates of western Kenya, a fifth of the clear ones withheld and predicted.
#include <gdal_priv.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "common/geo/period.h"
#include "common/kernels/features/clear.h"
#include "common/kernels/features/indices.h"
#include "common/kernels/features/time_series.h"
#include "common/testing/temporary_folder.h"

namespace arpent {
namespace {

constexpr char kData[] = "s2_l2a_kenya_78dates";
constexpr double kLambda = 2;  // of the stages
constexpr int kDraws = 20;

struct Season {
  kernels::ObservedSeries series;          // red and near infrared
  std::vector<std::vector<uint8_t>> judged;  // [date][pixel]: vegetation or bare soil (SCL 4, 5)
};

std::vector<uint16_t> ReadBand(GDALDataset& dataset, int band) {
  const int width = dataset.GetRasterXSize(), height = dataset.GetRasterYSize();
  std::vector<uint16_t> values(static_cast<size_t>(width) * height);
  EXPECT_EQ(dataset.GetRasterBand(band)->RasterIO(GF_Read, 0, 0, width, height, values.data(), width, height, GDT_UInt16, 0,
                                                  0, nullptr), CE_None);
  return values;
}

Season ReadSeason() {
  GDALAllRegister();
  const std::string folder = testing::SharedData(kData);
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/l2a")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<int> days;
  for (const std::string& file : files) {
    const std::string name = std::filesystem::path(file).stem();
    days.push_back(geo::DayNumber(absl::CivilDay(std::stoi(name.substr(0, 4)), std::stoi(name.substr(4, 2)),
                                                 std::stoi(name.substr(6, 2)))));
  }
  const auto classes = GDALDatasetUniquePtr(GDALDataset::Open((folder + "/scl_all_dates.tif").c_str()));
  Season season;
  for (size_t d = 0; d < files.size(); ++d) {
    const auto dataset = GDALDatasetUniquePtr(GDALDataset::Open(files[d].c_str()));
    const auto red = ReadBand(*dataset, 4), nir = ReadBand(*dataset, 8);
    const auto scl = ReadBand(*classes, static_cast<int>(d) + 1);
    if (d == 0) season.series.Reset(red.size(), days, 2);
    season.judged.emplace_back(red.size());
    for (size_t i = 0; i < red.size(); ++i) {
      const bool has_data = red[i] + nir[i] > 0;
      season.series.weight(d)[i] = has_data && kernels::IsClear(static_cast<uint8_t>(scl[i]), 0) ? 1.0f : 0.0f;
      season.series.value(0, d)[i] = static_cast<int16_t>(std::min<int>(red[i], 32767));
      season.series.value(1, d)[i] = static_cast<int16_t>(std::min<int>(nir[i], 32767));
      season.judged[d][i] = has_data && (scl[i] == raster::kSclVegetation || scl[i] == raster::kSclBare);
    }
  }
  return season;
}

struct Errors {
  double median = 0, rms = 0;
};

Errors ErrorsOf(const Season& season, const kernels::FilledSeries& filled, const std::vector<size_t>& withheld) {
  std::vector<double> errors;
  for (size_t d : withheld) {
    for (size_t i = 0; i < filled.pixels(); ++i) {
      if (!season.judged[d][i]) continue;
      const float truth = kernels::Ndvi(season.series.value(1, d)[i], season.series.value(0, d)[i]);
      errors.push_back(std::abs(kernels::Ndvi(filled.plane(1, d)[i], filled.plane(0, d)[i]) - truth));
    }
  }
  double squares = 0;
  for (double error : errors) squares += error * error;
  std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
  return {errors[errors.size() / 2], std::sqrt(squares / static_cast<double>(errors.size()))};
}

TEST(GapFilling, PredictsWithheldDatesOfARealSeason) {
  ARPENT_REQUIRE_SHARED_DATA(kData);
  const Season season = ReadSeason();
  std::vector<size_t> clear_dates;
  for (size_t d = 0; d < season.judged.size(); ++d) {
    const auto clear = std::accumulate(season.judged[d].begin(), season.judged[d].end(), size_t{0});
    if (2 * clear > season.judged[d].size()) clear_dates.push_back(d);
  }
  ASSERT_GT(clear_dates.size(), 40u);
  Errors linear, whittaker;
  std::mt19937 random(1);
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<size_t> withheld = clear_dates;
    for (size_t i = withheld.size(); i-- > 1;) std::swap(withheld[i], withheld[random() % (i + 1)]);
    withheld.resize(clear_dates.size() / 5);
    kernels::ObservedSeries rest = season.series;
    for (size_t d : withheld) std::fill_n(rest.weight(d), rest.pixels(), 0.0f);
    kernels::FilledSeries filled;
    const auto add = [&](Errors& sum) {
      const Errors own = ErrorsOf(season, filled, withheld);
      sum.median += own.median / kDraws, sum.rms += own.rms / kDraws;
    };
    kernels::FillLinear(rest, rest.days(), filled);
    add(linear);
    kernels::FillWhittaker(rest, kLambda, rest.days(), filled);
    add(whittaker);
  }
  std::printf("NDVI of withheld dates, mean of %d draws: linear median %.4f RMSE %.4f, Whittaker median %.4f RMSE %.4f\n",
              kDraws, linear.median, linear.rms, whittaker.median, whittaker.rms);
  EXPECT_LE(linear.median, 0.03);
  EXPECT_LE(whittaker.median, 0.03);
  EXPECT_LE(whittaker.rms, linear.rms);
}

}  // namespace
}  // namespace arpent
