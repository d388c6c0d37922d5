// Products in the formats of Sen2Cor and MAJA, written here pixel by pixel and read back through our readers.
#include <cpl_conv.h>
#include <gdal.h>
#include <ogr_srs_api.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/raster/codes.h"
#include "common/scene/dataset_pool.h"
#include "common/scene/maja_l2a.h"
#include "common/scene/reflectance.h"
#include "common/scene/safe_metadata.h"
#include "common/scene/scene.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

namespace fs = std::filesystem;
using ::arpent::testing::SharedData;
using ::arpent::testing::StatusIs;
using raster::Image;

constexpr double kWest = 399960, kNorth = 5000040;
constexpr int kSize = 24;  // 10 m pixels a side

template <typename T>
GDALDataType TypeOf() {
  return sizeof(T) == 1 ? GDT_Byte : std::is_signed_v<T> ? GDT_Int16 : GDT_UInt16;
}

// Writes the images as bands of one file.
template <typename T>
void WriteRaster(const fs::path& path, const char* format, double pixel_m, const std::vector<Image<T>>& bands) {
  RegisterGdal();
  fs::create_directories(path.parent_path());
  const int width = bands[0].width(), height = bands[0].height();
  Dataset memory(GDALCreate(GDALGetDriverByName("MEM"), "", width, height, static_cast<int>(bands.size()), TypeOf<T>(), nullptr));
  double affine[6] = {kWest, pixel_m, 0, kNorth, 0, -pixel_m};
  GDALSetGeoTransform(memory.get(), affine);
  OGRSpatialReferenceH crs = OSRNewSpatialReference(nullptr);
  OSRImportFromEPSG(crs, 32633);
  char* wkt = nullptr;
  OSRExportToWkt(crs, &wkt);
  GDALSetProjection(memory.get(), wkt);
  CPLFree(wkt);
  OSRDestroySpatialReference(crs);
  for (size_t i = 0; i < bands.size(); ++i) {
    Image<T> copy = bands[i];
    ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(memory.get(), static_cast<int>(i) + 1), GF_Write, 0, 0, width, height, copy.data(),
                           width, height, TypeOf<T>(), 0, 0),
              CE_None);
  }
  const char* lossless[] = {"QUALITY=100", "REVERSIBLE=YES", nullptr};
  const bool jpeg2000 = std::string(format) == "JP2OpenJPEG";
  Dataset file(GDALCreateCopy(GDALGetDriverByName(format), path.c_str(), memory.get(), false,
                              const_cast<char**>(jpeg2000 ? lossless : nullptr), nullptr, nullptr));
  ASSERT_NE(file, nullptr) << path;
}

void WriteText(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

template <typename T>
Image<T> Constant(int size, T value) {
  return Image<T>(size, size, value);
}

class ForeignL2a : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("input", *storage::FileStore::Open(folder_.path()));
    stores_ = stores;
    storage::InstallVsiArpent(stores_);
  }
  testing::TemporaryFolder folder_;
  std::shared_ptr<const storage::StoreSet> stores_;
};

// --- Sen2Cor ---

constexpr char kSen2CorName[] = "S2B_MSIL2A_20220413T100029_N0400_R122_T33TVL_20220414T082126.SAFE";
constexpr char kGranule[] = "GRANULE/L2A_T33TVL_A026649_20220413T100026";

