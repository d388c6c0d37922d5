#include "common/insitu/parcels.h"

#include <algorithm>
#include <fstream>

#include "common/insitu/reference_map.h"
#include "common/insitu/strata.h"
#include "common/insitu/vector_file.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

#include <gdal_priv.h>

namespace arpent::insitu {
namespace {

using ::arpent::testing::StatusIs;

// UTM 33N; 15 degrees east is easting 500 km.
const geo::Grid kGrid{32633, 499000, 5100000, 10, 200, 200};

std::string Square(double x, double y, double size) {
  const auto point = [](double a, double b) { return "[" + std::to_string(a) + "," + std::to_string(b) + "]"; };
  return "{\"type\":\"Polygon\",\"coordinates\":[[" + point(x, y) + "," + point(x + size, y) + "," +
         point(x + size, y + size) + "," + point(x, y + size) + "," + point(x, y) + "]]}";
}

class InSituTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("input", *storage::FileStore::Open(folder_.path()));
    storage::InstallVsiArpent(stores);
    stores_ = stores;
  }

  // A GeoJSON in UTM 33N with rows of properties and geometry.
  std::string Write(const std::string& name, const std::vector<std::pair<std::string, std::string>>& rows,
                    const std::string& crs = "urn:ogc:def:crs:EPSG::32633") {
    std::ofstream out(folder_.File(name));
    out << "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"" << crs
        << "\"}},\"features\":[";
    for (size_t i = 0; i < rows.size(); ++i) {
      out << (i > 0 ? "," : "") << "{\"type\":\"Feature\",\"properties\":" << rows[i].first
          << ",\"geometry\":" << rows[i].second << "}";
    }
    out << "]}";
    return "input:/" + name;
  }

  ::arpent::testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
};

TEST_F(InSituTest, ReadsCropsCodesAndShapes) {
  const std::string uri = Write("p.geojson", {
      {R"({"ID":7,"CROP":1,"LC":"wheat","CODE":11})", Square(499100, 5099800, 100)},
      {R"({"ID":8,"CROP":0,"LC":"forest","CODE":0})", Square(499300, 5099800, 100)},
      {R"({"ID":9,"CROP":1,"LC":"maize","CODE":12})", Square(599300, 5099800, 100)}});
  ASSERT_OK_AND_ASSIGN(const ParcelSet set, ReadParcels(*stores_, uri, {}, kGrid));
  ASSERT_EQ(set.parcels.size(), 3u);
  EXPECT_TRUE(set.issues.empty());
  EXPECT_EQ(set.parcels[0].id, "7");
  EXPECT_EQ(set.parcels[0].code, 11);
  EXPECT_EQ(set.parcels[0].MaskClass(), 1);
  EXPECT_EQ(set.parcels[1].MaskClass(), 0);
  EXPECT_EQ(set.parcels[1].code, 0);
  EXPECT_NEAR(set.parcels[0].polygon.Area(), 10000, 1e-3);
  EXPECT_TRUE(set.parcels[2].polygon.empty()) << "far outside of the tile";
  ASSERT_EQ(set.legend.size(), 2u) << "the legend knows classes of other tiles too";
  EXPECT_EQ(set.legend[0].name, "wheat");
  const ParcelRaster raster = RasteriseParcels(set, kGrid, kGrid.Whole());
  EXPECT_EQ(std::count(raster.index.data(), raster.index.data() + raster.index.size(), 0), 100);
}

TEST_F(InSituTest, ANamedOrNeededColumnMustExist) {
  const std::string uri = Write("p.geojson", {{R"({"ID":7,"crop_type":"wheat"})", Square(499100, 5099800, 100)}});
  ParcelOptions named;
  named.columns_named = {"KULTUR"};
  EXPECT_THAT(ReadParcels(*stores_, uri, named, kGrid),
              StatusIs(absl::StatusCode::kInvalidArgument, "p.geojson has no column 'KULTUR'; its columns are ID, crop_type"));
  ParcelOptions needed;
  needed.need_code = true;
  EXPECT_THAT(ReadParcels(*stores_, uri, needed, kGrid), StatusIs(absl::StatusCode::kInvalidArgument, "'CODE'"));
  needed.code = "CROP_TYPE";
  ASSERT_OK_AND_ASSIGN(const ParcelSet set, ReadParcels(*stores_, uri, needed, kGrid));
  EXPECT_EQ(set.parcels[0].code, 1);
  EXPECT_EQ(set.legend[0].name, "wheat");
  EXPECT_EQ(set.parcels[0].MaskClass(), 1) << "a crop code without a crop column means crop";
}

