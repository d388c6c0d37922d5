// The crop stages together on a small season with known truth: samples -> train -> crop-mask -> crop-type.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "common/learn/sample_table.h"
#include "common/stages/crop_type/crop_chain_fixture.h"

#include <gdal_priv.h>

namespace arpent::stages {
namespace {

using ::arpent::testing::StatusIs;
using raster::Image;

TEST_F(CropChainTest, FindsTheCropsOfTheSimulatedSeason) {
  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, SamplesTask()));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, stores_->ReadAll(samples.product.uri + "/crop-type.samples"));
  ASSERT_OK_AND_ASSIGN(const learn::SampleTable table, learn::ReadSampleTable(bytes, "table"));
  EXPECT_EQ(table.rows(), 16u * 400) << "16 crop parcels of 20 x 20 pixels";
  EXPECT_EQ(table.feature_names.size(), 17u * 11);
  ASSERT_OK_AND_ASSIGN(const TaskInput mask_model, Train(InputOf("samples", samples), "crop-mask"));
  ASSERT_OK_AND_ASSIGN(const TaskInput type_model, Train(InputOf("samples", samples), "crop-type"));

  TaskSpec mask_task = Task("crop-mask");
  mask_task.inputs = inputs_;
  mask_task.inputs.push_back(mask_model);
  ASSERT_OK_AND_ASSIGN(const TaskResult mask, Run(RunCropMask, mask_task));
  TaskSpec type_task = Task("crop-type");
  type_task.inputs = inputs_;
  type_task.inputs.push_back(type_model);
  type_task.inputs.push_back(InputOf("crop-mask", mask));
  ASSERT_OK_AND_ASSIGN(const TaskResult type, Run(RunCropType, type_task));

  const auto crop = Pixels<uint8_t>(mask, "CM");
  const auto code = Pixels<uint16_t>(type, "CT");
  const auto sure = Pixels<uint8_t>(type, "CONF");
  int mask_right = 0, type_right = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      mask_right += crop(x, y) == (CoverAt(x, y) != kForest);
      type_right += code(x, y) == CoverAt(x, y);
      EXPECT_EQ(sure(x, y) == 255, code(x, y) == 0);
    }
  }
  EXPECT_GT(mask_right, 0.98 * width_ * height_);
  EXPECT_GT(type_right, 0.98 * width_ * height_);

  // The same bytes on one thread with blocks of another size.
  ASSERT_OK_AND_ASSIGN(const TaskResult again, Run(RunCropType, type_task, 1, int64_t{4} << 20));
  ASSERT_EQ(again.product.assets.size(), type.product.assets.size());
  for (size_t i = 0; i < type.product.assets.size(); ++i) {
    EXPECT_EQ(again.product.assets[i].sha256, type.product.assets[i].sha256) << type.product.assets[i].name;
  }
}

TEST_F(CropChainTest, SamplesAreTheSameForAnyThreadsAndBlocks) {
  TaskSpec task = SamplesTask();
  task.parameters.Set("samples_per_class", 500);
  ASSERT_OK_AND_ASSIGN(const TaskResult one, Run(RunSamples, task, 1));
  ASSERT_OK_AND_ASSIGN(const TaskResult two, Run(RunSamples, task, 3, int64_t{4} << 20));
  ASSERT_OK_AND_ASSIGN(const std::string first, stores_->ReadAll(one.product.uri + "/crop-mask.samples"));
  for (size_t i = 0; i < one.product.assets.size(); ++i) EXPECT_EQ(one.product.assets[i].sha256, two.product.assets[i].sha256);
  ASSERT_OK_AND_ASSIGN(const learn::SampleTable table, learn::ReadSampleTable(first, "table"));
  EXPECT_EQ(std::count(table.class_codes.begin(), table.class_codes.end(), 0), 500);
  EXPECT_EQ(std::count(table.class_codes.begin(), table.class_codes.end(), 1), 500);
}

