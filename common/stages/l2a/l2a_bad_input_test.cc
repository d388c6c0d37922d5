// What the stage makes of products that lack something or contradict themselves: a typed error, or a fallback that the item names.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "common/kernels/atmosphere/tables.h"
#include "common/stages/l2a/synthetic_scene_fixture.h"

namespace arpent::stages {
namespace {

namespace fs = std::filesystem;
using raster::Image;
using testing::StatusIs;

constexpr int kSize = 60;

class L2aBadInput : public SyntheticScene {
 protected:
  static double Soil(const scene::Band& band, int x, int y) {
    return (band.name == "B10" ? 0.001 : band.name <= "B04" ? 0.13 : 0.20) + 0.001 * ((x + 2 * y) % 5);
  }
  std::string WriteSoil(const scene::SceneMetadata& metadata) { return Write(metadata, Soil); }

  fs::path PathOf(const std::string& uri) { return folder_.File("input") + uri.substr(std::string("input:").size()); }

  // The file below the product whose name ends so.
  fs::path Find(const std::string& uri, const std::string& ending) {
    for (const auto& entry : fs::recursive_directory_iterator(PathOf(uri))) {
      const std::string name = entry.path().string();
      if (name.size() >= ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) return entry.path();
    }
    ADD_FAILURE() << ending << " is not there";
    return {};
  }

  void Edit(const fs::path& path, const std::string& pattern, const std::string& text) {
    std::ifstream file(path);
    const std::string before((std::istreambuf_iterator<char>(file)), {});
    const std::string after = std::regex_replace(before, std::regex(pattern), text);
    EXPECT_NE(before, after) << pattern;
    std::ofstream(path) << after;
  }

  absl::StatusOr<TaskResult> Run(const TaskSpec& task) { return RunL2a(task, Context()); }

  std::string ItemOf(const TaskResult& result) {
    const auto text = stores_->ReadAll(result.product.uri + "/item.json");
    EXPECT_OK(text.status());
    return *text;
  }

  // Runs the scene as it is; its item's text.
  std::string ItemOfScene(const std::string& uri) {
    const auto result = Run(Task(uri));
    EXPECT_OK(result.status());
    return result.ok() ? ItemOf(*result) : "";
  }
};

TEST_F(L2aBadInput, MissingAngleGridsTakeTheMeansAndSaySo) {
  const std::string uri = WriteSoil(Metadata(kSize));
  const std::string whole = ItemOfScene(uri);
  EXPECT_EQ(whole.find("the grid is missing"), std::string::npos);
  EXPECT_NE(whole.find("ozone: climatology"), std::string::npos);  // no ozone in these metadata
  EXPECT_NE(whole.find("altitude: sea level"), std::string::npos);
  EXPECT_NE(whole.find("AOT: default 0.15"), std::string::npos);
  Edit(Find(uri, "MTD_TL.xml"), "<VALUES>[^<]*</VALUES>", "");
  const std::string bare = ItemOfScene(uri);
  EXPECT_NE(bare.find("sun angles: the scene's mean, the grid is missing"), std::string::npos);
  EXPECT_NE(bare.find("view angles: the mean of the band, the grid is missing"), std::string::npos);
}

TEST_F(L2aBadInput, GridsOfNanAreMissingGrids) {
  const std::string uri = WriteSoil(Metadata(kSize));
  ASSERT_OK_AND_ASSIGN(const TaskResult before, Run(Task(uri)));
  const Image<int16_t> whole = Read(before, "B04");
  Edit(Find(uri, "MTD_TL.xml"), "<VALUES>[^<]*</VALUES>",
       "<VALUES>NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN</VALUES>");
  TaskSpec task = Task(uri);
  task.parameters.Set("cloud_limit", "1");  // another key: another product
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(task));
  EXPECT_NE(ItemOf(result).find("the grid is missing"), std::string::npos);
  // These grids hold the means everywhere: the fallback is the same air.
  const Image<int16_t> bare = Read(result, "B04");
  for (size_t i = 0; i < bare.size(); ++i) ASSERT_LE(std::abs(bare.data()[i] - whole.data()[i]), 2);
}

// Occurrences of `text` in `in`.
int CountOf(const std::string& text, const std::string& in) {
  int count = 0;
  for (size_t at = in.find(text); at != std::string::npos; at = in.find(text, at + 1)) ++count;
  return count;
}

TEST_F(L2aBadInput, TextInOneRowOfAnAngleGridIsNotedOnceAndNeverRead) {
  const std::string uri = WriteSoil(Metadata(kSize));
  ASSERT_OK_AND_ASSIGN(const TaskResult before, Run(Task(uri)));
  const Image<int16_t> whole = Read(before, "B04");
  const fs::path mtd = Find(uri, "MTD_TL.xml");
  // The first number of every grid, and one of the sun's that is a number but no angle of this scene.
  Edit(mtd, "<Values_List>(\\s*)<VALUES>[^ <]+", "<Values_List>$1<VALUES>cloudy");
  Edit(mtd, "(<Sun_Angles_Grid>[^]*?<VALUES>cloudy )[^ <]+", "$01-1234");
  TaskSpec task = Task(uri);
  task.parameters.Set("cloud_limit", "1");
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(task));
  EXPECT_EQ(CountOf("sun angles: 3 nodes of the grid cannot be read", ItemOf(result)), 1);
  EXPECT_EQ(CountOf("of the grid cannot be read", ItemOf(result)), 2);  // the other one: view angles
  const Image<int16_t> mended = Read(result, "B04");
  for (size_t i = 0; i < mended.size(); ++i) ASSERT_LE(std::abs(mended.data()[i] - whole.data()[i]), 2);
}

