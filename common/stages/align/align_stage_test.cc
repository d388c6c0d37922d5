#include "common/stages/align/align_stage.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/geo/tile.h"
#include "common/geo/transform.h"
#include "common/product/l2a_fixture.h"
#include "common/stages/align/sampling.h"

namespace arpent::stages {
namespace {

using product::FakeL2a;
using raster::Image;

class AlignStageTest : public product::OutputStoreTest {
 protected:
  // A plane over the ground: what cubic convolution reproduces exactly but for rounding.
  static double Plane(double east, double north) { return 2000 + (east - 400000) * 0.02 - (north - 5000000) * 0.01; }

  FakeL2a Landsat(const geo::Grid& grid) {
    FakeL2a date;
    date.platform = "LC08";
    date.day = absl::CivilDay(2021, 6, 19);
    date.tile = "191028";
    date.grid = grid;
    for (const char* band : {"B2", "B3", "B4", "B5", "B6", "B7"}) {
      Image<int16_t> image(grid.width, grid.height);
      for (int y = 0; y < grid.height; ++y) {
        for (int x = 0; x < grid.width; ++x) {
          image(x, y) = static_cast<int16_t>(std::lround(Plane(grid.CentreX(x), grid.CentreY(y))));
        }
      }
      date.bands[band] = std::move(image);
    }
    date.scl = Image<uint8_t>(grid.width, grid.height, raster::kSclVegetation);
    date.scl(50, 50) = raster::kSclCloudHigh;
    date.qa = Image<uint16_t>(grid.width, grid.height, 0);
    date.aot = Image<uint16_t>(grid.width, grid.height, 120);
    return date;
  }

  absl::StatusOr<TaskResult> Run(const std::string& uri, const std::string& tile) {
    TaskSpec task;
    task.stage = "align";
    task.algorithm_version = 1;
    task.tile = tile;
    task.acquisition = "LC08_20210619T100008_191028";
    task.inputs = {{"l2a", Sha256Of(uri), uri}};
    StageContext context;
    context.stores = stores_;
    context.scratch = NewScratch();
    context.threads = 2;
    return RunAlign(task, context);
  }
};

TEST_F(AlignStageTest, ReadsLikeADateOfTheTile) {
  const geo::Grid whole = geo::TileId::Parse("33TVL")->GridAt(10);
  const geo::Grid grid = {32633, whole.west + 20010, whole.north - 20010, 30, 120, 100};  // off the 60 m grid
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Publish(Landsat(grid)), "33TVL"));
  ASSERT_OK_AND_ASSIGN(const auto date, product::OpenReflectance(stores_, result.product.uri));
  const scene::ReflectanceMetadata& metadata = date->metadata();
  EXPECT_EQ(metadata.platform, "LC08");
  EXPECT_EQ(metadata.day, absl::CivilDay(2021, 6, 19));
  EXPECT_EQ(metadata.bands, (std::vector<std::string>{"B02", "B03", "B04", "B08", "B11", "B12", "B8A"}));
  EXPECT_EQ(date->ResolutionOf("B08"), 10);
  EXPECT_EQ(date->ResolutionOf("B8A"), 20);
  const geo::Grid tile = geo::TileId::Parse("33TVL")->GridAt(60);
  EXPECT_EQ(std::fmod(metadata.grid10.west - tile.west, 60), 0);
  EXPECT_EQ(std::fmod(tile.north - metadata.grid10.north, 60), 0);
  for (const char* band : {"B02", "B8A"}) {
    const int resolution = date->ResolutionOf(band);
    const geo::Grid at = metadata.grid10.WithPixel(resolution);
    ASSERT_OK_AND_ASSIGN(const auto pixels, date->ReadBand(band, at.Whole()));
    int inside = 0;
    for (int y = 0; y < at.height; ++y) {
      for (int x = 0; x < at.width; ++x) {
        const double east = at.CentreX(x), north = at.CentreY(y);
        const geo::Extent extent = grid.extent();
        // A pixel holds its western and northern edge.
        const bool covered = east >= extent.west && east < extent.east && north <= extent.north && north > extent.south;
        if (!covered) {
          ASSERT_EQ(pixels(x, y), raster::kReflectanceNoData) << x << "," << y;
          continue;
        }
        // Renormalised weights at the scene's edge tilt the plane a little.
        const bool rim = east < extent.west + 60 || east > extent.east - 60 || north > extent.north - 60 ||
                         north < extent.south + 60;
        ASSERT_NEAR(pixels(x, y), Plane(east, north), rim ? 1.5 : 1.01) << x << "," << y;
        ++inside;
      }
    }
    EXPECT_EQ(inside, 120 * 100 * 900 / (resolution * resolution));
  }
  // The cloud at pixel (50, 50): its 30 m square at 20 m.
  const geo::Grid at = metadata.grid10.WithPixel(20);
  ASSERT_OK_AND_ASSIGN(const auto scl, date->ReadScl(at.Whole()));
  for (int y = 0; y < at.height; ++y) {
    for (int x = 0; x < at.width; ++x) {
      const bool cloud =
          std::floor((at.CentreX(x) - grid.west) / 30) == 50 && std::floor((grid.north - at.CentreY(y)) / 30) == 50;
      if (cloud) {
        ASSERT_EQ(scl(x, y), raster::kSclCloudHigh);
      } else {
        ASSERT_NE(scl(x, y), raster::kSclCloudHigh);
      }
    }
  }
}

