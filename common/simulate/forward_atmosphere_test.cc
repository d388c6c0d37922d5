#include "common/simulate/forward_atmosphere.h"

#include <cmath>
#include <fstream>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/kernels/atmosphere/sensor.h"
#include "common/scene/safe_writer.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::simulate {
namespace {

using ::arpent::testing::SharedData;
using ::arpent::testing::StatusIs;

using Row = std::map<std::string, std::string>;

double Number(const Row& row, const char* column) {
  double value = NAN;
  EXPECT_TRUE(absl::SimpleAtod(row.at(column), &value)) << column;
  return value;
}

// The rows of Sentinel-2A over continental aerosol, by scene.
std::map<std::string, std::vector<Row>> TruthOf6s() {
  std::map<std::string, std::vector<Row>> scenes;
  std::ifstream file(std::string(SharedData("radiative_transfer")) + "/truth.csv");
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = absl::StrSplit(line, ',');
  while (std::getline(file, line)) {
    const std::vector<std::string> words = absl::StrSplit(line, ',');
    Row row;
    for (size_t i = 0; i < names.size() && i < words.size(); ++i) row[names[i]] = words[i];
    if (row["sensor"] == "S2A" && row["aerosol"] == "continental") scenes[row["scene_id"]].push_back(row);
  }
  return scenes;
}

scene::SceneMetadata MetadataOf(const Row& row) {
  scene::SceneMetadata metadata;
  metadata.platform = "S2A";
  metadata.bands = scene::Sentinel2Bands(0);
  metadata.mean_sun_zenith_deg = Number(row, "sza_deg");
  metadata.mean_sun_azimuth_deg = Number(row, "raa_deg");
  metadata.mean_view_zenith_deg.assign(metadata.bands.size(), Number(row, "vza_deg"));
  metadata.mean_view_azimuth_deg.assign(metadata.bands.size(), 0);
  return metadata;
}

TEST(SceneAir, LooksAs6sSays) {
  ARPENT_REQUIRE_SHARED_DATA("radiative_transfer");
  ASSERT_OK_AND_ASSIGN(const kernels::RadiativeInputs inputs, ReadRadiativeInputs(""));
  int scenes = 0, rows = 0;
  for (const auto& [id, bands] : TruthOf6s()) {
    if (++scenes > 6) break;
    const Row& first = bands.front();
    SceneAir::Range range;
    // The state lies between the nodes: interpolation is tested too.
    range.lowest_aot = 0.9 * Number(first, "aot550");
    range.highest_aot = 1.15 * Number(first, "aot550");
    range.lowest_km = std::max(0.0, Number(first, "alt_km") - 0.1);
    range.highest_km = Number(first, "alt_km") + 0.3;
    range.water_vapour_gcm2 = 1.2 * Number(first, "wv_gcm2");
    range.ozone_atmcm = Number(first, "o3_atmcm");
    const scene::SceneMetadata metadata = MetadataOf(first);
    ASSERT_OK_AND_ASSIGN(const SceneAir air, SceneAir::Solve(inputs, metadata, "continental", range, 1));
    for (const Row& row : bands) {
      const int band = metadata.BandIndex(row.at("band"));
      ASSERT_GE(band, 0);
      if (row.at("band") == "B09" || row.at("band") == "B10") continue;  // 6S itself is coarse in strong water lines
      const ForwardBand forward =
          air.At(band, {Number(row, "aot550"), Number(row, "wv_gcm2"), Number(row, "alt_km")});
      for (const auto& [column, rho] : {std::pair{"toa_rho000", 0.0}, {"toa_rho005", 0.05}, {"toa_rho020", 0.2}}) {
        const double toa = forward.path + forward.gas * forward.transmittance * rho / (1 - forward.s_albedo * rho);
        EXPECT_NEAR(toa, Number(row, column), 0.0025) << id << " " << row.at("band");
      }
      ++rows;
    }
  }
  EXPECT_GE(rows, 11);
}

TEST(SceneAir, NamesTheUnknownAerosolAndTheSunTooLow) {
  ASSERT_OK_AND_ASSIGN(const kernels::RadiativeInputs inputs, ReadRadiativeInputs(""));
  scene::SceneMetadata metadata = MetadataOf({{"sza_deg", "30"}, {"raa_deg", "90"}, {"vza_deg", "4"}});
  EXPECT_THAT(SceneAir::Solve(inputs, metadata, "smoke", {}, 1).status(), StatusIs(absl::StatusCode::kInvalidArgument, "smoke"));
  metadata.mean_sun_zenith_deg = 85;
  EXPECT_THAT(SceneAir::Solve(inputs, metadata, "continental", {}, 1).status(), StatusIs(absl::StatusCode::kInvalidArgument, "85"));
  EXPECT_THAT(ReadRadiativeInputs("/nowhere").status(), StatusIs(absl::StatusCode::kNotFound, "/nowhere"));
}

}  // namespace
}  // namespace arpent::simulate
