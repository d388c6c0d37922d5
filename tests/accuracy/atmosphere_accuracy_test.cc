// The bars of the atmosphere, against the original 6S code and against the solver in wider ranges.
#include <set>
#include <string>

#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"
#include "gtest/gtest.h"
#include "services/lut/table_file.h"
#include "tests/accuracy/atmosphere_errors.h"

namespace arpent::accuracy {
namespace {

// The bars of the L2A specification. `samples` are of all bands and models.
void ExpectWithinBars(const std::vector<Sample>& samples) {
  const Summary land = Summarise(samples, IsLand);
  EXPECT_LE(land.toa_rms, 0.0010);
  EXPECT_LE(land.toa_99, 0.0025);
  EXPECT_LE(land.toa_max, 0.005);
  EXPECT_LE(land.gas_rms, 0.002);
  std::set<std::pair<std::string, std::string>> groups;
  for (const Sample& sample : samples) groups.emplace(sample.band, sample.aerosol);
  for (const auto& [band, aerosol] : groups) {
    const Summary group = Summarise(samples, [&](const Sample& sample) {
      return IsLand(sample) && sample.band == band && sample.aerosol == aerosol;
    });
    if (group.count == 0) continue;
    EXPECT_GE(group.surface_within, 0.995) << band << " " << aerosol;
    EXPECT_LE(group.surface_rms, band == "B01" || band == "B1" ? 0.004 : 0.0025) << band << " " << aerosol;
  }
  const Summary water = Summarise(samples, IsWaterVapour);
  EXPECT_LE(water.gas_rms, 0.010);
  EXPECT_LE(water.surface_rms, 0.010);
}

TEST(AtmosphereAccuracy, AgreesWithSixS) {
  ARPENT_REQUIRE_SHARED_DATA("radiative_transfer");
  ASSERT_OK_AND_ASSIGN(const kernels::AtmosphereTables tables, BuiltTables());
  ASSERT_OK_AND_ASSIGN(const std::vector<Sample> samples,
                       CompareWithTruth(tables, testing::SharedData("radiative_transfer") + "/truth.csv"));
  ASSERT_GE(samples.size(), 1500u);
  ExpectWithinBars(samples);
}

TEST(AtmosphereAccuracy, AgreesWithTheSolverInWiderRanges) {
  ASSERT_OK_AND_ASSIGN(const kernels::AtmosphereTables tables, BuiltTables());
  ASSERT_OK_AND_ASSIGN(const std::vector<Sample> samples, CompareWithSolver(tables, 60));
  ExpectWithinBars(samples);
}

TEST(AtmosphereAccuracy, TablesDoNotDependOnThreads) {
  ASSERT_OK_AND_ASSIGN(const kernels::RadiativeInputs inputs, lut::ReadInputs(lut::DefaultDataFolder()));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, lut::ComputeTables(inputs, 1, [](double) {}));
  ASSERT_OK_AND_ASSIGN(const kernels::AtmosphereTables built, BuiltTables());  // on all cores
  EXPECT_EQ(Sha256Of(bytes), built.digest());
}

// The closed formula's own loss is part of the first test: truth.csv holds spectrally integrated TOA reflectance.
TEST(AtmosphereAccuracy, TransmittancesAreOfLight) {
  ASSERT_OK_AND_ASSIGN(const kernels::AtmosphereTables tables, BuiltTables());
  for (double sun_zenith : {0.0, 33.0, 75.0}) {
    ASSERT_OK_AND_ASSIGN(const kernels::BandCoefficients c,
                         tables.CoefficientsOf(kernels::Sensor::kS2A, "B02", {sun_zenith, 7, 100},
                                               {kernels::AerosolModel::kDesert, 0.7, 2, 0.3, 1.5}));
    EXPECT_GT(c.t_down_direct, 0);
    EXPECT_GT(c.t_down_diffuse, 0);
    EXPECT_LT(c.t_down(), 1);
    EXPECT_GT(c.t_up_direct, c.t_down_direct * 0.99);
    EXPECT_GT(c.s_albedo, 0);
  }
}

}  // namespace
}  // namespace arpent::accuracy
