// The whole stage on scenes whose ground and light the test knows: uniform ground, planes, and a mixed scene whose result is
// pinned.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>
#include <string>

#include "common/kernels/atmosphere/tables.h"
#include "common/stages/l2a/synthetic_scene_fixture.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr double kRadian = std::numbers::pi / 180;
// Bare ground without dark vegetation: AOT is the default then.
const std::map<std::string, double> kSoil = {{"B01", 0.07}, {"B02", 0.08}, {"B03", 0.11}, {"B04", 0.14}, {"B05", 0.17},
                                             {"B06", 0.21}, {"B07", 0.24}, {"B08", 0.24}, {"B8A", 0.24}, {"B09", 0.24},
                                             {"B10", 0.0},  {"B11", 0.31}, {"B12", 0.27}};
constexpr double kAot = 0.15, kWater_gcm2 = 1.5, kOzone_atmcm = 0.35;

class L2aPhysics : public SyntheticScene {
 protected:
  kernels::BandCoefficients AirOf(const std::string& band, double altitude_km = 0) const {
    return *tables_.CoefficientsOf(kernels::Sensor::kS2A, band, {kSunZenithDeg, kViewZenithDeg, kSunAzimuthDeg - kViewAzimuthDeg},
                                   {kernels::AerosolModel::kContinental, kAot, kWater_gcm2, kOzone_atmcm, altitude_km});
  }

  // A DEM of 20 m cells around the scene of 2.4 km; `height_m(east, north)` in metres from the scene's corner.
  template <typename Height>
  void WriteDem(const std::string& name, const Height& height_m) {
    constexpr int kCells = 180;
    constexpr double kCell_m = 20, kMargin_m = 600;
    std::string text = "ncols 180\nnrows 180\nxllcorner 599400\nyllcorner 5397000\ncellsize 20\n";
    for (int y = 0; y < kCells; ++y) {
      for (int x = 0; x < kCells; ++x) {
        absl::StrAppend(&text, height_m((x + 0.5) * kCell_m - kMargin_m, kMargin_m - (y + 0.5) * kCell_m), " ");
      }
      text += '\n';
    }
    std::ofstream(folder_.File("input/" + name + ".asc")) << text;
    std::ofstream(folder_.File("input/" + name + ".prj"))
        << R"(PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],)"
           R"(PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]],PROJECTION["Transverse_Mercator"],)"
           R"(PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],)"
           R"(PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["Meter",1]])";
  }

  TaskResult Run(const TaskSpec& task, int threads = 2, int64_t memory_bytes = int64_t{2} << 30) {
    StageContext context = Context(threads);
    context.memory_bytes = memory_bytes;
    const auto result = RunL2a(task, context);
    EXPECT_OK(result.status());
    EXPECT_EQ(result->skip_reason, "");
    return *result;
  }

  static TaskSpec With(TaskSpec task, const std::string& parameter, const std::string& value) {
    task.parameters.Set(parameter, value);
    return task;
  }

  static constexpr int kSize = 240;
  const kernels::AtmosphereTables tables_ = *kernels::AtmosphereTables::Parse(AnalyticTables());
};

TEST_F(L2aPhysics, AdjacencyLeavesAUniformSceneAlone) {
  const std::string uri = Write(Metadata(kSize), [&](const scene::Band& band, int, int) {
    return ToaReflectance(AirOf(band.name), kSoil.at(band.name));
  });
  const TaskResult with = Run(Task(uri)), without = Run(With(Task(uri), "adjacency", "false"));
  for (const auto& [band, rho] : kSoil) {
    if (band == "B10") continue;
    const Image<int16_t> a = Read(with, band), b = Read(without, band);
    double difference = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      // Both are rounded to 1e-4: less than that apart means neighbouring numbers at most, and equal ones mostly.
      ASSERT_LE(std::abs(a.data()[i] - b.data()[i]), 1) << band;
      difference += std::abs(a.data()[i] - b.data()[i]) * 1e-4;
    }
    EXPECT_LT(difference / a.size(), 1e-4) << band;
    EXPECT_NEAR(a(100 * a.width() / 240, 100 * a.width() / 240) * 1e-4, rho, 0.002) << band;
  }
}

