// Aerosol and water vapour retrieved from scenes that 6S lights and sees: the forward atmosphere is 6S's (truth.csv of
// the shared data), the inverse is ours, and the ground has red / 2.2 um ratios of 0.45-0.60 and blue / red ratios of
// 0.40-0.60 drawn scene by scene (parcels scatter around them), soils mixed in, 3 % of it dark vegetation. Prints the
// rows of docs/algorithms/l2a-retrieval.md. ARPENT_TABLES names the folder of atmosphere.lut.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/coarse_scene.h"
#include "common/stages/l2a/retrieval.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr std::array<const char*, 11> kBands = {"B02", "B03", "B04", "B05", "B06", "B07",
                                                "B08", "B8A", "B09", "B11", "B12"};
constexpr int kSize = 120;  // coarse pixels: 7.2 km
constexpr int kParcel = 4;

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

std::vector<TruthScene> ReadTruth() {
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

// Ground of one parcel, by band.
using Spectrum = std::map<std::string, double>;

double Uniform(std::mt19937& random, double low, double high) {
  return low + (high - low) * (random() % 100000) * 1e-5;
}

// Ratios of a scene's vegetation; parcels scatter around them, so that the scene as a whole is off our relation.
struct Ratios {
  double red, blue;
};

Spectrum DrawParcel(const Ratios& ratios, std::mt19937& random) {
  const auto uniform = [&](double low, double high) { return Uniform(random, low, high); };
  const double b12_veg = uniform(0.03, 0.08);
  const double red_veg = ratios.red * uniform(0.95, 1.05) * b12_veg;
  const double blue_veg = ratios.blue * uniform(0.95, 1.05) * red_veg;
  const double nir = uniform(0.25, 0.45), soil = uniform(0.6, 1.5);
  const double kind = uniform(0, 1);
  // 3 % dark dense vegetation; the rest crops of any cover, with their own ratios, and bare soil.
  const double cover = kind < 0.03 ? 1.0 : kind < 0.35 ? 0.0 : uniform(0.05, 0.85);
  const Spectrum vegetation = {{"B02", blue_veg},   {"B03", red_veg * 1.6}, {"B04", red_veg}, {"B05", 0.08 + red_veg},
                               {"B06", 0.7 * nir},  {"B07", 0.95 * nir},    {"B08", nir},     {"B8A", 1.03 * nir},
                               {"B09", 1.03 * nir}, {"B11", 2.4 * b12_veg}, {"B12", b12_veg}};
  const Spectrum bare = {{"B02", 0.075}, {"B03", 0.105}, {"B04", 0.14},  {"B05", 0.165}, {"B06", 0.19}, {"B07", 0.21},
                         {"B08", 0.23},  {"B8A", 0.245}, {"B09", 0.255}, {"B11", 0.31},  {"B12", 0.27}};
  Spectrum ground;
  for (const char* band : kBands) ground[band] = cover * vegetation.at(band) + (1 - cover) * soil * bare.at(band);
  return ground;
}

struct Drawn {
  CoarseScene coarse;
  std::map<std::string, Image<float>> ground;
};

// Digitised TOA reflectance of the parcels under the scene's 6S atmosphere.
Drawn Draw(const TruthScene& truth, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 0.0006);
  const Ratios ratios{Uniform(random, 0.45, 0.60), Uniform(random, 0.40, 0.60)};
  Drawn drawn;
  drawn.coarse.grid = {32633, 300000, 5100000, kCoarsePixel_m, kSize, kSize};
  drawn.coarse.valid = drawn.coarse.data = Image<uint8_t>(kSize, kSize, 1);
  for (const char* band : kBands) drawn.coarse.toa[band] = drawn.ground[band] = Image<float>(kSize, kSize);
  for (int py = 0; py < kSize; py += kParcel) {
    for (int px = 0; px < kSize; px += kParcel) {
      const Spectrum parcel = DrawParcel(ratios, random);
      for (const char* band : kBands) {
        for (int y = py; y < py + kParcel; ++y) {
          for (int x = px; x < px + kParcel; ++x) {
            const double rho = parcel.at(band) * (1 + 0.02 * noise(random) / 0.0006);
            drawn.ground[band](x, y) = static_cast<float>(rho);
            const double toa = truth.bands.at(band).Toa(rho) + noise(random);
            drawn.coarse.toa[band](x, y) = static_cast<float>(std::round(toa * 10000) * 1e-4);
          }
        }
      }
    }
  }
  return drawn;
}