TEST_F(L2aBadInput, EveryFallbackOfAnglesIsNotedOnce) {
  const std::string uri = WriteSoil(Metadata(kSize));
  Edit(Find(uri, "MTD_TL.xml"), "<VALUES>[^<]*</VALUES>", "");
  const std::string item = ItemOfScene(uri);
  EXPECT_EQ(CountOf("sun angles", item), 1);
  EXPECT_EQ(CountOf("view angles", item), 1);
}

TEST_F(L2aBadInput, TextWhereAMeanViewAngleIsDueIsNoNadir) {
  const std::string uri = WriteSoil(Metadata(kSize));
  Edit(Find(uri, "MTD_TL.xml"), "(<Mean_Viewing_Incidence_Angle [^>]*>\\s*<ZENITH_ANGLE[^>]*>)[^<]*", "$1unknown");
  EXPECT_NE(ItemOfScene(uri).find("view angles: the mean of 13 bands is missing, the grid's median instead"), std::string::npos);
  Edit(Find(uri, "MTD_TL.xml"), "<VALUES>[^<]*</VALUES>", "");
  EXPECT_NE(ItemOfScene(uri).find("view angles of 13 bands: nadir, because grid and mean are missing"), std::string::npos);
}

TEST_F(L2aBadInput, SunAnglesThatContradictEachOtherAreAnError) {
  const std::string uri = WriteSoil(Metadata(kSize));
  Edit(Find(uri, "MTD_TL.xml"), "(<Mean_Sun_Angle>\\s*<ZENITH_ANGLE[^>]*>)[^<]*", "$0112.5");
  EXPECT_THAT(Run(Task(uri)).status(), StatusIs(absl::StatusCode::kInvalidArgument, "Sun_Angles_Grid is around"));
}

TEST_F(L2aBadInput, NeitherGridsNorMeansIsAnError) {
  const std::string uri = WriteSoil(Metadata(kSize));
  Edit(Find(uri, "MTD_TL.xml"), "<VALUES>[^<]*</VALUES>", "");
  Edit(Find(uri, "MTD_TL.xml"), "(<Mean_Sun_Angle>[^<]*<ZENITH_ANGLE[^>]*>)[^<]*", "$1NaN");
  EXPECT_THAT(Run(Task(uri)).status(), StatusIs(absl::StatusCode::kInvalidArgument, "MTD_TL.xml"));
}