TEST_F(L2aPhysics, WithoutAdjacencyAndTerrainEachPixelStandsForItself) {
  // A chequerboard of dark and bright fields on a slope: switched off, neither neighbours nor slope count.
  WriteDem("slope", [](double east, double) { return 0.3 * east; });
  const auto ground = [](const scene::Band& band, int x, int y) {
    const int field = 480 / band.resolution_m;
    return kSoil.at(band.name) * ((x / field + y / field) % 2 == 0 ? 0.7 : 1.1);
  };
  const auto altitude = [](const scene::Band& band, int x) { return 0.3 * (x + 0.5) * band.resolution_m * 1e-3; };
  const std::string uri = Write(Metadata(kSize), [&](const scene::Band& band, int x, int y) {
    return ToaReflectance(AirOf(band.name, altitude(band, x)), ground(band, x, y));
  });
  TaskSpec task = With(With(Task(uri), "adjacency", "false"), "terrain", "false");
  task.inputs.push_back({"dem", "slope", "input:/slope.asc"});
  const TaskResult off = Run(task);
  const TaskResult on = Run(With(With(task, "adjacency", "true"), "terrain", "true"));
  for (const std::string band : {"B02", "B04", "B08", "B11"}) {
    const scene::Band info = *Metadata(kSize).FindBand(band);
    const Image<int16_t> plain = Read(off, band), corrected = Read(on, band);
    double apart = 0;
    for (int y = 0; y < plain.height(); ++y) {
      for (int x = 0; x < plain.width(); ++x) {
        ASSERT_NEAR(plain(x, y) * 1e-4, ground(info, x, y), 0.0015) << band << " " << x << "," << y;
        apart = std::max(apart, std::abs(plain(x, y) - corrected(x, y)) * 1e-4);
      }
    }
    EXPECT_GT(apart, 0.005) << band;  // the switch is what makes it so
  }
}

// Cosine-weighted share of an even sky that a slope sees, by summing over directions.
double SkyShare(const std::array<double, 3>& normal) {
  double seen = 0, all = 0;
  for (int i = 0; i < 180; ++i) {
    const double zenith = (i + 0.5) * 0.5 * kRadian;
    for (int j = 0; j < 360; ++j) {
      const double azimuth = (j + 0.5) * kRadian, solid = std::sin(zenith);
      const double cosine = normal[0] * std::sin(zenith) * std::sin(azimuth) + normal[1] * std::sin(zenith) * std::cos(azimuth) +
                            normal[2] * std::cos(zenith);
      seen += std::max(0.0, cosine) * solid;
      all += std::cos(zenith) * solid;
    }
  }
  return seen / all;
}

TEST_F(L2aPhysics, TiltedPlanesComeBackAsTheyAre) {
  const std::array<double, 3> sun = {std::sin(kSunZenithDeg * kRadian) * std::sin(kSunAzimuthDeg * kRadian),
                                     std::sin(kSunZenithDeg * kRadian) * std::cos(kSunAzimuthDeg * kRadian),
                                     std::cos(kSunZenithDeg * kRadian)};
  for (const auto& [slope_deg, aspect_deg] : {std::pair{10.0, 150.0}, {20.0, 330.0}, {30.0, 60.0}, {30.0, 180.0}}) {
    const double rise = std::tan(slope_deg * kRadian);
    // Upwards is against the aspect.
    const double to_east = -rise * std::sin(aspect_deg * kRadian), to_north = -rise * std::cos(aspect_deg * kRadian);
    WriteDem("plane", [&](double east, double north) { return 700 + to_east * (east - 1200) + to_north * (north + 1200); });
    const double length = std::sqrt(1 + rise * rise);
    const std::array<double, 3> normal = {-to_east / length, -to_north / length, 1 / length};
    const double direct = (normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2]) / sun[2];
    const double sky = SkyShare(normal);
    const auto toa = [&](const scene::Band& band, int x, int y) {
      const double east = (x + 0.5) * band.resolution_m, north = -(y + 0.5) * band.resolution_m;
      const kernels::BandCoefficients c = AirOf(band.name, (700 + to_east * (east - 1200) + to_north * (north + 1200)) * 1e-3);
      const double rho = kSoil.at(band.name);
      // Light on the slope over light on flat ground; what the slope does not see of the sky is ground like itself.
      const double light = (c.t_down_direct * direct + c.t_down_diffuse * sky + c.t_down() * rho * (1 - sky)) / c.t_down();
      const double apparent = rho * light;  // of the plane, everywhere
      return c.rho_path + c.gas * c.t_down() * c.t_up() * apparent / (1 - c.s_albedo * apparent);
    };
    TaskSpec task = Task(Write(Metadata(kSize), toa));
    task.inputs.push_back({"dem", "plane", "input:/plane.asc"});
    const TaskResult result = Run(task);
    for (const auto& [band, rho] : kSoil) {
      if (band == "B10") continue;
      const Image<int16_t> found = Read(result, band);
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found.data()[i] * 1e-4, rho, 0.03 * rho) << band << ", slope " << slope_deg << " towards " << aspect_deg << " pixel " << i;
      }
    }
    std::filesystem::remove_all(folder_.File("input/" + Metadata(kSize).product_id + ".SAFE"));
  }
}

