// The crop stages together on a small season with known truth: samples -> train -> crop-mask -> crop-type.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "common/geo/tile.h"
#include "common/learn/sample_table.h"
#include "common/product/layout.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/stages/catalog.h"
#include "common/stages/crop_mask/crop_mask_stage.h"
#include "common/stages/crop_type/crop_type_stage.h"
#include "common/stages/samples/samples_stage.h"
#include "common/stages/train/train_stage.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

#include <gdal_priv.h>

namespace arpent::stages {
namespace {

using ::arpent::testing::StatusIs;
using raster::Image;

constexpr char kTile[] = "33TVL";
constexpr int kWidth = 180, kHeight = 120, kField = 30;  // pixels
constexpr int kDates = 9;

enum Cover : int { kForest = 0, kWheat = 11, kMaize = 12 };

// Fields of 30 pixels; every third one is forest.
int CoverAt(int x, int y) {
  const int field = x / kField + y / kField * (kWidth / kField);
  return field % 3 == 0 ? kForest : field % 3 == 1 ? kWheat : kMaize;
}

// Wheat peaks in May, maize in August, forest is green all the time.
double NdviOf(int cover, double day_of_season) {
  const auto bump = [&](double peak) { return 0.2 + 0.6 * std::exp(-std::pow((day_of_season - peak) / 35, 2)); };
  return cover == kForest ? 0.82 : bump(cover == kWheat ? 45 : 130);
}

class CropChainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const geo::TileId tile = *geo::TileId::Parse(kTile);
    const geo::Extent square = tile.Square();
    const geo::Grid whole = tile.GridAt(10);
    // Inside the square, on the tile's 60 m lattice.
    grid_ = {whole.epsg, whole.west + 60 * std::ceil((square.west - whole.west) / 60) + 6000,
             whole.north - 60 * std::ceil((whole.north - square.north) / 60) - 6000, 10, kWidth, kHeight};
    std::filesystem::create_directories(folder_.File("in"));
    stores_ = std::make_shared<storage::StoreSet>();
    stores_->Add("output", *storage::FileStore::Open(folder_.File("out"), {.create_root = true}));
    stores_->Add("input", *storage::FileStore::Open(folder_.File("in")));
    storage::InstallVsiArpent(stores_);
    for (int d = 0; d < kDates; ++d) inputs_.push_back(PublishDate(d));
    WriteParcels();
  }

  // A date whose western or eastern half is under cloud on some days.
  TaskInput PublishDate(int date) {
    const int day = date * 20;
    product::ProductDescription description;
    description.stage = "l2a";
    description.algorithm_version = 1;
    const std::string acquisition = "S2A_2021" + std::to_string(1000 + date) + "T100008_R122_T33TVL";
    description.key = Sha256Of(acquisition);
    description.folder = product::L2aFolder(kTile, 2021, acquisition, description.key);
    description.grid = grid_;
    description.tile = kTile;
    description.datetime = absl::FromCivil(absl::CivilDay(2021, 4, 1) + day, absl::UTCTimeZone());
    description.platform = "sentinel-2a";
    const std::string scratch = folder_.File("scratch_l2a" + std::to_string(date));
    std::filesystem::create_directories(scratch);
    product::Publication publication(stores_, scratch, description);
    std::mt19937 random(100 + date);
    std::normal_distribution<double> noise(0, 120);
    const auto cloudy = [date](int x) { return date % 3 == 1 && (x < kWidth / 2) == (date % 2 == 0); };
    const std::map<std::string, int> bands = {{"B02", 10}, {"B03", 10}, {"B04", 10}, {"B08", 10}, {"B05", 20},
                                              {"B06", 20}, {"B07", 20}, {"B8A", 20}, {"B11", 20}, {"B12", 20}};
    for (const auto& [band, resolution] : bands) {
      const bool red_edge = band == "B05" || band == "B06" || band == "B07";
      if (red_edge && date == without_red_edge_) continue;
      const int step = resolution / 10;
      Image<int16_t> pixels(kWidth / step, kHeight / step);
      for (int y = 0; y < pixels.height(); ++y) {
        for (int x = 0; x < pixels.width(); ++x) {
          const double ndvi = NdviOf(CoverAt(x * step, y * step), day);
          const bool infrared = band == "B08" || band == "B8A" || band == "B07" || band == "B06";
          const double value = (infrared ? 2200 * (1 + ndvi) : 2200 * (1 - ndvi)) + noise(random);
          pixels(x, y) = static_cast<int16_t>(cloudy(x * step) ? 8000 : value);
        }
      }
      Add(publication, band, pixels, {.type = product::PixelType::kInt16, .no_data = -9999, .scale = 1e-4}, resolution);
    }
    Image<uint8_t> scl(kWidth / 2, kHeight / 2, raster::kSclVegetation);
    Image<uint16_t> qa(kWidth / 2, kHeight / 2);
    for (int y = 0; y < scl.height(); ++y) {
      for (int x = 0; x < scl.width(); ++x) {
        if (cloudy(2 * x)) scl(x, y) = raster::kSclCloudHigh, qa(x, y) = raster::kQaCloud;
      }
    }
    if (all_cloud_) std::fill_n(scl.data(), scl.size(), raster::kSclCloudHigh);
    Add(publication, "SCL", scl, {.type = product::PixelType::kUInt8, .overviews = product::OverviewKind::kNearest}, 20);
    Add(publication, "QA", qa, {.type = product::PixelType::kUInt16, .overviews = product::OverviewKind::kNearest}, 20);
    const auto published = publication.Publish();
    EXPECT_OK(published);
    return {"l2a", description.key, published->uri};
  }

