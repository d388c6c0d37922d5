#include "common/stages/map/map_stage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "absl/strings/str_split.h"
#include "common/geo/tile.h"
#include "common/geo/transform.h"
#include "common/product/l2a_fixture.h"
#include "common/stages/catalog.h"
#include "common/stages/map/map_sources.h"

namespace arpent::stages {
namespace {

using raster::Image;

class MapStageTest : public product::OutputStoreTest {
 protected:
  // A crop-type or crop-mask product whose code at a pixel is `code(east, north)` of its centre.
  template <typename Code>
  TaskInput PublishCodes(const std::string& stage, const std::string& tile, const geo::Grid& grid, const Code& code) {
    product::ProductDescription description;
    description.stage = stage;
    description.algorithm_version = 1;
    description.key = Sha256Of(tile + stage + std::to_string(scratch_count_));
    description.folder = product::SeasonTileFolder(stage, "site", "2021", tile, description.key);
    description.grid = grid;
    description.tile = tile;
    product::Publication publication(stores_, NewScratch(), description);
    if (stage == "crop-type") {
      Image<uint16_t> image(grid.width, grid.height);
      for (int y = 0; y < grid.height; ++y) {
        for (int x = 0; x < grid.width; ++x)
          image(x, y) = static_cast<uint16_t>(code(grid.CentreX(x), grid.CentreY(y)));
      }
      const product::RasterOptions options = {.type = product::PixelType::kUInt16,
                                              .no_data = 65535,
                                              .classes = {{1, "maize, grain", "#ffff00"}, {2, "wheat", "#c0a000"}}};
      AddRaster(publication, "CT", grid, options, image);
    } else {
      Image<uint8_t> image(grid.width, grid.height);
      for (int y = 0; y < grid.height; ++y) {
        for (int x = 0; x < grid.width; ++x) image(x, y) = static_cast<uint8_t>(code(grid.CentreX(x), grid.CentreY(y)));
      }
      AddRaster(publication, "CM", grid, {.type = product::PixelType::kUInt8, .no_data = 255}, image);
    }
    const auto product = publication.Publish();
    EXPECT_OK(product);
    return {stage, description.key, product->uri};
  }

  absl::StatusOr<TaskResult> Run(const std::vector<TaskInput>& inputs, const std::string& crs, int threads = 2) {
    TaskSpec task;
    task.stage = "map";
    task.algorithm_version = 1;
    task.site = "site";
    task.season = "2021";
    task.parameters.Set("crs", crs);
    task.parameters.Set("region_column", "name");
    task.inputs = inputs;
    StageContext context;
    context.stores = stores_;
    context.scratch = NewScratch();
    context.threads = threads;
    return RunMap(task, context);
  }

  static geo::Grid Around(const std::string& tile, double longitude, double latitude, int pixels) {
    const geo::TileId id = *geo::TileId::Parse(tile);
    auto to_utm = *geo::Transform::Create(4326, id.epsg());
    to_utm.Forward(longitude, latitude);
    const geo::Grid whole = id.GridAt(10);
    const int x = static_cast<int>((longitude - whole.west) / 60) * 6 - pixels / 2 / 6 * 6;
    const int y = static_cast<int>((whole.north - latitude) / 60) * 6 - pixels / 2 / 6 * 6;
    return whole.Sub({x, y, pixels, pixels});
  }
};

// Codes that tell the tile and where the pixel lies.
int Stripes(double east, double north) { return 1 + (static_cast<int>(std::floor(east / 100)) & 1); }

TEST_F(MapStageTest, OneTileInItsOwnCrsIsItself) {
  const geo::Grid grid = geo::TileId::Parse("33TVL")->GridAt(10).Sub({600, 600, 600, 540});
  const TaskInput input = PublishCodes("crop-type", "33TVL", grid, Stripes);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run({input}, ""));
  ASSERT_OK_AND_ASSIGN(const auto reader, product::RasterReader::Open(stores_, result.product.uri + "/CT.tif"));
  EXPECT_EQ(reader->grid(), grid);
  const auto map = ReadAsset<uint16_t>(result.product.uri, "CT"), tile = ReadAsset<uint16_t>(input.uri, "CT");
  EXPECT_TRUE(map == tile);
  EXPECT_EQ(result.pixels, 600 * 540);
  ASSERT_OK_AND_ASSIGN(const std::string csv, stores_->ReadAll(result.product.uri + "/area.csv"));
  const int64_t maize = std::count(map.data(), map.data() + map.size(), 1);
  EXPECT_NE(csv.find(absl::StrCat("CT,all,1,\"maize, grain\",", maize, ",", maize / 100)), std::string::npos) << csv;
  ASSERT_OK_AND_ASSIGN(const std::string style, stores_->ReadAll(result.product.uri + "/CT.qml"));
  EXPECT_NE(style.find("label=\"wheat\""), std::string::npos);
}

TEST_F(MapStageTest, OverlappingTilesAreCountedOnce) {
  // 33TVL and its eastern neighbour share a strip; each pixel must come from its owner.
  const geo::TileId west = *geo::TileId::Parse("33TVL"), east = *geo::TileId::Parse("33TWL");
  const geo::Grid west_grid = west.GridAt(10).Sub({10980 - 1200, 6000, 1200, 300});
  const geo::Grid east_grid = east.GridAt(10).Sub({0, 6000, 1200, 300});
  ASSERT_EQ(west_grid.north, east_grid.north);
  const std::vector<TaskInput> inputs = {
      PublishCodes("crop-mask", "33TVL", west_grid, [](double, double) { return 0; }),
      PublishCodes("crop-mask", "33TWL", east_grid, [](double, double) { return 1; })};
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(inputs, "EPSG:32633"));
  ASSERT_OK_AND_ASSIGN(const auto reader, product::RasterReader::Open(stores_, result.product.uri + "/CM.tif"));
  const auto map = ReadAsset<uint8_t>(result.product.uri, "CM");
  const double border = east.Square().west;
  for (int x = 0; x < map.width(); ++x) ASSERT_EQ(map(x, 100), reader->grid().CentreX(x) < border ? 0 : 1) << x;
  EXPECT_EQ(result.pixels, int64_t{map.width()} * map.height());
}