TEST_F(CropChainTest, AReferenceMapStandsInForParcels) {
  GDALAllRegister();
  GDALDataset* map = GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
      (folder_.File("in") + "/landcover.tif").c_str(), width_, height_, 1, GDT_Byte, nullptr);
  double transform[6] = {grid_.west, 10, 0, grid_.north, 0, -10};
  map->SetGeoTransform(transform);
  OGRSpatialReference crs;
  crs.importFromEPSG(grid_.epsg);
  map->SetSpatialRef(&crs);
  std::vector<uint8_t> codes(width_ * height_);
  // One field in eight is wrong on the map.
  for (int i = 0; i < width_ * height_; ++i) {
    const int x = i % width_, y = i / width_;
    const bool wrong = x / kField == 2 && y / kField == 1;
    codes[i] = (CoverAt(x, y) == kForest) != wrong ? 50 : 10;
  }
  ASSERT_EQ(map->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, width_, height_, codes.data(), width_, height_, GDT_Byte, 0, 0,
                                            nullptr), CE_None);
  GDALClose(map);
  TaskSpec task = Task("samples");
  task.inputs = inputs_;
  task.inputs.push_back({"reference-map", "digest", "input:/landcover.tif"});
  EXPECT_THAT(Run(RunSamples, task), StatusIs(absl::StatusCode::kInvalidArgument, "crop_classes"));
  task.parameters.Set("crop_classes", "10,20");
  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, task));
  ASSERT_OK_AND_ASSIGN(const TaskInput model, Train(InputOf("samples", samples), "crop-mask"));
  TaskSpec mask_task = Task("crop-mask");
  mask_task.inputs = inputs_;
  mask_task.inputs.push_back(model);
  ASSERT_OK_AND_ASSIGN(const TaskResult mask, Run(RunCropMask, mask_task));
  const auto crop = Pixels<uint8_t>(mask, "CM");
  int right = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) right += crop(x, y) == (CoverAt(x, y) != kForest);
  }
  EXPECT_GT(right, 0.97 * width_ * height_);
}

TEST_F(CropChainTest, EachStratumHasItsModel) {
  std::ofstream out(folder_.File("in") + "/strata.geojson");
  out << R"({"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::)" << grid_.epsg
      << "\"}},\"features\":[" << std::fixed;
  for (int half = 0; half < 2; ++half) {
    // The eastern stratum ends 10 pixels before the scene does.
    const double w = grid_.west + half * 900.0, e = w + (half == 0 ? 900 : 800), n = grid_.north, s = n - 10.0 * height_;
    out << (half > 0 ? "," : "") << R"({"type":"Feature","properties":{"stratum":")" << (half == 0 ? "west" : "east")
        << R"("},"geometry":{"type":"Polygon","coordinates":[[[)" << w << "," << n << "],[" << e << "," << n << "],[" << e
        << "," << s << "],[" << w << "," << s << "],[" << w << "," << n << "]]]}}";
  }
  out << "]}";
  out.close();
  const TaskInput strata{"strata", "digest", "input:/strata.geojson"};
  TaskSpec samples_task = SamplesTask();
  samples_task.inputs.push_back(strata);
  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, samples_task));
  ASSERT_OK_AND_ASSIGN(const TaskInput east, Train(InputOf("samples", samples), "crop-type", "east"));
  ASSERT_OK_AND_ASSIGN(const TaskInput west, Train(InputOf("samples", samples), "crop-type", "west"));
  TaskSpec task = Task("crop-type");
  task.inputs = inputs_;
  task.inputs.push_back(east);
  task.inputs.push_back(strata);
  EXPECT_THAT(Run(RunCropType, task), StatusIs(absl::StatusCode::kInvalidArgument, "stratum 'west'"));
  task.inputs.insert(task.inputs.end() - 1, west);
  ASSERT_OK_AND_ASSIGN(const TaskResult type, Run(RunCropType, task));
  const auto code = Pixels<uint16_t>(type, "CT");
  int right = 0, crops = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      EXPECT_EQ(code(x, y) == raster::kUnsignedNoData, x >= width_ - 10) << "no-data outside of all strata";
      if (x >= width_ - 10 || CoverAt(x, y) == kForest) continue;
      ++crops;
      right += code(x, y) == CoverAt(x, y);
    }
  }
  EXPECT_GT(right, 0.98 * crops);
}