TEST_F(L2aBadInput, BandsOfAnotherAreaAreNamed) {
  const std::string uri = WriteSoil(Metadata(kSize));
  scene::SceneMetadata larger = Metadata(2 * kSize);
  larger.product_id = "S2A_MSIL1C_20210610T100032_N0510_R122_T33UXP_20210610T130032";
  const std::string other = WriteSoil(larger);
  fs::copy_file(Find(other, "_B05.jp2"), Find(uri, "_B05.jp2"), fs::copy_options::overwrite_existing);
  EXPECT_THAT(Run(Task(uri)).status(), StatusIs(absl::StatusCode::kInvalidArgument, "_B05.jp2"));
}

TEST_F(L2aBadInput, UnknownBaselinesAreReadByWhatTheirMetadataSay) {
  const std::string uri = WriteSoil(Metadata(kSize));
  ASSERT_OK_AND_ASSIGN(const TaskResult known, Run(Task(uri)));
  const Image<int16_t> before = Read(known, "B04");
  Edit(Find(uri, "MTD_MSIL1C.xml"), "<PROCESSING_BASELINE>[^<]*", "<PROCESSING_BASELINE>99.99");
  ASSERT_OK_AND_ASSIGN(const TaskResult unknown, Run(Task(uri)));
  EXPECT_TRUE(std::equal(before.data(), before.data() + before.size(), Read(unknown, "B04").data()));
  EXPECT_NE(ItemOf(unknown).find("99.99"), std::string::npos);
}

TEST_F(L2aBadInput, SaturatedPixelsAreFlaggedAndASaturatedSceneIsNoClearGround) {
  const std::string some = Write(Metadata(kSize), [](const scene::Band& band, int x, int y) {
    return band.name == "B04" && x < 20 && y < 20 ? 6.5535 : Soil(band, x, y);  // 6.5535 + 0.1: the highest number
  });
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Task(some)));
  EXPECT_NEAR(result.product.numbers.at("arpent:saturated_percent"), 100.0 / 9, 0.5);
  const Image<int16_t> scl = Read(result, "SCL");
  EXPECT_EQ(scl(3, 3), raster::kSclSaturated);
  EXPECT_NE(scl(20, 20), raster::kSclSaturated);

  scene::SceneMetadata metadata = Metadata(kSize);
  metadata.product_id = "S2A_MSIL1C_20210610T100032_N0510_R122_T33UXP_20210610T130032";
  const auto whole = Run(Task(Write(metadata, [](const scene::Band&, int, int) { return 7.0; })));
  ASSERT_OK(whole.status());
  if (whole->outcome == TaskResult::Outcome::kDone) {
    EXPECT_NEAR(whole->product.numbers.at("arpent:saturated_percent"), 100, 1e-6);
  } else {
    EXPECT_EQ(whole->skip_reason, "cloudy");
  }
}

TEST_F(L2aBadInput, NightAndTheSunBelowTheHorizonAreErrors) {
  for (const auto& [zenith, what] : {std::pair{97.0, "night scene"}, {90.0, "night scene"}, {79.0, "sun zenith 79.0"}}) {
    scene::SceneMetadata metadata = Metadata(kSize);
    metadata.mean_sun_zenith_deg = zenith;
    const std::string uri = WriteSoil(metadata);
    EXPECT_THAT(Run(Task(uri)).status(), StatusIs(absl::StatusCode::kInvalidArgument, what)) << zenith;
    fs::remove_all(PathOf(uri));
  }
}