scene::SceneMetadata MetadataOf(const TruthScene& truth) {
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

absl::StatusOr<kernels::AtmosphereTables> ReadTables() {
  const char* folder = std::getenv("ARPENT_TABLES");
  if (folder == nullptr) return absl::FailedPreconditionError("ARPENT_TABLES names the folder of atmosphere.lut");
  std::ifstream file(std::string(folder) + "/atmosphere.lut", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return kernels::AtmosphereTables::Parse(bytes.str());
}

// Surface error of blue and red with the model that `auto` takes, and with continental whatever the air is made of.
TEST(Retrieval, ChoosingTheAerosolIsNoWorseThanNotToChoose) {
  ARPENT_REQUIRE_SHARED_DATA("radiative_transfer");
  ASSERT_OK_AND_ASSIGN(const kernels::AtmosphereTables tables, ReadTables());
  const std::vector<TruthScene> scenes = ReadTruth();
  std::array<Errors, 2> errors;
  int right = 0, other = 0, foreign = 0;
  for (size_t i = 0; i < scenes.size(); ++i) {
    const TruthScene& truth = scenes[i];
    const Drawn drawn = Draw(truth, static_cast<uint32_t>(500 + i));
    const scene::SceneMetadata metadata = MetadataOf(truth);
    foreign += truth.aerosol != "continental" && truth.aot > 0.25;
    for (const bool choose : {false, true}) {
      ASSERT_OK_AND_ASSIGN(Air air, Air::Create(metadata, tables, kernels::AerosolModel::kContinental));
      air.ozone_atmcm = truth.ozone;
      air.altitude_km.constant = truth.altitude_km;
      air.aot.constant = kDefaultAot;
      air.water_gcm2.constant = truth.water;
      MaskScene mask_scene;
      ASSERT_OK(PrepareMaskScene(metadata, drawn.coarse, air, 0, 2, mask_scene));
      const Image<uint8_t> clear(kSize, kSize, 1);
      if (choose) ASSERT_OK(ChooseAerosol(metadata, drawn.coarse, mask_scene, clear, false, 2, air));
      ASSERT_OK(RetrieveAot(metadata, drawn.coarse, mask_scene, clear, false, 2, air).status());
      if (choose && air.aerosol() != kernels::AerosolModel::kContinental) {
        ++(kernels::NameOf(air.aerosol()) == truth.aerosol ? right : other);
      }
      for (const int b : {0, 2}) {
        for (int at = 7; at < kSize; at += 11) {
          const auto c = air.CoefficientsAt(b, (at + 0.5) * 60, (at + 0.5) * 60);
          errors[choose].Add(kernels::SurfaceReflectance(c, drawn.coarse.toa.at(kBands[b])(at, at)) - drawn.ground.at(kBands[b])(at, at));
        }
      }
    }
  }
  std::printf("| Aerosol | surface RMSE, B02 and B04 |\n| --- | --- |\n| continental for all | %.4f |\n| auto | %.4f |\n", errors[0].Rmse(), errors[1].Rmse());
  std::printf("%d scenes of another model with AOT above 0.25; auto took the right one in %d scenes, another one in %d\n", foreign, right, other);
  EXPECT_LE(errors[1].Rmse(), errors[0].Rmse() * 1.02);
  EXPECT_GE(right, other);
}

TEST(Retrieval, FromScenesThatSixSLights) {
  ARPENT_REQUIRE_SHARED_DATA("radiative_transfer");
  ASSERT_OK_AND_ASSIGN(const kernels::AtmosphereTables tables, ReadTables());

  const std::vector<TruthScene> scenes = ReadTruth();
  ASSERT_GT(scenes.size(), 20u);
  Errors aot, water_relative;
  std::map<std::string, Errors> by_model;
  std::map<std::string, std::array<int64_t, 2>> within;  // by band: good, all
  for (size_t i = 0; i < scenes.size(); ++i) {
    const TruthScene& truth = scenes[i];
    const Drawn drawn = Draw(truth, static_cast<uint32_t>(100 + i));
    const scene::SceneMetadata metadata = MetadataOf(truth);
    ASSERT_OK_AND_ASSIGN(const kernels::AerosolModel model, kernels::AerosolModelFromName(truth.aerosol));
    ASSERT_OK_AND_ASSIGN(Air air, Air::Create(metadata, tables, model));
    air.ozone_atmcm = truth.ozone;
    air.altitude_km.constant = truth.altitude_km;
    air.aot.constant = kDefaultAot;
    air.water_gcm2.constant = kDefaultWater_gcm2;
    MaskScene mask_scene;
    ASSERT_OK(PrepareMaskScene(metadata, drawn.coarse, air, 0, 2, mask_scene));
    const Image<uint8_t> clear(kSize, kSize, 1);
    ASSERT_OK(RetrieveWater(metadata, drawn.coarse, clear, false, 2, air).status());
    ASSERT_OK_AND_ASSIGN(const AotResult found, RetrieveAot(metadata, drawn.coarse, mask_scene, clear, /*adjacency=*/false, 2, air));
    ASSERT_OK_AND_ASSIGN(const WaterResult water, RetrieveWater(metadata, drawn.coarse, clear, true, 2, air));
    std::printf("%-12s aot %.3f found %.3f (+-%.3f)  water %.2f found %.2f  sza %.0f alt %.1f\n", truth.aerosol.c_str(),
                truth.aot, found.mean, found.mean_uncertainty, truth.water, water.mean_gcm2, truth.sun_zenith_deg,
                truth.altitude_km);
    aot.Add(found.mean - truth.aot);
    by_model[truth.aerosol].Add(found.mean - truth.aot);
    water_relative.Add((water.mean_gcm2 - truth.water) / std::max(truth.water, 0.10 / 0.06));
    for (size_t b = 0; b < kBands.size(); ++b) {
      auto& [good, all] = within[kBands[b]];
      for (int y = 0; y < kSize; y += 3) {
        for (int x = 0; x < kSize; x += 3) {
          const double rho = drawn.ground.at(kBands[b])(x, y);
          const double error =
              kernels::SurfaceReflectance(air.CoefficientsAt(static_cast<int>(b), (x + 0.5) * 60, (y + 0.5) * 60),
                                          drawn.coarse.toa.at(kBands[b])(x, y)) -
              rho;
          good += std::abs(error) <= 0.005 + 0.05 * rho;
          ++all;
        }
      }
    }
  }
  std::printf("\n| Retrieved | RMSE | bias | scenes |\n| --- | --- | --- | --- |\n| AOT | %.4f | %.4f | %d |\n",
              aot.Rmse(), aot.Bias(), aot.count);
  for (const auto& [model, errors] : by_model) {
    std::printf("| AOT, %s | %.4f | %.4f | %d |\n", model.c_str(), errors.Rmse(), errors.Bias(), errors.count);
  }
  std::printf("| water vapour, relative | %.4f | %.4f | %d |\n\n", water_relative.Rmse(), water_relative.Bias(),
              water_relative.count);
  std::printf("| Band | within 0.005 + 0.05 rho |\n| --- | --- |\n");
  for (const auto& [band, counts] : within) {
    const double share = static_cast<double>(counts[0]) / static_cast<double>(counts[1]);
    std::printf("| %s | %.1f %% |\n", band.c_str(), 100 * share);
    if (band != "B09") {
      EXPECT_GE(share, band == "B02" ? 0.90 : 0.95) << band;
    }
  }
  EXPECT_LE(aot.Rmse(), 0.04);
  EXPECT_LE(water_relative.Rmse(), 0.06);
}

}  // namespace
}  // namespace arpent::stages