TEST_F(InSituTest, ReportsWhatIsWrongRowByRow) {
  const std::string bow_tie =
      R"({"type":"Polygon","coordinates":[[[499100,5099800],[499200,5099900],[499200,5099800],[499100,5099900],[499100,5099800]]]})";
  const std::string uri = Write("p.geojson", {
      {R"({"ID":1,"CROP":1,"CODE":11})", Square(499100, 5099800, 100)},
      {R"({"ID":2,"CROP":1,"CODE":11})", bow_tie},
      {R"({"ID":3,"CROP":1,"CODE":11})", R"({"type":"Point","coordinates":[499100,5099800]})"},
      {R"({"ID":4,"CROP":7,"CODE":11})", Square(499400, 5099800, 100)},
      {R"({"ID":5,"CROP":1,"CODE":11})", "null"},
      {R"({"ID":6,"CROP":1,"CODE":11})", Square(499150, 5099850, 100)},
      {R"({"ID":7,"CROP":1,"CODE":11})", Square(499150, 5099650, 2)}});
  ParcelOptions options;
  options.need_crop = true;
  ASSERT_OK_AND_ASSIGN(ParcelSet set, ReadParcels(*stores_, uri, options, kGrid));
  const ParcelRaster raster = RasteriseParcels(set, kGrid, kGrid.Whole());
  AddOverlapIssues(raster.overlaps, set);
  std::vector<std::string> problems;
  for (const RowIssue& issue : set.issues) problems.push_back(issue.id + ": " + issue.problem);
  ASSERT_EQ(problems.size(), 6u);
  EXPECT_NE(problems[0].find("2: its polygon is not valid"), std::string::npos) << problems[0];
  EXPECT_EQ(problems[1], "3: its geometry is a point, not a polygon");
  EXPECT_EQ(problems[2], "4: CROP '7' is neither 0 nor 1");
  EXPECT_EQ(problems[3], "5: it has no geometry");
  EXPECT_NE(problems[4].find("6: it overlaps row 0 (id 1)"), std::string::npos) << problems[4];
  EXPECT_EQ(problems[5], "7: its area is below 20 m2");
  // 100 pixels each, 25 shared: those belong to nobody.
  EXPECT_EQ(std::count(raster.index.data(), raster.index.data() + raster.index.size(), 0), 75);
  EXPECT_NE(IssuesJson(set).find("\"left_out\": true"), std::string::npos);
}

TEST_F(InSituTest, SaysWhatIsWrongWithTheFile) {
  std::ofstream(folder_.File("no.gpkg")) << "nothing";
  EXPECT_THAT(ReadParcels(*stores_, "input:/no.gpkg", {}, kGrid),
              StatusIs(absl::StatusCode::kInvalidArgument, "no.gpkg is no GeoPackage, Shapefile or GeoJSON that can be read: its content"));
  EXPECT_THAT(ReadParcels(*stores_, "input:/absent.gpkg", {}, kGrid), StatusIs(absl::StatusCode::kNotFound, "absent.gpkg"));
  const std::string uri = Write("p.geojson", {{R"({"ID":1,"CROP":1,"CODE":11})", "null"}});
  EXPECT_THAT(ReadParcels(*stores_, uri, {}, kGrid), StatusIs(absl::StatusCode::kInvalidArgument, "no usable polygon"));
  ParcelOptions options;
  options.layer = "fields";
  EXPECT_THAT(ReadParcels(*stores_, uri, options, kGrid), StatusIs(absl::StatusCode::kInvalidArgument, "no layer 'fields'"));
}

