// Scenes that 6S lights and sees: the forward atmosphere is 6S's (truth.csv of the shared data), so that a retrieval is not
// tested on its own forward model. ARPENT_TABLES names the folder of atmosphere.lut, the inverse's.
#ifndef ARPENT_TESTS_ACCURACY_SIX_S_SCENES_H_
#define ARPENT_TESTS_ACCURACY_SIX_S_SCENES_H_

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/stages/l2a/aot_retrieval.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {

using raster::Image;

inline constexpr std::array<const char*, 11> kBands = {"B02", "B03", "B04", "B05", "B06", "B07",
                                                "B08", "B8A", "B09", "B11", "B12"};
inline constexpr int kSize = 120;  // coarse pixels: 7.2 km

struct SixS {
  double xa = 0, xb = 0, xc = 0;
  double Toa(double rho) const { return (rho / (1 - xc * rho) + xb) / xa; }
};

struct TruthScene {
  std::string sensor, aerosol;
  double sun_zenith_deg = 0, view_zenith_deg = 0, relative_azimuth_deg = 0;
  double aot = 0, water = 0, ozone = 0, altitude_km = 0;
  std::map<std::string, SixS> bands;
};

inline std::vector<TruthScene> ReadTruth() {
  std::ifstream file(testing::SharedData("radiative_transfer") + "/truth.csv");
  std::string line;
  std::getline(file, line);
  std::map<std::string, size_t> column;
  for (const absl::string_view name : absl::StrSplit(line, ',')) column.emplace(std::string(name), column.size());
  std::map<std::string, TruthScene> scenes;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    const auto number = [&](const char* name) {
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(cells[column.at(name)], &value)) << name;
      return value;
    };
    if (cells[column.at("sensor")].substr(0, 2) != "S2") continue;
    TruthScene& scene = scenes[cells[column.at("scene_id")] + cells[column.at("sensor")]];
    scene.sensor = cells[column.at("sensor")];
    scene.aerosol = cells[column.at("aerosol")];
    scene.sun_zenith_deg = number("sza_deg"), scene.view_zenith_deg = number("vza_deg");
    scene.relative_azimuth_deg = number("raa_deg");
    scene.aot = number("aot550"), scene.water = number("wv_gcm2"), scene.ozone = number("o3_atmcm");
    scene.altitude_km = number("alt_km");
    scene.bands[cells[column.at("band")]] = {number("xa"), number("xb"), number("xc")};
  }
  std::vector<TruthScene> result;
  for (auto& [id, scene] : scenes) {
    bool whole = scene.aot >= 0.05 && scene.aot <= 0.6 && scene.sun_zenith_deg <= 70 && scene.aerosol != "none";
    for (const char* band : kBands) whole = whole && scene.bands.count(band) != 0;
    if (whole) result.push_back(std::move(scene));
  }
  return result;
}

inline double Uniform(std::mt19937& random, double low, double high) {
  return low + (high - low) * (random() % 100000) * 1e-5;
}

inline scene::SceneMetadata MetadataOf(const TruthScene& truth) {
  scene::SceneMetadata m;
  m.product_id = "drawn";
  m.platform = truth.sensor;
  m.grid = m.tile_grid = {32633, 300000, 5100000, 10, kSize * 6, kSize * 6};
  m.mean_sun_zenith_deg = truth.sun_zenith_deg;
  m.mean_sun_azimuth_deg = truth.relative_azimuth_deg;
  for (const char* band : kBands) {
    m.bands.push_back({.name = band});
    m.mean_view_zenith_deg.push_back(truth.view_zenith_deg);
    m.mean_view_azimuth_deg.push_back(0);
  }
  return m;
}

struct Errors {
  double squared = 0;
  double sum = 0;
  int count = 0;
  void Add(double error) { squared += error * error, sum += error, ++count; }
  double Rmse() const { return std::sqrt(squared / count); }
  double Bias() const { return sum / count; }
};

inline absl::StatusOr<kernels::AtmosphereTables> ReadTables() {
  const char* folder = std::getenv("ARPENT_TABLES");
  if (folder == nullptr) return absl::FailedPreconditionError("ARPENT_TABLES names the folder of atmosphere.lut");
  std::ifstream file(std::string(folder) + "/atmosphere.lut", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return kernels::AtmosphereTables::Parse(bytes.str());
}

// What stands for one scene in the tests: digitised TOA reflectance, and the ground below it.
struct Drawn {
  CoarseScene coarse;
  std::map<std::string, Image<float>> ground;
};

inline Drawn EmptyScene() {
  Drawn drawn;
  drawn.coarse.grid = {32633, 300000, 5100000, kCoarsePixel_m, kSize, kSize};
  drawn.coarse.valid = drawn.coarse.data = Image<uint8_t>(kSize, kSize, 1);
  for (const char* band : kBands) drawn.coarse.toa[band] = drawn.ground[band] = Image<float>(kSize, kSize);
  return drawn;
}

// The air of a scene before anything is retrieved.
inline absl::StatusOr<Air> AirOf(const TruthScene& truth, const scene::SceneMetadata& metadata, const kernels::AtmosphereTables& tables,
                                 kernels::AerosolModel model) {
  auto air = Air::Create(metadata, tables, model);
  if (!air.ok()) return air.status();
  air->ozone_atmcm = truth.ozone;
  air->altitude_km.constant = truth.altitude_km;
  air->aot.constant = kDefaultAot;
  air->water_gcm2.constant = truth.water;
  return air;
}

}  // namespace arpent::stages

#endif  // ARPENT_TESTS_ACCURACY_SIX_S_SCENES_H_