TEST_F(AlignStageTest, CrossesUtmZones) {
  // The scene in zone 32, the tile in zone 33, around 12 degrees east.
  double x = 12.02, y = 45.2;
  (*geo::Transform::Create(4326, 32632)).Forward(x, y);
  const geo::Grid grid = {32632, std::floor(x / 30) * 30 - 1500, std::floor(y / 30) * 30 + 1500, 30, 100, 100};
  auto date = Landsat(grid);
  for (auto& [name, image] : date.bands) {
    for (int v = 0; v < 100; ++v) {
      for (int u = 0; u < 100; ++u) image(u, v) = static_cast<int16_t>(1000 + 10 * u + 3 * v);
    }
  }
  const std::string uri = Publish(date);
  const std::string tile = geo::OwnerOf(12.02, 45.2)->name();
  ASSERT_EQ(tile.substr(0, 2), "33");
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(uri, tile));
  ASSERT_OK_AND_ASSIGN(const auto reader, product::RasterReader::Open(stores_, result.product.uri + "/B04.tif"));
  const geo::Grid at = reader->grid();
  const auto red = ReadAsset<int16_t>(result.product.uri, "B04");
  const auto back = *geo::Transform::Create(at.epsg, 32632);
  int compared = 0;
  for (int row = 0; row < at.height; row += 5) {
    for (int column = 0; column < at.width; column += 5) {
      double east = at.CentreX(column), north = at.CentreY(row);
      back.Forward(east, north);
      const double u = (east - grid.west) / 30, v = (grid.north - north) / 30;
      if (u < 3 || v < 3 || u > 97 || v > 97) continue;
      ASSERT_NEAR(red(column, row), 1000 + 10 * (u - 0.5) + 3 * (v - 0.5), 0.7);
      ++compared;
    }
  }
  EXPECT_GT(compared, 2000);
}

TEST_F(AlignStageTest, SkipsAndNamesWhatIsWrong) {
  const geo::Grid far = {32633, 720000, 4980000, 30, 60, 60};
  const std::string uri = Publish(Landsat(far));
  ASSERT_OK_AND_ASSIGN(const TaskResult skipped, Run(uri, "33TVL"));
  EXPECT_EQ(skipped.outcome, TaskResult::Outcome::kSkipped);
  EXPECT_EQ(skipped.skip_reason, "no-data");
  EXPECT_THAT(Run(uri, "tile"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "'tile'"));
  const std::string sentinel = Publish(FakeL2a::Constant(absl::CivilDay(2021, 6, 5), 1000));
  EXPECT_THAT(Run(sentinel, "33TVL"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "no L2A of Landsat"));
}

TEST(SampleBicubic, LeavesHolesAsTheyAre) {
  Image<int16_t> image(6, 6, 500);
  image(3, 3) = -9999;
  const raster::View<const int16_t> view = static_cast<const Image<int16_t>&>(image).view();
  EXPECT_EQ(SampleBicubic(view, 3.2, 3.9, -9999), -9999);
  EXPECT_EQ(SampleBicubic(view, 2.9, 3.5, -9999), 500);
  EXPECT_EQ(SampleBicubic(view, -0.1, 3.5, -9999), -9999);
  EXPECT_EQ(SampleBicubic(view, 0.1, 5.9, -9999), 500);
}

}  // namespace
}  // namespace arpent::stages