TEST_F(InSituTest, ALegendGivesTextItsCodesAndUnknownLabelsAreIssues) {
  const std::string uri = Write("p.geojson", {{R"({"CROP":1,"CODE":"wheat"})", Square(499100, 5099800, 100)},
                                              {R"({"CROP":1,"CODE":"teff"})", Square(499300, 5099800, 100)}});
  ParcelOptions options;
  options.legend = {{11, "wheat", "#ffcc00"}};
  ASSERT_OK_AND_ASSIGN(const ParcelSet set, ReadParcels(*stores_, uri, options, kGrid));
  EXPECT_EQ(set.parcels[0].code, 11);
  EXPECT_EQ(set.parcels[1].code, 0);
  ASSERT_EQ(set.issues.size(), 1u);
  EXPECT_EQ(set.issues[0].problem, "CODE 'teff' is not in the legend");
  EXPECT_EQ(set.legend[0].colour, "#ffcc00");
}

ParcelSet Fields(const std::vector<int>& per_class) {
  ParcelSet set;
  uint32_t number = 0;
  for (size_t k = 0; k < per_class.size(); ++k) {
    for (int i = 0; i < per_class[k]; ++i) {
      Parcel parcel;
      parcel.number = number++;
      parcel.code = static_cast<uint16_t>(k + 1);
      set.parcels.push_back(parcel);
    }
  }
  return set;
}

TEST(SplitParcels, TakesThreeQuartersOfEachClass) {
  ParcelSet set = Fields({1, 2, 10, 101});
  SplitParcels(1, 0.75, set);
  std::vector<int> train(5), validate(5);
  for (const Parcel& parcel : set.parcels) train[parcel.code] += parcel.train, validate[parcel.code] += parcel.validate;
  EXPECT_EQ(train, (std::vector<int>{0, 1, 2, 8, 76}));
  EXPECT_EQ(validate, (std::vector<int>{0, 1, 2, 2, 25}));
  ASSERT_EQ(set.warnings.size(), 2u);
  EXPECT_NE(set.warnings[0].find("class 1 () has only 1 polygon:"), std::string::npos) << set.warnings[0];
}

TEST(CheckEnoughPolygons, NamesTheLonePolygonOfACropAndSparesWhatIsNoCrop) {
  ParcelSet set = Fields({2, 1, 3});
  set.parcels[2].label = "rice";
  set.parcels[2].id = "f7";
  EXPECT_THAT(CheckEnoughPolygons(set),
              StatusIs(absl::StatusCode::kInvalidArgument, "class 2 (rice) has a single usable polygon, row 2 (id f7)"));
  set.parcels[2].crop = false;
  EXPECT_OK(CheckEnoughPolygons(set));
}

TEST(SplitParcels, DependsOnTheSeedAndNotOnTheOrder) {
  ParcelSet a = Fields({100}), b = Fields({100}), c = Fields({100});
  std::reverse(b.parcels.begin(), b.parcels.end());
  SplitParcels(1, 0.75, a);
  SplitParcels(1, 0.75, b);
  SplitParcels(2, 0.75, c);
  int differ = 0;
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(a.parcels[i].train, b.parcels[99 - i].train);
    differ += a.parcels[i].train != c.parcels[i].train;
  }
  EXPECT_GT(differ, 10);
}

TEST_F(InSituTest, StrataComeFromPolygonsFirstRowFirst) {
  const std::string uri = Write("s.geojson", {{R"({"stratum":"south"})", Square(499000, 5098000, 1000)},
                                              {R"({"stratum":"north"})", Square(499000, 5098500, 1000)}});
  ASSERT_OK_AND_ASSIGN(const Strata strata, Strata::Read(*stores_, uri, "stratum", kGrid));
  EXPECT_EQ(strata.names(), (std::vector<std::string>{"north", "south"}));
  ASSERT_OK_AND_ASSIGN(const auto image, strata.Read(kGrid.Whole()));
  EXPECT_EQ(image(10, 40), kNoStratum);
  EXPECT_EQ(image(10, 60), 0);
  EXPECT_EQ(image(10, 120), 1) << "both: the first row counts";
  EXPECT_EQ(image(150, 120), kNoStratum);
  EXPECT_THAT(Strata::Read(*stores_, uri, "region", kGrid), StatusIs(absl::StatusCode::kInvalidArgument, "'region'"));
  ASSERT_OK_AND_ASSIGN(const auto all, Strata::Whole().Read(geo::Window{3, 3, 2, 2}));
  EXPECT_EQ(all(1, 1), 0);
}

