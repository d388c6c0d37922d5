// A small Sentinel-2 scene of the test's own making: TOA reflectance in, SAFE product and L2A task out.
#ifndef ARPENT_COMMON_STAGES_L2A_SYNTHETIC_SCENE_FIXTURE_H_
#define ARPENT_COMMON_STAGES_L2A_SYNTHETIC_SCENE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/scene/safe_writer.h"
#include "common/stages/catalog.h"
#include "common/stages/l2a/analytic_tables.h"
#include "common/stages/l2a/l2a_stage.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {

// TOA reflectance of a band's pixel, in pixels of the band.
using ToaSource = std::function<double(const scene::Band& band, int x, int y)>;

class SyntheticScene : public ::testing::Test {
 protected:
  static constexpr double kSunZenithDeg = 35, kSunAzimuthDeg = 150;
  static constexpr double kViewZenithDeg = 4, kViewAzimuthDeg = 100;

  void SetUp() override {
    std::ofstream(folder_.File("atmosphere.lut"), std::ios::binary) << AnalyticTables();
    stores_ = std::make_shared<storage::StoreSet>();
    for (const char* name : {"input", "output"}) {
      std::filesystem::create_directories(folder_.File(name));
      stores_->Add(name, *storage::FileStore::Open(folder_.File(name)));
    }
    storage::InstallVsiArpent(stores_);
  }

  // `size`: 10 m pixels a side, a multiple of 6.
  static scene::SceneMetadata Metadata(int size) {
    scene::SceneMetadata m;
    m.platform = "S2A";
    m.tile = "33UXP";
    m.sensing_start = absl::FromCivil(absl::CivilSecond(2021, 6, 10, 10, 0, 31), absl::UTCTimeZone());
    m.generation_time = m.sensing_start + absl::Hours(3);
    m.relative_orbit = 122;
    m.processing_baseline = "05.10";
    m.grid = m.tile_grid = {32633, 600000, 5400000, 10, size, size};
    m.bands = scene::Sentinel2Bands(-1000);
    m.mean_sun_zenith_deg = kSunZenithDeg;
    m.mean_sun_azimuth_deg = kSunAzimuthDeg;
    m.sun = Everywhere(kSunZenithDeg, kSunAzimuthDeg);
    for (size_t b = 0; b < m.bands.size(); ++b) {
      m.view.push_back(Everywhere(kViewZenithDeg, kViewAzimuthDeg));
      m.mean_view_zenith_deg.push_back(kViewZenithDeg);
      m.mean_view_azimuth_deg.push_back(kViewAzimuthDeg);
    }
    m.product_id = scene::SafeProductId(m);
    return m;
  }

  // Writes the scene into the input store; returns its URI.
  std::string Write(const scene::SceneMetadata& metadata, const ToaSource& toa) {
    const auto source = [&](const scene::Band& band) -> absl::StatusOr<std::unique_ptr<scene::RowSource>> {
      return std::make_unique<Rows>(band, toa);
    };
    const geo::Grid grid60 = metadata.grid.WithPixel(60);
    const raster::Image<uint8_t> no_clouds(grid60.width, grid60.height);
    const auto written = scene::WriteSafe(folder_.File("input"), metadata, source, no_clouds, 2);
    EXPECT_OK(written.status());
    return "input:/" + metadata.product_id + ".SAFE";
  }

  static TaskSpec Task(const std::string& uri) {
    TaskSpec task;
    task.stage = "l2a";
    task.algorithm_version = (*FindStage("l2a"))->algorithm_version;
    task.parameters = (*FindStage("l2a"))->defaults;
    task.inputs = {{"scene", "", uri}};
    return task;
  }

  StageContext Context(int threads = 2) {
    StageContext context;
    context.stores = stores_;
    context.scratch = folder_.File("scratch" + std::to_string(++runs_));
    std::filesystem::create_directories(context.scratch);
    context.tables = folder_.path();
    context.threads = threads;
    return context;
  }

  raster::Image<int16_t> Read(const TaskResult& result, const std::string& asset) {
    const auto reader = *product::RasterReader::Open(stores_, result.product.uri + "/" + asset + ".tif");
    raster::Image<int16_t> pixels(reader->grid().width, reader->grid().height);
    EXPECT_OK(reader->Read(reader->grid().Whole(), raster::kReflectanceNoData, pixels.view()));
    return pixels;
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<storage::StoreSet> stores_;
  int runs_ = 0;

 private:
  class Rows final : public scene::RowSource {
   public:
    Rows(const scene::Band& band, const ToaSource& toa) : band_(band), toa_(toa) {}
    absl::Status Read(raster::View<uint16_t> rows) override {
      for (int y = 0; y < rows.height(); ++y, ++next_) {
        for (int x = 0; x < rows.width(); ++x) {
          const double number = toa_(band_, x, next_) * band_.quantification - band_.offset;
          rows(x, y) = static_cast<uint16_t>(std::clamp(std::round(number), 0.0, 65535.0));
        }
      }
      return absl::OkStatus();
    }

   private:
    const scene::Band band_;
    const ToaSource& toa_;
    int next_ = 0;
  };

  static scene::AngleGrid Everywhere(float zenith_deg, float azimuth_deg) {
    scene::AngleGrid grid;
    grid.zenith_deg = raster::Image<float>(23, 23, zenith_deg);
    grid.azimuth_deg = raster::Image<float>(23, 23, azimuth_deg);
    return grid;
  }
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_SYNTHETIC_SCENE_FIXTURE_H_