class Sen2Cor : public ForeignL2a {
 protected:
  void SetUp() override {
    ForeignL2a::SetUp();
    WriteText(Product() / "MTD_MSIL2A.xml", R"(<n1:Level-2A_User_Product xmlns:n1="x"><PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
      <PROCESSING_BASELINE>04.00</PROCESSING_BASELINE><GENERATION_TIME>2022-04-14T08:21:26.580338Z</GENERATION_TIME>
      <SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME><DATATAKE_SENSING_START>2022-04-13T10:00:29.024Z</DATATAKE_SENSING_START>
      <SENSING_ORBIT_NUMBER>122</SENSING_ORBIT_NUMBER>
      <BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
      <AOT_QUANTIFICATION_VALUE unit="none">500.0</AOT_QUANTIFICATION_VALUE>
      <BOA_ADD_OFFSET band_id="1">-1000</BOA_ADD_OFFSET><BOA_ADD_OFFSET band_id="2">-1000</BOA_ADD_OFFSET>
      <BOA_ADD_OFFSET band_id="7">-900</BOA_ADD_OFFSET></n1:Level-2A_User_Product>)");
    WriteText(Product() / kGranule / "MTD_TL.xml", R"(<t><TILE_ID>S2B_OPER_MSI_L2A_TL_2BPS_20220414T082127_A026649_T33TVL_N04.00</TILE_ID>
      <HORIZONTAL_CS_CODE>EPSG:32633</HORIZONTAL_CS_CODE><Size resolution="10"><NROWS>10980</NROWS><NCOLS>10980</NCOLS></Size>
      <Geoposition resolution="10"><ULX>399960</ULX><ULY>5000040</ULY></Geoposition>
      <Mean_Sun_Angle><ZENITH_ANGLE>40.5</ZENITH_ANGLE><AZIMUTH_ANGLE>155</AZIMUTH_ANGLE></Mean_Sun_Angle>
      <Mean_Viewing_Incidence_Angle bandId="2"><ZENITH_ANGLE>7.5</ZENITH_ANGLE><AZIMUTH_ANGLE>104</AZIMUTH_ANGLE>
      </Mean_Viewing_Incidence_Angle><CLOUDY_PIXEL_PERCENTAGE>12.5</CLOUDY_PIXEL_PERCENTAGE></t>)");
    for (int i = 0; i < kSentinel2Bands; ++i) {
      const std::string name = kSentinel2BandNames[i];
      if (name == "B10") continue;
      const int pixel_m = kSentinel2BandResolutions_m[i];
      Image<uint16_t> numbers = Constant<uint16_t>(kSize * 10 / pixel_m, static_cast<uint16_t>(1500 + 100 * i));
      if (name == "B02") {
        numbers(0, 0) = 0;    // no-data
        numbers(1, 0) = 900;  // negative reflectance
      }
      WriteRaster<uint16_t>(ImagePath(name, pixel_m), "JP2OpenJPEG", pixel_m, {numbers});
    }
    Image<uint8_t> classes = Constant<uint8_t>(kSize / 2, 4);
    for (int x = 0; x < 12; ++x) classes(x, 0) = static_cast<uint8_t>(x);
    WriteRaster<uint8_t>(ImagePath("SCL", 20), "JP2OpenJPEG", 20, {classes});
    Image<uint16_t> aot = Constant<uint16_t>(kSize / 2, 75);
    aot(0, 0) = 0;
    WriteRaster<uint16_t>(ImagePath("AOT", 20), "JP2OpenJPEG", 20, {aot});
  }
  fs::path Product() { return fs::path(folder_.path()) / kSen2CorName; }
  fs::path ImagePath(const std::string& name, int pixel_m) {
    return Product() / kGranule / "IMG_DATA" / absl::StrFormat("R%dm", pixel_m) /
           absl::StrFormat("T33TVL_20220413T100029_%s_%dm.jp2", name, pixel_m);
  }
  std::string Uri() { return absl::StrCat("input:/", kSen2CorName); }
};

TEST_F(Sen2Cor, OffsetsAndQuantificationPerBand) {
  ASSERT_OK_AND_ASSIGN(const auto product, OpenForeignReflectance(stores_, Uri()));
  EXPECT_EQ(product->metadata().acquisition, "S2B_20220413T100029_R122_T33TVL");
  EXPECT_EQ(product->metadata().day, absl::CivilDay(2022, 4, 13));
  EXPECT_EQ(product->metadata().grid10, (geo::Grid{32633, kWest, kNorth, 10, kSize, kSize}));  // not the metadata's 10980
  EXPECT_EQ(product->metadata().sun_zenith_deg, 40.5);
  EXPECT_EQ(product->metadata().view_zenith_deg, 7.5);
  EXPECT_EQ(product->ResolutionOf("B8A"), 20);
  EXPECT_EQ(product->ResolutionOf("B10"), 0);
  ASSERT_OK_AND_ASSIGN(const auto blue, product->ReadBand("B02", {-1, 0, 4, 2}));
  EXPECT_EQ(blue(0, 0), raster::kReflectanceNoData);  // outside
  EXPECT_EQ(blue(1, 0), raster::kReflectanceNoData);
  EXPECT_EQ(blue(2, 0), -100);
  EXPECT_EQ(blue(3, 1), 600);
  ASSERT_OK_AND_ASSIGN(const auto infrared, product->ReadBand("B08", {0, 0, 1, 1}));
  EXPECT_EQ(infrared(0, 0), 2200 - 900);
  ASSERT_OK_AND_ASSIGN(const auto swir, product->ReadBand("B12", {0, 0, 1, 1}));
  EXPECT_EQ(swir(0, 0), 2700);  // no offset is stated for it
  EXPECT_THAT(product->ReadBand("B10", {0, 0, 1, 1}).status(), StatusIs(absl::StatusCode::kNotFound, "B10"));
}

