#include "common/scene/elevation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>

#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

using testing::StatusIs;

// An Arc/Info ASCII grid in UTM: GDAL reads it, and a test can write it.
class ElevationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream grid(folder_.File("dem.asc"));
    grid << "ncols 20\nnrows 20\nxllcorner 300000\nyllcorner 5099400\ncellsize 30\nNODATA_value -9999\n";
    for (int y = 0; y < 20; ++y) {
      for (int x = 0; x < 20; ++x) grid << (x > 15 && y > 15 ? -9999 : 100 + 3 * x) << ' ';
      grid << '\n';
    }
    std::ofstream(folder_.File("dem.prj"))
        << R"(PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],)"
           R"(PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]],PROJECTION["Transverse_Mercator"],)"
           R"(PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],)"
           R"(PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["Meter",1]])";
    stores_ = std::make_shared<storage::StoreSet>();
    stores_->Add("input", *storage::FileStore::Open(folder_.path()));
    storage::InstallVsiArpent(stores_);
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<storage::StoreSet> stores_;
};

TEST_F(ElevationTest, WarpsHeightsAndKeepsHoles) {
  const geo::Grid grid{32633, 300000, 5100000, 20, 40, 30};
  ASSERT_OK_AND_ASSIGN(const auto heights, ReadElevation(*stores_, "input:/dem.asc", grid));
  // The raster rises by 0.1 m a metre eastwards from 100 m at 15 m.
  for (int x = 2; x < 25; ++x) EXPECT_NEAR(heights(x, 5), 100 + 0.1 * ((x + 0.5) * 20 - 15), 0.01) << x;
  EXPECT_TRUE(std::isnan(heights(28, 28)));  // its own hole
  EXPECT_TRUE(std::isnan(heights(35, 5)));   // outside of it
}

TEST_F(ElevationTest, WarpsFromAnotherZone) {
  const geo::Grid grid{32632, 757000, 5103000, 20, 20, 20};  // somewhere else: nothing there
  ASSERT_OK_AND_ASSIGN(const auto heights, ReadElevation(*stores_, "input:/dem.asc", grid));
  EXPECT_TRUE(std::isnan(heights(0, 0)));
}

TEST_F(ElevationTest, FillValuesThatAreNotDeclaredAreHoles) {
  for (const int fill : {-32768, 32767, -9998}) {
    std::ofstream grid(folder_.File("fill.asc"));
    grid << "ncols 20\nnrows 20\nxllcorner 300000\nyllcorner 5099400\ncellsize 30\n";
    for (int y = 0; y < 20; ++y) {
      for (int x = 0; x < 20; ++x) grid << (x > 10 ? fill : 250) << ' ';
      grid << '\n';
    }
    grid.close();
    std::filesystem::copy_file(folder_.File("dem.prj"), folder_.File("fill.prj"), std::filesystem::copy_options::overwrite_existing);
    const geo::Grid area{32633, 300000, 5100000, 30, 20, 20};
    ASSERT_OK_AND_ASSIGN(const auto heights, ReadElevation(*stores_, "input:/fill.asc", area));
    EXPECT_NEAR(heights(5, 5), 250, 0.01);
    EXPECT_TRUE(std::isnan(heights(15, 5))) << fill;
  }
}

TEST_F(ElevationTest, SaysWhatIsWrong) {
  const geo::Grid grid{32633, 300000, 5100000, 20, 4, 4};
  EXPECT_THAT(ReadElevation(*stores_, "input:/none.tif", grid), StatusIs(absl::StatusCode::kNotFound, "none.tif"));
  std::ofstream(folder_.File("plain.pgm")) << "P5\n2 2\n255\nabcd";
  EXPECT_THAT(ReadElevation(*stores_, "input:/plain.pgm", grid),
              StatusIs(absl::StatusCode::kInvalidArgument, "no georeference"));
  std::ofstream(folder_.File("text.tif")) << "no raster";
  EXPECT_THAT(ReadElevation(*stores_, "input:/text.tif", grid), StatusIs(absl::StatusCode::kDataLoss, "text.tif"));
}

}  // namespace
}  // namespace arpent::scene