  template <typename T>
  void Add(product::Publication& publication, const std::string& name, const Image<T>& pixels,
           const product::RasterOptions& options, int resolution) {
    ASSERT_OK_AND_ASSIGN(auto writer, publication.CreateRaster(name, grid_.WithPixel(resolution), options, 1));
    ASSERT_OK(writer->Write({0, 0, pixels.width(), pixels.height()}, pixels.view()));
    ASSERT_OK(publication.FinishRaster(name, std::move(writer)));
  }

  // A parcel of 20 pixels in the middle of each field.
  void WriteParcels() {
    std::ofstream out(folder_.File("in") + "/parcels.geojson");
    out << R"({"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::)" << grid_.epsg
        << "\"}},\"features\":[";
    int id = 0;
    for (int y = 0; y < kHeight; y += kField) {
      for (int x = 0; x < kWidth; x += kField) {
        const int cover = CoverAt(x, y);
        const double w = grid_.west + 10.0 * (x + 5), n = grid_.north - 10.0 * (y + 5), e = w + 200, s = n - 200;
        out << (id > 0 ? "," : "") << "{\"type\":\"Feature\",\"properties\":{\"ID\":" << id << ",\"CROP\":" << (cover != 0)
            << ",\"CODE\":" << cover << ",\"LC\":\"" << (cover == 0 ? "forest" : cover == kWheat ? "wheat" : "maize")
            << "\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[" << std::fixed << w << "," << n << "],[" << e << ","
            << n << "],[" << e << "," << s << "],[" << w << "," << s << "],[" << w << "," << n << "]]]}}";
        ++id;
      }
    }
    out << "]}";
  }

  TaskSpec Task(const std::string& stage) const {
    TaskSpec task;
    task.stage = stage;
    task.algorithm_version = (*FindStage(stage))->algorithm_version;
    task.parameters = (*FindStage(stage))->defaults;
    if (task.parameters.Has("start")) {
      task.parameters.Set("start", "2021-04-01");
      task.parameters.Set("end", "2021-09-10");
    }
    task.site = "site", task.season = "2021", task.tile = kTile;
    return task;
  }

  template <typename Stage>
  absl::StatusOr<TaskResult> Run(Stage stage, const TaskSpec& task, int threads = 2, int64_t memory = int64_t{1} << 30) {
    StageContext context;
    context.stores = stores_;
    context.scratch = folder_.File("scratch" + std::to_string(++runs_));
    std::filesystem::create_directories(context.scratch);
    context.threads = threads;
    context.memory_bytes = memory;
    return stage(task, context);
  }

  TaskSpec SamplesTask() const {
    TaskSpec task = Task("samples");
    task.inputs = inputs_;
    task.inputs.push_back({"parcels", "digest", "input:/parcels.geojson"});
    return task;
  }

  absl::StatusOr<TaskInput> Train(const TaskInput& samples, const std::string& purpose,
                                  const std::string& stratum = "all") {
    TaskSpec task = Task("train");
    task.stratum = stratum;
    task.parameters.Set("purpose", purpose);
    task.parameters.Set("learner", "forest");
    task.parameters.Set("trees", 20);
    task.inputs = {samples};
    ARPENT_ASSIGN_OR_RETURN(const TaskResult result, Run(RunTrain, task));
    return TaskInput{"model", result.product.key, result.product.uri};
  }

  static TaskInput InputOf(const std::string& role, const TaskResult& result) {
    return {role, result.product.key, result.product.uri};
  }

  template <typename T>
  Image<T> Pixels(const TaskResult& result, const std::string& asset) {
    auto reader = product::RasterReader::Open(stores_, result.product.uri + "/" + asset + ".tif");
    EXPECT_OK(reader);
    Image<T> image(kWidth, kHeight);
    EXPECT_OK((*reader)->Read({0, 0, kWidth, kHeight}, T{0}, image.view()));
    return image;
  }

  ::arpent::testing::TemporaryFolder folder_;
  std::shared_ptr<storage::StoreSet> stores_;
  geo::Grid grid_;
  std::vector<TaskInput> inputs_;
  bool all_cloud_ = false;
  int without_red_edge_ = -1;  // a date of a sensor that lacks these bands
  int runs_ = 0;
};

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
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      mask_right += crop(x, y) == (CoverAt(x, y) != kForest);
      type_right += code(x, y) == CoverAt(x, y);
      EXPECT_EQ(sure(x, y) == 255, code(x, y) == 0);
    }
  }
  EXPECT_GT(mask_right, 0.98 * kWidth * kHeight);
  EXPECT_GT(type_right, 0.98 * kWidth * kHeight);

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
      (folder_.File("in") + "/landcover.tif").c_str(), kWidth, kHeight, 1, GDT_Byte, nullptr);
  double transform[6] = {grid_.west, 10, 0, grid_.north, 0, -10};
  map->SetGeoTransform(transform);
  OGRSpatialReference crs;
  crs.importFromEPSG(grid_.epsg);
  map->SetSpatialRef(&crs);
  std::vector<uint8_t> codes(kWidth * kHeight);
  // One field in eight is wrong on the map.
  for (int i = 0; i < kWidth * kHeight; ++i) {
    const int x = i % kWidth, y = i / kWidth;
    const bool wrong = x / kField == 2 && y / kField == 1;
    codes[i] = (CoverAt(x, y) == kForest) != wrong ? 50 : 10;
  }
  ASSERT_EQ(map->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, kWidth, kHeight, codes.data(), kWidth, kHeight, GDT_Byte, 0, 0,
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
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) right += crop(x, y) == (CoverAt(x, y) != kForest);
  }
  EXPECT_GT(right, 0.97 * kWidth * kHeight);
}

TEST_F(CropChainTest, EachStratumHasItsModel) {
  std::ofstream out(folder_.File("in") + "/strata.geojson");
  out << R"({"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::)" << grid_.epsg
      << "\"}},\"features\":[" << std::fixed;
  for (int half = 0; half < 2; ++half) {
    // The eastern stratum ends 10 pixels before the scene does.
    const double w = grid_.west + half * 900.0, e = w + (half == 0 ? 900 : 800), n = grid_.north, s = n - 10.0 * kHeight;
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
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      EXPECT_EQ(code(x, y) == raster::kUnsignedNoData, x >= kWidth - 10) << "no-data outside of all strata";
      if (x >= kWidth - 10 || CoverAt(x, y) == kForest) continue;
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
  for (int d = 0; d < kDates; ++d) inputs_.push_back(PublishDate(d));
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