TEST_F(MapStageTest, CrossesAUtmBorder) {
  // Either side of 12 degrees east: zones 32 and 33. Each pixel by its own transformation is the oracle.
  const double latitude = 45.2;
  const auto west = *geo::OwnerOf(11.995, latitude), east = *geo::OwnerOf(12.005, latitude);
  ASSERT_NE(west.zone(), east.zone());
  const auto code_west = [](double e, double n) {
    return 100 + static_cast<int>(std::fmod(std::floor(e / 10) * 7 + std::floor(n / 10), 50));
  };
  const auto code_east = [](double e, double n) {
    return 200 + static_cast<int>(std::fmod(std::floor(e / 10) * 7 + std::floor(n / 10), 50));
  };
  const std::vector<TaskInput> inputs = {
      PublishCodes("crop-type", west.name(), Around(west.name(), 12.0, latitude, 300), code_west),
      PublishCodes("crop-type", east.name(), Around(east.name(), 12.0, latitude, 300), code_east)};
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(inputs, "EPSG:3035"));
  ASSERT_OK_AND_ASSIGN(const auto reader, product::RasterReader::Open(stores_, result.product.uri + "/CT.tif"));
  const geo::Grid grid = reader->grid();
  EXPECT_EQ(grid.epsg, 3035);
  const auto map = ReadAsset<uint16_t>(result.product.uri, "CT");
  auto to_degrees = *geo::Transform::Create(3035, 4326);
  auto to_west = *geo::Transform::Create(3035, west.epsg()), to_east = *geo::Transform::Create(3035, east.epsg());
  int compared = 0, near_edge = 0, from_west = 0;
  for (int y = 0; y < map.height(); y += 3) {
    for (int x = 0; x < map.width(); x += 3) {
      if (map(x, y) == 65535) continue;
      double longitude = grid.CentreX(x), lat = grid.CentreY(y);
      to_degrees.Forward(longitude, lat);
      const bool is_west = longitude < 12;
      double e = grid.CentreX(x), n = grid.CentreY(y);
      (is_west ? to_west : to_east).Forward(e, n);
      const auto distance_to_edge = [](double value) { return std::abs(value / 10 - std::round(value / 10)); };
      if (distance_to_edge(e) < 0.01 || distance_to_edge(n) < 0.01 || std::abs(longitude - 12) < 2e-5) {
        ++near_edge;
        continue;
      }
      ASSERT_EQ(map(x, y), is_west ? code_west(e, n) : code_east(e, n)) << x << "," << y << " at " << longitude;
      ++compared;
      from_west += is_west;
    }
  }
  EXPECT_GT(from_west, 1000);
  EXPECT_GT(compared - from_west, 1000);
  EXPECT_LT(near_edge, compared / 15);
}