TEST_F(Sen2Cor, ClassesBecomeQaAndAotIsScaled) {
  ASSERT_OK_AND_ASSIGN(const auto product, OpenForeignReflectance(stores_, Uri()));
  ASSERT_OK_AND_ASSIGN(const auto scl, product->ReadScl({0, 0, 12, 1}));
  ASSERT_OK_AND_ASSIGN(const auto qa, product->ReadQa({0, 0, 13, 1}));
  for (int x = 0; x < 12; ++x) EXPECT_EQ(scl(x, 0), x);
  const uint16_t expected[13] = {raster::kQaNoData, raster::kQaSaturated, 0, raster::kQaCloudShadow, 0, 0, raster::kQaWater, 0,
                                 raster::kQaCloud, raster::kQaCloud, raster::kQaCirrus, raster::kQaSnow, raster::kQaNoData};
  for (int x = 0; x < 13; ++x) EXPECT_EQ(qa(x, 0), expected[x]) << x;
  ASSERT_OK_AND_ASSIGN(const auto aot, product->ReadAot({0, 0, 2, 1}));
  EXPECT_EQ(aot(0, 0), raster::kUnsignedNoData);
  EXPECT_EQ(aot(1, 0), 150);  // 75 / 500
}

TEST_F(Sen2Cor, IsListedAlsoWhenAnImageIsCutAndThenNamesIt) {
  fs::resize_file(ImagePath("B11", 20), fs::file_size(ImagePath("B11", 20)) - 20);
  ASSERT_OK_AND_ASSIGN(const SceneListing listing, ListScenes(stores_, "input:/", "sentinel2-l2a", 1));
  ASSERT_EQ(listing.scenes.size(), 1u);
  EXPECT_EQ(listing.scenes[0].kind, "sentinel2-l2a");
  EXPECT_EQ(listing.scenes[0].cloud_percent, 12.5);
  EXPECT_THAT(OpenForeignReflectance(stores_, listing.scenes[0].uri).status(), StatusIs(absl::StatusCode::kDataLoss, "_B11_20m.jp2"));
  fs::remove(ImagePath("B11", 20));
  EXPECT_THAT(OpenForeignReflectance(stores_, Uri()).status(), StatusIs(absl::StatusCode::kDataLoss, "_B11_20m.jp2"));
}

TEST_F(Sen2Cor, IsNoL1c) {
  ASSERT_OK_AND_ASSIGN(const SceneListing listing, ListScenes(stores_, "input:/", "sentinel2-l1c", 1));
  ASSERT_EQ(listing.rejected.size(), 1u);
  EXPECT_THAT(listing.rejected[0].status, StatusIs(absl::StatusCode::kInvalidArgument, "MTD_MSIL1C.xml"));
}

TEST(Sen2CorMetadata, EveryRealSampleIsUnderstood) {
  ARPENT_REQUIRE_SHARED_DATA("safe_metadata_samples");
  int samples = 0;
  for (const auto& entry : fs::recursive_directory_iterator(SharedData("safe_metadata_samples"))) {
    if (entry.path().filename() != "MTD_MSIL2A.xml") continue;
    std::ifstream file(entry.path());
    const std::string xml{std::istreambuf_iterator<char>(file), {}};
    ASSERT_OK_AND_ASSIGN(const auto product, ParseSafeL2aProduct(xml, entry.path()));
    EXPECT_EQ(product.quantification, 10000);
    EXPECT_EQ(product.aot_quantification, 1000);
    EXPECT_EQ(product.offsets[3], product.processing_baseline >= "04.00" ? -1000 : 0) << entry.path();
    ++samples;
  }
  EXPECT_GE(samples, 3);
}

