// The raster form of the file (the NetCDF form: tests/integration/l2a_ancillary_test.py, whose files are not written by GDAL).
#include "common/scene/cams_aerosol.h"

#include <gdal.h>
#include <gtest/gtest.h>
#include <ogr_srs_api.h>

#include <array>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "common/scene/dataset_pool.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

using testing::StatusIs;

struct TestBand {
  std::string variable, time;
  double west = 0, per_column = 0, per_row = 0;  // value = west + column * per_column + row * per_row
};

class CamsFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RegisterGdal();
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("input", *storage::FileStore::Open(folder_.path()));
    stores_ = stores;
    storage::InstallVsiArpent(stores_);
  }

  // 10 x 8 pixels of 0.75 degrees, the first centred on 10 E, 50 N.
  void Write(const std::string& name, const std::vector<TestBand>& bands, double west_deg = 10, int columns = 10, double step_deg = 0.75) {
    const int rows = 8;
    Dataset file(GDALCreate(GDALGetDriverByName("GTiff"), folder_.File(name).c_str(), columns, rows, static_cast<int>(bands.size()), GDT_Float64, nullptr));
    std::array<double, 6> transform = {west_deg - step_deg / 2, step_deg, 0, 50 + 0.375, 0, -0.75};
    GDALSetGeoTransform(file.get(), transform.data());
    const OGRSpatialReferenceH reference = OSRNewSpatialReference(nullptr);
    OSRImportFromEPSG(reference, 4326);
    GDALSetSpatialRef(file.get(), reference);
    OSRDestroySpatialReference(reference);
    for (size_t b = 0; b < bands.size(); ++b) {
      const GDALRasterBandH band = GDALGetRasterBand(file.get(), static_cast<int>(b) + 1);
      GDALSetDescription(band, bands[b].variable.c_str());
      GDALSetMetadataItem(band, "TIME", bands[b].time.c_str(), nullptr);
      std::vector<double> values;
      for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) values.push_back(bands[b].west + x * bands[b].per_column + y * bands[b].per_row);
      }
      ASSERT_EQ(GDALRasterIO(band, GF_Write, 0, 0, columns, rows, values.data(), columns, rows, GDT_Float64, 0, 0), CE_None);
    }
  }

  absl::StatusOr<CamsAerosol> Read(const std::string& name, double longitude, double latitude, const std::string& time, bool species = false) {
    absl::Time at;
    std::string error;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, time, &at, &error)) << error;
    return ReadCamsAerosol(*stores_, "input:/" + name, folder_.path(), longitude, latitude, at, species);
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
};

TEST_F(CamsFileTest, IsInterpolatedInSpaceAndTime) {
  Write("cams.tif", {{"aod550", "2021-06-10T12:00:00Z", 0.4, 0.01, 0.1}, {"aod550", "2021-06-10T09:00:00Z", 0.1, 0.01, 0.1}});
  // A third of a pixel east of the second column, half a row south of the first; a third of the way from 9 to 12.
  ASSERT_OK_AND_ASSIGN(const CamsAerosol found, Read("cams.tif", 10.75 + 0.25, 50 - 0.375, "2021-06-10T10:00:00Z"));
  EXPECT_NEAR(found.total, 0.1 + 0.01 * (1 + 1.0 / 3) + 0.05 + 0.3 / 3, 1e-12);
  // Two hours before the first time: the first.
  ASSERT_OK_AND_ASSIGN(const CamsAerosol early, Read("cams.tif", 10, 50, "2021-06-10T07:00:00Z"));
  EXPECT_NEAR(early.total, 0.1, 1e-12);
}

TEST_F(CamsFileTest, GoesAroundTheGlobe) {
  Write("globe.tif", {{"aod550", "2021-06-10T09:00:00Z", 0, 0.01, 0}}, 0, 480);
  ASSERT_OK_AND_ASSIGN(const CamsAerosol west, Read("globe.tif", -0.75 / 4, 48, "2021-06-10T09:00:00Z"));
  EXPECT_NEAR(west.total, 0.25 * 4.79, 1e-12);  // between the last column and the first
  ASSERT_OK_AND_ASSIGN(const CamsAerosol canada, Read("globe.tif", -90, 48, "2021-06-10T09:00:00Z"));
  EXPECT_NEAR(canada.total, 270 / 0.75 * 0.01, 1e-9);
}

TEST_F(CamsFileTest, WhatIsMissingIsNamed) {
  Write("cams.tif", {{"aod550", "2021-06-10T09:00:00Z", 0.1, 0, 0}, {"aod550", "2021-06-12T09:00:00Z", 0.1, 0, 0}});
  EXPECT_THAT(Read("none.tif", 10, 50, "2021-06-10T09:00:00Z").status(), StatusIs(absl::StatusCode::kNotFound, "none.tif"));
  EXPECT_THAT(Read("cams.tif", 10, 50, "2021-06-10T09:00:00Z", true).status(), StatusIs(absl::StatusCode::kInvalidArgument, "bcaod550"));
  EXPECT_THAT(Read("cams.tif", 10, 50, "2021-06-11T09:00:00Z").status(), StatusIs(absl::StatusCode::kNotFound, "2021-06-11T09:00Z"));
  EXPECT_THAT(Read("cams.tif", 10, 50, "2022-06-11T09:00:00Z").status(), StatusIs(absl::StatusCode::kNotFound, "2021-06-12"));
  EXPECT_THAT(Read("cams.tif", 30, 50, "2021-06-10T09:00:00Z").status(), StatusIs(absl::StatusCode::kNotFound, "longitude 30"));
  Write("timeless.tif", {{"aod550", "noon", 0.1, 0, 0}});
  EXPECT_THAT(Read("timeless.tif", 10, 50, "2021-06-10T09:00:00Z").status(), StatusIs(absl::StatusCode::kInvalidArgument, "'noon'"));
  std::ofstream(folder_.File("cams.grib")) << "GRIB....";
  EXPECT_THAT(Read("cams.grib", 10, 50, "2021-06-10T09:00:00Z").status(), StatusIs(absl::StatusCode::kInvalidArgument, "NetCDF"));
  std::ofstream(folder_.File("cut.nc")) << "CDF\x01 and no more";
  EXPECT_THAT(Read("cut.nc", 10, 50, "2021-06-10T09:00:00Z").status(), StatusIs(absl::StatusCode::kDataLoss, "cut.nc"));
}

TEST(AerosolModelOf, ByWhatDominates) {
  EXPECT_EQ(AerosolModelOf({}), "continental");
  EXPECT_EQ(AerosolModelOf({.dust = 0.3, .sea_salt = 0.02, .organic = 0.1, .black_carbon = 0.01, .inorganic = 0.1}), "desert");
  EXPECT_EQ(AerosolModelOf({.dust = 0.01, .sea_salt = 0.08, .organic = 0.02, .black_carbon = 0.001, .inorganic = 0.03}), "maritime");
  EXPECT_EQ(AerosolModelOf({.dust = 0.01, .sea_salt = 0.01, .organic = 0.6, .black_carbon = 0.06, .inorganic = 0.1}), "biomass");
  EXPECT_EQ(AerosolModelOf({.dust = 0.05, .sea_salt = 0, .organic = 0.15, .black_carbon = 0.06, .inorganic = 0.2}), "urban");
  EXPECT_EQ(AerosolModelOf({.dust = 0.05, .sea_salt = 0.02, .organic = 0.08, .black_carbon = 0.01, .inorganic = 0.12}), "continental");
}

}  // namespace
}  // namespace arpent::scene
