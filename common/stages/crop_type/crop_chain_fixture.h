// A small season with known truth, and the crop stages that are run on it.
#ifndef ARPENT_COMMON_STAGES_CROP_TYPE_CROP_CHAIN_FIXTURE_H_
#define ARPENT_COMMON_STAGES_CROP_TYPE_CROP_CHAIN_FIXTURE_H_

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "common/geo/tile.h"
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

namespace arpent::stages {

inline constexpr char kTile[] = "33TVL";
inline constexpr int kField = 30;  // pixels

enum Cover : int { kForest = 0, kWheat = 11, kMaize = 12 };

// Fields of 30 pixels; every third one is forest.
inline int CoverAt(int x, int y) {
  const int field = x / kField + y / kField * 6;
  return field % 3 == 0 ? kForest : field % 3 == 1 ? kWheat : kMaize;
}

// Wheat peaks in May, maize in August, forest is green all the time.
inline double NdviOf(int cover, double day_of_season) {
  const auto bump = [&](double peak) { return 0.2 + 0.6 * std::exp(-std::pow((day_of_season - peak) / 35, 2)); };
  return cover == kForest ? 0.82 : bump(cover == kWheat ? 45 : 130);
}

class CropChainTest : public ::testing::Test {
 protected:
  explicit CropChainTest(int width = 180, int height = 120, int dates = 9)
      : width_(width), height_(height), dates_(dates) {}

  void SetUp() override {
    const geo::TileId tile = *geo::TileId::Parse(kTile);
    const geo::Extent square = tile.Square();
    const geo::Grid whole = tile.GridAt(10);
    // Inside the square, on the tile's 60 m lattice.
    grid_ = {whole.epsg, whole.west + 60 * std::ceil((square.west - whole.west) / 60) + 6000,
             whole.north - 60 * std::ceil((whole.north - square.north) / 60) - 6000, 10, width_, height_};
    std::filesystem::create_directories(folder_.File("in"));
    stores_ = std::make_shared<storage::StoreSet>();
    stores_->Add("output", *storage::FileStore::Open(folder_.File("out"), {.create_root = true}));
    stores_->Add("input", *storage::FileStore::Open(folder_.File("in")));
    storage::InstallVsiArpent(stores_);
    for (int d = 0; d < dates_; ++d) inputs_.push_back(PublishDate(d));
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
    const auto cloudy = [this, date](int x) { return date % 3 == 1 && (x < width_ / 2) == (date % 2 == 0); };
    const std::map<std::string, int> bands = {{"B02", 10}, {"B03", 10}, {"B04", 10}, {"B08", 10}, {"B05", 20},
                                              {"B06", 20}, {"B07", 20}, {"B8A", 20}, {"B11", 20}, {"B12", 20}};
    for (const auto& [band, resolution] : bands) {
      const bool red_edge = band == "B05" || band == "B06" || band == "B07";
      if (red_edge && date == without_red_edge_) continue;
      const int step = resolution / 10;
      raster::Image<int16_t> pixels(width_ / step, height_ / step);
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
    raster::Image<uint8_t> scl(width_ / 2, height_ / 2, raster::kSclVegetation);
    raster::Image<uint16_t> qa(width_ / 2, height_ / 2);
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
  void Add(product::Publication& publication, const std::string& name, const raster::Image<T>& pixels,
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
    for (int y = 0; y < height_; y += kField) {
      for (int x = 0; x < width_; x += kField) {
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
  raster::Image<T> Pixels(const TaskResult& result, const std::string& asset) {
    auto reader = product::RasterReader::Open(stores_, result.product.uri + "/" + asset + ".tif");
    EXPECT_OK(reader);
    raster::Image<T> image(width_, height_);
    EXPECT_OK((*reader)->Read({0, 0, width_, height_}, T{0}, image.view()));
    return image;
  }

  const int width_, height_, dates_;
  ::arpent::testing::TemporaryFolder folder_;
  std::shared_ptr<storage::StoreSet> stores_;
  geo::Grid grid_;
  std::vector<TaskInput> inputs_;
  bool all_cloud_ = false;
  int without_red_edge_ = -1;  // a date of a sensor that lacks these bands
  int runs_ = 0;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_CROP_TYPE_CROP_CHAIN_FIXTURE_H_