TEST_F(CropChainTest, ASensorWithoutRedEdgeAddsToTheOtherBands) {
  without_red_edge_ = 4;
  std::filesystem::remove_all(folder_.File("out") + "/l2a");
  inputs_.clear();
  for (int d = 0; d < dates_; ++d) inputs_.push_back(PublishDate(d));
  TaskSpec task = SamplesTask();
  task.parameters.Set("purposes", "crop-type");
  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, task));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, stores_->ReadAll(samples.product.uri + "/crop-type.samples"));
  ASSERT_OK_AND_ASSIGN(const learn::SampleTable table, learn::ReadSampleTable(bytes, "table"));
  ASSERT_EQ(table.rows(), 16u * 400);
  // Day 80 is that date's own: there the red edge lies on the line between days 60 and 100, the infrared does not.
  const auto plane = [&](const std::string& name) {
    const auto found = std::find(table.feature_names.begin(), table.feature_names.end(), name);
    return table.plane(static_cast<size_t>(found - table.feature_names.begin()));
  };
  const float *b07 = plane("B07_2021-06-20"), *before = plane("B07_2021-05-31"), *after = plane("B07_2021-07-10");
  const float *b08 = plane("B08_2021-06-20"), *b08_before = plane("B08_2021-05-31"), *b08_after = plane("B08_2021-07-10");
  int off_the_line = 0;
  for (size_t i = 0; i < table.rows(); ++i) {
    EXPECT_NEAR(b07[i], (before[i] + after[i]) / 2, 1e-5);
    off_the_line += std::abs(b08[i] - (b08_before[i] + b08_after[i]) / 2) > 0.002f;
  }
  EXPECT_GT(off_the_line, static_cast<int>(table.rows() / 3)) << "half of that date is under cloud";
}

TEST_F(CropChainTest, SaysWhatIsWrong) {
  TaskSpec no_column = SamplesTask();
  no_column.parameters.Set("column_code", "KULTUR");
  no_column.parameters.Set("columns_named", "KULTUR");
  EXPECT_THAT(Run(RunSamples, no_column),
              StatusIs(absl::StatusCode::kInvalidArgument, "parcels.geojson has no column 'KULTUR'; its columns are ID, CROP"));
  TaskSpec backwards = SamplesTask();
  backwards.parameters.Set("end", "2021-03-01");
  EXPECT_THAT(Run(RunSamples, backwards), StatusIs(absl::StatusCode::kInvalidArgument, "end: the season"));
  TaskSpec no_dates = SamplesTask();
  no_dates.inputs = {no_dates.inputs.back()};
  EXPECT_THAT(Run(RunSamples, no_dates), StatusIs(absl::StatusCode::kInvalidArgument, "no surface reflectance"));

  ASSERT_OK_AND_ASSIGN(const TaskResult samples, Run(RunSamples, SamplesTask()));
  ASSERT_OK_AND_ASSIGN(const TaskInput model, Train(InputOf("samples", samples), "crop-type"));
  TaskSpec other_season = Task("crop-type");
  other_season.inputs = inputs_;
  EXPECT_THAT(Run(RunCropType, other_season), StatusIs(absl::StatusCode::kInvalidArgument, "'model'"));
  other_season.inputs.push_back(model);
  other_season.parameters.Set("start", "2021-04-02");
  EXPECT_THAT(Run(RunCropType, other_season), StatusIs(absl::StatusCode::kInvalidArgument, "B03_2021-04-01"));
  TaskSpec mask = Task("crop-mask");
  mask.inputs = other_season.inputs;
  EXPECT_THAT(Run(RunCropMask, mask), StatusIs(absl::StatusCode::kInvalidArgument, "is a model for crop-type"));

  all_cloud_ = true;
  TaskSpec cloudy = Task("crop-type");
  std::filesystem::remove_all(folder_.File("out") + "/l2a");
  cloudy.inputs = {PublishDate(0), PublishDate(3), model};
  EXPECT_THAT(Run(RunCropType, cloudy), StatusIs(absl::StatusCode::kNotFound, "all cloud"));
  const auto left = stores_->List("output:/crop-type", true);
  EXPECT_TRUE(!left.ok() || left->empty()) << "nothing is published half-done";
}

}  // namespace
}  // namespace arpent::stages