// --- MAJA ---

constexpr char kMajaName[] = "SENTINEL2A_20220413-100645-665_L2A_T33TVL_C_V1-0";

class Maja : public ForeignL2a {
 protected:
  void SetUp() override {
    ForeignL2a::SetUp();
    WriteText(Product() / absl::StrCat(kMajaName, "_MTD_ALL.xml"), absl::StrCat(R"(<Muscate_Metadata_Document><PRODUCT_ID>)", kMajaName, R"(</PRODUCT_ID>
      <GEOGRAPHICAL_ZONE type="Tile">T33TVL</GEOGRAPHICAL_ZONE><ACQUISITION_DATE>2022-04-13T10:06:45.665Z</ACQUISITION_DATE>
      <PRODUCTION_DATE>2022-04-15T01:02:03.000Z</PRODUCTION_DATE><PLATFORM>SENTINEL2A</PLATFORM>
      <ORBIT_NUMBER>41826</ORBIT_NUMBER><HORIZONTAL_CS_CODE>32633</HORIZONTAL_CS_CODE>
      <Sun_Angles_Grids/><Mean_Value_List><Sun_Angles><ZENITH_ANGLE unit="deg">54.0684</ZENITH_ANGLE><AZIMUTH_ANGLE>166.336</AZIMUTH_ANGLE>
      </Sun_Angles><Mean_Viewing_Incidence_Angle band_id="B2"><ZENITH_ANGLE>8.0</ZENITH_ANGLE><AZIMUTH_ANGLE>104.9</AZIMUTH_ANGLE>
      </Mean_Viewing_Incidence_Angle><Mean_Viewing_Incidence_Angle band_id="B3"><ZENITH_ANGLE>8.07215</ZENITH_ANGLE>
      <AZIMUTH_ANGLE>104.912</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle></Mean_Value_List>
      <REFLECTANCE_QUANTIFICATION_VALUE>10000</REFLECTANCE_QUANTIFICATION_VALUE>
      <AEROSOL_OPTICAL_THICKNESS_QUANTIFICATION_VALUE>200</AEROSOL_OPTICAL_THICKNESS_QUANTIFICATION_VALUE>
      <SPECIAL_VALUE name="nodata">-10000</SPECIAL_VALUE>
      <SPECIAL_VALUE name="aerosol_optical_thickness_nodata">0</SPECIAL_VALUE>
      <QUALITY_INDEX name="CloudPercent">17</QUALITY_INDEX></Muscate_Metadata_Document>)"));
    for (const char* name : {"B2", "B3", "B4", "B8"}) Band(name, 10, name == std::string("B8") ? 4000 : 500);
    for (const char* name : {"B5", "B6", "B7", "B8A", "B11", "B12"}) Band(name, 20, 3000);
    Image<uint8_t> cloud = Constant<uint8_t>(12, 0);
    cloud(1, 0) = 0b00001011;  // by several dates
    cloud(2, 0) = 0b10000011;  // only at 1.38 um
    cloud(3, 0) = 0b00100001;  // shadow
    Mask("CLM", cloud);
    Image<uint8_t> edge = Constant<uint8_t>(12, 0);
    edge(0, 0) = 1;
    Mask("EDG", edge);
    Image<uint8_t> ground = Constant<uint8_t>(12, 0);
    ground(4, 0) = 1;
    ground(5, 0) = 1 << 2;
    Mask("MG2", ground);
    WriteRaster<uint8_t>(Product() / absl::StrCat(kMajaName, "_ATB_R2.tif"), "GTiff", 20,
                         {Constant<uint8_t>(12, 40), Constant<uint8_t>(12, 30)});
  }
  fs::path Product() { return fs::path(folder_.path()) / kMajaName; }
  std::string Uri() { return absl::StrCat("input:/", kMajaName); }
  void Band(const std::string& name, int pixel_m, int16_t value) {
    Image<int16_t> image = Constant<int16_t>(kSize * 10 / pixel_m, value);
    image(0, 0) = -10000;
    WriteRaster<int16_t>(Product() / absl::StrCat(kMajaName, "_FRE_", name, ".tif"), "GTiff", pixel_m, {image});
  }
  void Mask(const std::string& name, const Image<uint8_t>& image) {
    WriteRaster<uint8_t>(Product() / "MASKS" / absl::StrCat(kMajaName, "_", name, "_R2.tif"), "GTiff", 20, {image});
  }
};

TEST_F(Maja, ReflectanceAndMetadata) {
  ASSERT_OK_AND_ASSIGN(const auto product, OpenForeignReflectance(stores_, Uri()));
  EXPECT_EQ(product->metadata().acquisition, "S2A_20220413T100645_R073_T33TVL");  // absolute orbit 41826
  EXPECT_EQ(product->metadata().view_azimuth_deg, 104.912);
  EXPECT_EQ(product->metadata().grid10, (geo::Grid{32633, kWest, kNorth, 10, kSize, kSize}));
  ASSERT_OK_AND_ASSIGN(const auto infrared, product->ReadBand("B08", {0, 0, 2, 1}));
  EXPECT_EQ(infrared(0, 0), raster::kReflectanceNoData);
  EXPECT_EQ(infrared(1, 0), 4000);
  ASSERT_OK_AND_ASSIGN(const auto aot, product->ReadAot({11, 0, 2, 1}));
  EXPECT_EQ(aot(0, 0), 150);  // 30 / 200
  EXPECT_EQ(aot(1, 0), raster::kUnsignedNoData);
}

TEST_F(Maja, MasksBecomeClassesAndQa) {
  ASSERT_OK_AND_ASSIGN(const auto product, OpenForeignReflectance(stores_, Uri()));
  ASSERT_OK_AND_ASSIGN(const auto scl, product->ReadScl({0, 0, 13, 1}));
  const std::vector<uint8_t> row(scl.row(0).begin(), scl.row(0).begin() + 7);
  EXPECT_EQ(row, (std::vector<uint8_t>{raster::kSclNoData, raster::kSclCloudHigh, raster::kSclCirrus, raster::kSclCloudShadow,
                                       raster::kSclWater, raster::kSclSnow, raster::kSclVegetation}));
  EXPECT_EQ(scl(12, 0), raster::kSclNoData);
  ASSERT_OK_AND_ASSIGN(const auto qa, product->ReadQa({0, 0, 7, 1}));
  EXPECT_EQ(qa(0, 0), raster::kQaNoData);
  EXPECT_EQ(qa(1, 0), raster::kQaCloud);
  EXPECT_EQ(qa(2, 0), raster::kQaCirrus);
  EXPECT_EQ(qa(3, 0), raster::kQaCloudShadow);
  EXPECT_EQ(qa(4, 0), raster::kQaWater);
  EXPECT_EQ(qa(5, 0), raster::kQaSnow);
  EXPECT_EQ(qa(6, 0), 0);
}

TEST_F(Maja, IsListedAndAMissingFileIsNamed) {
  ASSERT_OK_AND_ASSIGN(const SceneListing listing, ListScenes(stores_, "input:/", "maja-l2a", 1));
  ASSERT_EQ(listing.scenes.size(), 1u);
  EXPECT_EQ(listing.scenes[0].tile, "33TVL");
  EXPECT_EQ(listing.scenes[0].cloud_percent, 17);
  fs::remove(Product() / "MASKS" / absl::StrCat(kMajaName, "_CLM_R2.tif"));
  EXPECT_THAT(OpenForeignReflectance(stores_, Uri()).status(), StatusIs(absl::StatusCode::kDataLoss, "_CLM_R2.tif"));
  fs::remove(Product() / absl::StrCat(kMajaName, "_FRE_B5.tif"));
  EXPECT_THAT(OpenForeignReflectance(stores_, Uri()).status(), StatusIs(absl::StatusCode::kDataLoss, "_FRE_B5.tif"));
}

TEST_F(ForeignL2a, AFolderThatIsNeitherSaysWhatWasLookedFor) {
  fs::create_directory(folder_.File("empty"));
  WriteText(folder_.File("empty/x.txt"), "x");
  EXPECT_THAT(OpenForeignReflectance(stores_, "input:/empty").status(), StatusIs(absl::StatusCode::kInvalidArgument, "MTD_MSIL2A.xml"));
}

}  // namespace
}  // namespace arpent::scene