TEST_F(L2aBadInput, ADemInDegreesWithHolesIsWarpedAndItsHolesAreNoted) {
  // About 1 km of slope around the scene at 48.7 N, 16.4 E, 3 seconds of arc a cell, a third of it holes.
  std::string text = "ncols 60\nnrows 60\nxllcorner 16.34\nyllcorner 48.71\ncellsize 0.000833333\nNODATA_value -32768\n";
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) text += (x + y) % 3 == 0 ? "-32768 " : "340 ";
    text += '\n';
  }
  std::ofstream(folder_.File("input/degrees.asc")) << text;
  std::ofstream(folder_.File("input/degrees.prj"))
      << R"(GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]])";
  TaskSpec task = Task(WriteSoil(Metadata(kSize)));
  task.inputs.push_back({"dem", "degrees", "input:/degrees.asc"});
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(task));
  const std::string item = ItemOf(result);
  EXPECT_EQ(item.find("sea level"), std::string::npos);
  // The same as a whole DEM of that height: holes take the mean and are flat.
  std::ofstream(folder_.File("input/whole.asc")) << std::regex_replace(text, std::regex("-32768 "), "340 ");
  fs::copy_file(folder_.File("input/degrees.prj"), folder_.File("input/whole.prj"));
  task.inputs.back() = {"dem", "whole", "input:/whole.asc"};
  ASSERT_OK_AND_ASSIGN(const TaskResult whole, Run(task));
  for (const std::string band : {"B02", "B08"}) {
    const Image<int16_t> a = Read(result, band), b = Read(whole, band);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_LE(std::abs(a.data()[i] - b.data()[i]), 1) << band;
  }
  // Nothing at all under the scene is an error.
  std::ofstream(folder_.File("input/void.asc")) << std::regex_replace(text, std::regex("340 "), "-32768 ");
  fs::copy_file(folder_.File("input/degrees.prj"), folder_.File("input/void.prj"));
  task.inputs.back() = {"dem", "void", "input:/void.asc"};
  EXPECT_THAT(Run(task).status(), StatusIs(absl::StatusCode::kInvalidArgument, "no height anywhere"));
}

TEST_F(L2aBadInput, CutAndDecimatedScenesAreTakenAsTheyAre) {
  for (const int factor : {9, 90}) {
    scene::SceneMetadata metadata = Metadata(kSize);
    metadata.grid.pixel_m *= factor;
    for (scene::Band& band : metadata.bands) band.resolution_m *= factor;
    const std::string uri = WriteSoil(metadata);
    ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(Task(uri)));
    const std::string item = ItemOf(result);
    EXPECT_NE(item.find("decimated: pixels of " + std::to_string(60 * factor) + " m"), std::string::npos);
    const Image<int16_t> blue = Read(result, "B02"), swir = Read(result, "B11");
    EXPECT_EQ(blue.width(), kSize);
    EXPECT_EQ(swir.width(), kSize / 2);
    EXPECT_GT(swir(5, 5), 500);
    EXPECT_LT(swir(5, 5), 3000);
    EXPECT_EQ(Read(result, "SCL").width(), kSize / 2);
    fs::remove_all(PathOf(uri));
  }
}

TEST_F(L2aBadInput, AnAerosolThatTheSceneCannotTellStaysTheUsualOneAndIsNoted) {
  TaskSpec task = Task(WriteSoil(Metadata(kSize)));
  task.parameters.Set("aerosol", "auto");
  ASSERT_OK_AND_ASSIGN(const TaskResult result, Run(task));
  EXPECT_NE(ItemOf(result).find("aerosol: continental, the scene does not tell models apart"), std::string::npos);
}

TEST_F(L2aBadInput, ABandThatIsAnotherBandsImageIsNamed) {
  const std::string uri = WriteSoil(Metadata(kSize));
  fs::copy_file(Find(uri, "_B11.jp2"), Find(uri, "_B04.jp2"), fs::copy_options::overwrite_existing);
  EXPECT_THAT(Run(Task(uri)).status(), StatusIs(absl::StatusCode::kInvalidArgument, "_B04.jp2: has pixels of 20 m, band B02 of 10 m"));
}

TEST_F(L2aBadInput, AFileInsideAProductIsNoProduct) {
  const std::string uri = WriteSoil(Metadata(kSize));
  EXPECT_THAT(Run(Task(uri + "/MTD_MSIL1C.xml")).status(), StatusIs(absl::StatusCode::kInvalidArgument, "is a single file"));
}

TEST_F(L2aBadInput, AFolderAroundAProductNamesIt) {
  const std::string uri = WriteSoil(Metadata(kSize));
  EXPECT_THAT(Run(Task("input:/")).status(), StatusIs(absl::StatusCode::kInvalidArgument, uri.substr(uri.rfind('/') + 1)));
}

}  // namespace
}  // namespace arpent::stages