TEST_F(L2aPhysics, AFlatDemChangesNoBitWhateverTheSwitch) {
  WriteDem("flat", [](double, double) { return 640; });
  const std::string uri = Write(Metadata(kSize), [&](const scene::Band& band, int x, int y) {
    return ToaReflectance(AirOf(band.name, 0.64), kSoil.at(band.name) * (0.8 + 0.4 * ((x * 7 + y * 13) % 10) / 10));
  });
  TaskSpec task = Task(uri);
  task.inputs.push_back({"dem", "flat", "input:/flat.asc"});
  const TaskResult with = Run(task), without = Run(With(task, "terrain", "false"));
  for (const auto& [band, rho] : kSoil) {
    if (band == "B10") continue;
    const Image<int16_t> a = Read(with, band), b = Read(without, band);
    EXPECT_TRUE(std::equal(a.data(), a.data() + a.size(), b.data())) << band;
  }
}

// Fields of vegetation and soil, a lake, a cloud with its shadow, hills, noise: something for every branch.
class L2aGolden : public L2aPhysics {
 protected:
  static constexpr int kLarge = 1104;  // more than two blocks a side at 10 m

  static uint32_t Hash(uint32_t x) {
    x = (x ^ 61) ^ (x >> 16);
    x *= 9;
    x ^= x >> 4;
    x *= 0x27d4eb2d;
    return x ^ (x >> 15);
  }

  std::string WriteMixed() {
    const std::map<std::string, double> plants = {{"B01", 0.018}, {"B02", 0.02}, {"B03", 0.045}, {"B04", 0.028}, {"B05", 0.08},
                                                  {"B06", 0.24},  {"B07", 0.31}, {"B08", 0.33},  {"B8A", 0.34},  {"B09", 0.34},
                                                  {"B10", 0.0},   {"B11", 0.14}, {"B12", 0.055}};
    std::map<std::string, kernels::BandCoefficients> air;
    for (const auto& [band, rho] : kSoil) air[band] = AirOf(band, 0.2);
    return Write(Metadata(kLarge), [=](const scene::Band& band, int x, int y) {
      const int px = x * band.resolution_m / 10, py = y * band.resolution_m / 10;
      const uint32_t field = Hash(static_cast<uint32_t>(px / 40 * 1000 + py / 40));
      double rho = field % 3 == 0 ? kSoil.at(band.name) : plants.at(band.name) * (0.9 + 0.02 * (field / 3 % 10));
      if ((px - 800) * (px - 800) + (py - 300) * (py - 300) < 90 * 90) {
        rho = band.name <= "B04" ? 0.035 : 0.008;  // "B01" to "B04"
      }
      double toa = ToaReflectance(air.at(band.name), rho);
      const auto within = [&](int cx, int cy) { return (px - cx) * (px - cx) + (py - cy) * (py - cy) < 110 * 110; };
      if (within(290, 620)) toa = 0.4 * toa;  // the shadow, away from the sun in the south-south-east
      if (within(330, 690)) toa = band.name == "B10" ? 0.005 : band.name == "B11" || band.name == "B12" ? 0.35 : 0.6;
      return toa + ((Hash(static_cast<uint32_t>(px * 2011 + py)) & 0xff) / 255.0 - 0.5) * 0.002;
    });
  }

  // Everything that a product shows, in one digest.
  std::string DigestOf(const TaskResult& result) {
    std::map<std::string, std::string> digests;
    for (const auto& asset : result.product.assets) {
      if (!asset.pixel_digest.empty()) digests[asset.name] = asset.pixel_digest;
    }
    EXPECT_EQ(digests.size(), 17u);
    Sha256 all;
    for (const auto& [name, digest] : digests) all.UpdateField(name).UpdateField(digest);
    return all.Finish().substr(0, 16);
  }
};

TEST_F(L2aGolden, PixelsArePinnedToTheAlgorithmVersion) {
  // A change that moves pixels raises the version in catalog.cc, then this pair.
  const int version = 9;
  const std::string golden = "6608aa8ad3c47167";
  TaskSpec task = Task(WriteMixed());
  WriteDem("hills", [](double east, double north) {
    return 150 + 40 * std::abs(std::remainder(east, 900.0)) / 450 + 30 * std::abs(std::remainder(north, 700.0)) / 350;
  });
  task.inputs.push_back({"dem", "hills", "input:/hills.asc"});
  ASSERT_EQ(task.algorithm_version, version);
  const TaskResult result = Run(task);
  EXPECT_GT(result.product.numbers.at("eo:cloud_cover"), 1);
  EXPECT_GT(result.product.numbers.at("arpent:water_percent"), 0.5);
  EXPECT_GT(result.product.numbers.at("arpent:cloud_shadow_percent"), 0.5);
  EXPECT_GT(result.product.numbers.at("arpent:aot_dark_pixels"), 100);
  EXPECT_EQ(DigestOf(result), golden);
  // Neither threads nor the height of strips move a bit.
  EXPECT_EQ(DigestOf(Run(task, 1)), golden);
  EXPECT_EQ(DigestOf(Run(task, 3, int64_t{256} << 20)), golden);
}

}  // namespace
}  // namespace arpent::stages
