// The bars of the atmosphere, against the original 6S code and against the solver in wider ranges.
#include <cmath>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/kernels/atmosphere/forward_model.h"
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

// Four numbers per band stand for its whole spectrum. Scattering: our own solution of every wavelength of a band, integrated,
// against the one of the band. Ground as in kGround.
TEST(AtmosphereAccuracy, FourNumbersLoseLittleAgainstSpectralIntegration) {
  ASSERT_OK_AND_ASSIGN(const kernels::RadiativeInputs inputs, lut::ReadInputs(lut::DefaultDataFolder()));
  std::mt19937 random(11);
  const auto uniform = [&](double low, double high) { return low + (high - low) * (random() / 4294967296.0); };
  double worst = 0;
  for (const kernels::Sensor sensor : {kernels::Sensor::kS2A, kernels::Sensor::kLC08}) {
    for (int draw = 0; draw < 3; ++draw) {
      const kernels::Geometry geometry{uniform(10, 70), uniform(0, 12), uniform(0, 180)};
      const kernels::AtmosphericState state{static_cast<kernels::AerosolModel>(random() % 5), uniform(0.05, 0.6), 2, 0.3, uniform(0, 2)};
      for (kernels::BandInput band : inputs.bands) {
        if (band.sensor != sensor) continue;
        band.gas = {};
        kernels::RadiativeInputs spectrum = inputs;
        spectrum.bands = {band};
        std::vector<std::string> names = {band.name};
        for (const kernels::SpectralSample& sample : band.samples) {
          kernels::BandInput line = band;
          line.name = absl::StrCat(sample.wavelength_um);
          line.samples = {sample};
          line.samples[0].weight = 1;
          spectrum.bands.push_back(line);
          names.push_back(line.name);
        }
        ASSERT_OK_AND_ASSIGN(const auto all, kernels::ExactCoefficients(spectrum, sensor, names, geometry, state));
        for (const double rho : kGround) {
          double toa = 0;
          for (size_t i = 0; i < band.samples.size(); ++i) toa += band.samples[i].weight * ToaReflectance(all[i + 1], rho);
          const double loss = std::abs(SurfaceReflectance(all[0], toa) - rho);
          worst = std::max(worst, loss);
          EXPECT_LE(loss, 4e-4) << NameOf(sensor) << " " << band.name << " over " << rho;
        }
      }
    }
  }
  EXPECT_GT(worst, 1e-6);  // it is an approximation: no loss at all would mean that nothing was integrated
}

// The same with the gases, in 6S's own arithmetic: its four numbers against its spectrally integrated TOA reflectance. What our
// tables lose against that integration is in AgreesWithSixS.
TEST(AtmosphereAccuracy, FourNumbersLoseLittleInSixS) {
  ARPENT_REQUIRE_SHARED_DATA("radiative_transfer");
  ASSERT_OK_AND_ASSIGN(const std::vector<Sample> samples, FourNumbersOfTruth(testing::SharedData("radiative_transfer") + "/truth.csv"));
  ASSERT_GE(samples.size(), 1500u);
  for (const Sample& sample : samples) {
    if (IsCirrus(sample)) continue;
    for (size_t i = 0; i < kGround.size(); ++i) {
      EXPECT_LE(std::abs(sample.surface[i]), 4e-4) << sample.sensor << " " << sample.band << " over " << kGround[i];
    }
  }
}

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