TEST_F(MapStageTest, InDegreesPixelsHaveTheirAreaOnTheEllipsoid) {
  const geo::Grid grid = geo::TileId::Parse("33TVL")->GridAt(10).Sub({600, 600, 600, 540});
  const TaskInput input = PublishCodes("crop-type", "33TVL", grid, Stripes);
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run({input}, "EPSG:4326"));
  ASSERT_OK_AND_ASSIGN(const auto reader, product::RasterReader::Open(stores_, result.product.uri + "/CT.tif"));
  const geo::Grid degrees = reader->grid();
  EXPECT_EQ(degrees.epsg, 4326);
  EXPECT_DOUBLE_EQ(degrees.pixel_m, 9e-5);
  const auto map = ReadAsset<uint16_t>(result.product.uri, "CT");
  // Every pixel has the code of where it lies.
  auto to_utm = *geo::Transform::Create(4326, grid.epsg);
  int compared = 0;
  for (int y = 3; y < map.height(); y += 7) {
    for (int x = 2; x < map.width(); x += 5) {
      double e = degrees.CentreX(x), n = degrees.CentreY(y);
      to_utm.Forward(e, n);
      if (map(x, y) == 65535 || std::abs(e / 10 - std::round(e / 10)) < 0.01) continue;
      ASSERT_EQ(map(x, y), Stripes(e, n)) << x << "," << y;
      ++compared;
    }
  }
  EXPECT_GT(compared, 5000);
  // The area is that of the tile's own pixels, but for the scale of its projection there (0.9996 to 1.0004, squared).
  ASSERT_OK_AND_ASSIGN(const std::string csv, stores_->ReadAll(result.product.uri + "/area.csv"));
  double hectares = 0;
  for (const absl::string_view line : absl::StrSplit(csv, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    if (cells[0] == "CT") hectares += std::stod(cells[cells.size() - 2]);
  }
  EXPECT_NEAR(hectares / (600 * 540 * 0.01), 1, 0.004);
  EXPECT_NEAR(result.area_km2 * 100 / hectares, 1, 1e-4);
}

TEST_F(MapStageTest, CountsAreaPerRegion) {
  const geo::Grid grid = geo::TileId::Parse("33TVL")->GridAt(10).Sub({600, 600, 120, 60});
  const TaskInput input = PublishCodes("crop-type", "33TVL", grid, Stripes);
  auto to_degrees = *geo::Transform::Create(grid.epsg, 4326);
  // The western half of the chip, as GeoJSON.
  std::string ring;
  const geo::Extent e = grid.extent();
  const double middle = (e.west + e.east) / 2;
  for (const auto& [x, y] : std::vector<std::pair<double, double>>{
           {e.west, e.south}, {middle, e.south}, {middle, e.north}, {e.west, e.north}, {e.west, e.south}}) {
    double u = x, v = y;
    to_degrees.Forward(u, v);
    absl::StrAppendFormat(&ring, "%s[%.12f,%.12f]", ring.empty() ? "" : ",", u, v);
  }
  ASSERT_OK(stores_->WriteAll(
      "output:/inputs/regions.geojson",
      absl::StrCat(R"({"type":"FeatureCollection","features":[{"type":"Feature",)",
                   R"("properties":{"name":"West"},"geometry":{"type":"Polygon","coordinates":[[)", ring, "]]}}]}")));
  ASSERT_OK_AND_ASSIGN(const TaskResult result,
                       Run({input, {"regions", "digest", "output:/inputs/regions.geojson"}}, ""));
  ASSERT_OK_AND_ASSIGN(const std::string csv, stores_->ReadAll(result.product.uri + "/area.csv"));
  const auto map = ReadAsset<uint16_t>(result.product.uri, "CT");
  std::map<int, int> expected;
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) ++expected[map(x, y)];
  }
  EXPECT_NE(csv.find(absl::StrCat("CT,West,2,wheat,", expected[2], ",")), std::string::npos) << csv;
  EXPECT_NE(csv.find(absl::StrCat("CT,West,1,\"maize, grain\",", expected[1], ",")), std::string::npos) << csv;
}

TEST_F(MapStageTest, SkipsAndNamesWhatIsWrong) {
  const geo::Grid inside = geo::TileId::Parse("33TVL")->GridAt(10).Sub({600, 600, 60, 60});
  // A chip in the margin of the tile is its neighbour's.
  const geo::Grid margin = geo::TileId::Parse("33TVL")->GridAt(10).Sub({10920, 600, 60, 60});
  const TaskInput input = PublishCodes("crop-type", "33TVL", inside, Stripes);
  const TaskInput foreign = PublishCodes("crop-type", "33TVL", margin, Stripes);
  ASSERT_OK_AND_ASSIGN(const TaskResult skipped, Run({foreign}, ""));
  EXPECT_EQ(skipped.outcome, TaskResult::Outcome::kSkipped);
  EXPECT_THAT(Run({input}, "EPSG:2264"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "neither in metres nor"));
  EXPECT_THAT(Run({input}, "EPSG:1"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "EPSG:1 is not known"));
  EXPECT_THAT(Run({input}, "utm"), testing::StatusIs(absl::StatusCode::kInvalidArgument, "crs 'utm'"));
  EXPECT_THAT(Run({input, foreign}, ""), testing::StatusIs(absl::StatusCode::kInvalidArgument, "another grid"));
}

}  // namespace
}  // namespace arpent::stages