// Codes that tell their own position, in degrees.
std::string WriteMap(const std::string& path) {
  GDALAllRegister();
  GDALDataset* map = GetGDALDriverManager()->GetDriverByName("GTiff")->Create(path.c_str(), 300, 200, 1, GDT_UInt16, nullptr);
  double transform[6] = {14.9, 0.001, 0, 46.15, 0, -0.001};
  map->SetGeoTransform(transform);
  OGRSpatialReference crs;
  crs.importFromEPSG(4326);
  map->SetSpatialRef(&crs);
  map->GetRasterBand(1)->SetNoDataValue(0);
  std::vector<uint16_t> codes(300 * 200);
  for (int i = 0; i < 300 * 200; ++i) codes[i] = static_cast<uint16_t>((i % 300) * 200 + i / 300);
  EXPECT_EQ(map->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, 300, 200, codes.data(), 300, 200, GDT_UInt16, 0, 0, nullptr), CE_None);
  GDALClose(map);
  return path;
}

TEST_F(InSituTest, AReferenceMapIsReadByNearestNeighbourInAnyWindow) {
  WriteMap(folder_.File("map.tif"));
  ASSERT_OK_AND_ASSIGN(const auto map, ReferenceMap::Open(*stores_, "input:/map.tif", kGrid));
  ASSERT_OK_AND_ASSIGN(const auto whole, map->Read(kGrid.Whole()));
  OGRSpatialReference utm, degrees;
  utm.importFromEPSG(32633);
  degrees.importFromEPSG(4326);
  degrees.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  OGRCoordinateTransformation* exact = OGRCreateCoordinateTransformation(&utm, &degrees);
  int wrong = 0;
  for (int y = 0; y < kGrid.height; ++y) {
    for (int x = 0; x < kGrid.width; ++x) {
      double u = kGrid.CentreX(x), v = kGrid.CentreY(y);
      exact->Transform(1, &u, &v);
      const int column = static_cast<int>((u - 14.9) / 0.001), row = static_cast<int>((46.15 - v) / 0.001);
      const bool inside = u >= 14.9 && v <= 46.15 && column < 300 && row < 200;
      wrong += whole(x, y) != (inside ? column * 200 + row : kNoCode);
    }
  }
  OGRCoordinateTransformation::DestroyCT(exact);
  EXPECT_LE(wrong, 4) << "a hundredth of a pixel of error may move few of 40,000 over an edge";
  ASSERT_OK_AND_ASSIGN(const auto part, map->Read({37, 91, 50, 20}));
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 50; ++x) EXPECT_EQ(part(x, y), whole(37 + x, 91 + y));
  }
  ASSERT_OK_AND_ASSIGN(const auto codes, map->AllCodes());
  EXPECT_EQ(codes.size(), 300u * 200 - 1);
  std::ofstream(folder_.File("text.tif")) << "no raster";
  EXPECT_THAT(ReferenceMap::Open(*stores_, "input:/text.tif", kGrid), StatusIs(absl::StatusCode::kInvalidArgument, "text.tif"));
}

TEST_F(InSituTest, RealFieldCampaignFromAGeoPackage) {
  ARPENT_REQUIRE_SHARED_DATA("insitu_polygons_azerbaijan");
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("input", *storage::FileStore::Open(::arpent::testing::SharedData("insitu_polygons_azerbaijan")));
  storage::InstallVsiArpent(stores);
  ParcelOptions options;
  options.code = "CROP_TYPE";
  options.need_code = true;
  const geo::Grid tile{32638, 699960, 4400040, 10, 10980, 10980};
  ASSERT_OK_AND_ASSIGN(const ParcelSet set, ReadParcels(*stores, "input:/test_area_crops.gpkg", options, tile));
  EXPECT_EQ(set.rows, 103u);
  EXPECT_GT(set.legend.size(), 3u);
  int on_tile = 0;
  for (const Parcel& parcel : set.parcels) on_tile += !parcel.polygon.empty();
  EXPECT_EQ(on_tile, static_cast<int>(set.parcels.size())) << "the campaign lies on this tile";
}

}  // namespace
}  // namespace arpent::insitu
