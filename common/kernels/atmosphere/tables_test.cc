#include "common/kernels/atmosphere/tables.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "common/kernels/atmosphere/simple_tables.h"
#include "common/kernels/atmosphere/water_vapour.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace arpent::kernels {
namespace {

AtmosphereTables Simple() { return *AtmosphereTables::Parse(SerializeTables(SimpleTables())); }

TEST(Tables, BytesComeBack) {
  const std::string bytes = SerializeTables(SimpleTables());
  ASSERT_OK_AND_ASSIGN(const AtmosphereTables tables, AtmosphereTables::Parse(bytes));
  EXPECT_EQ(tables.digest(), Sha256Of(bytes));
  EXPECT_EQ(tables.BandsOf(Sensor::kS2A), (std::vector<std::string>{"B02", "B8A", "B09"}));
  ASSERT_OK_AND_ASSIGN(const TableData data, ParseTables(bytes));
  EXPECT_EQ(SerializeTables(data), bytes);
}

TEST(Tables, DamageIsDataLossAndAnotherVersionAPrecondition) {
  const std::string bytes = SerializeTables(SimpleTables());
  for (size_t size : {size_t{0}, size_t{7}, size_t{50}, bytes.size() - 1}) {
    EXPECT_EQ(AtmosphereTables::Parse(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(AtmosphereTables::Parse(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
  for (size_t at : {size_t{3}, size_t{40}, bytes.size() / 2, bytes.size() - 2}) {
    std::string damaged = bytes;
    damaged[at] ^= 1;
    EXPECT_EQ(AtmosphereTables::Parse(damaged).status().code(), absl::StatusCode::kDataLoss) << at;
  }
  std::string other = bytes;
  ++other[8];
  EXPECT_EQ(AtmosphereTables::Parse(other).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Tables, InterpolatesWhatItKnows) {
  const AtmosphereTables tables = Simple();
  for (double zenith : {0.0, 12.3, 47.0, 75.0}) {
    for (double aot : {0.0, 0.03, 0.47, 2.0}) {
      ASSERT_OK_AND_ASSIGN(const BandCoefficients c, tables.CoefficientsOf(Sensor::kS2A, "B02", {zenith, 6, 130},
                                                                           {AerosolModel::kUrban, aot, 2, 0.3, 1.7}));
      const double cos_sun = std::cos(zenith * std::numbers::pi / 180), cos_view = std::cos(6 * std::numbers::pi / 180);
      EXPECT_NEAR(c.rho_atm, (kSimplePath + kSimplePathPerAot * aot) / cos_sun, 1e-7);
      EXPECT_NEAR(c.rho_path, c.rho_atm, 1e-12);
      EXPECT_NEAR(c.t_down(), std::exp(-kSimpleDepth / cos_sun), 1e-7);
      EXPECT_NEAR(c.t_up(), std::exp(-kSimpleDepth / cos_view), 1e-7);
      EXPECT_NEAR(c.s_albedo, kSimpleAlbedo, 1e-7);
      EXPECT_EQ(c.gas, 1);
      EXPECT_NEAR(c.xa * c.t_down() * c.t_up(), 1, 1e-12);
    }
  }
}

TEST(Tables, PathSeesHalfTheWaterInAerosolAndNoneInMolecules) {
  const AtmosphereTables tables = Simple();
  const double zenith = 40, view = 5, water = 2, aot = 0.4;
  ASSERT_OK_AND_ASSIGN(const int band, tables.BandIndex(Sensor::kS2A, "B09"));
  ASSERT_OK_AND_ASSIGN(const BandCoefficients c,
                       tables.CoefficientsOf(band, {zenith, view, 0}, {AerosolModel::kDesert, aot, water, 0.3, 0}));
  const double cos_sun = std::cos(zenith * std::numbers::pi / 180);
  const double air_mass = 1 / cos_sun + 1 / std::cos(view * std::numbers::pi / 180);
  const double half = tables.GasTransmittance(band, air_mass, water / 2, 0.3, 0);
  EXPECT_LT(half, 0.99);
  EXPECT_LT(tables.GasTransmittance(band, air_mass, water, 0.3, 0), half);
  EXPECT_EQ(tables.GasTransmittance(band, air_mass, 0, 0.3, 0), 1);
  EXPECT_NEAR(c.rho_path, (kSimplePath + kSimplePathPerAot * aot * half) / cos_sun, 1e-7);
}

TEST(Tables, RejectsWhatItDoesNotCover) {
  const AtmosphereTables tables = Simple();
  const AtmosphericState state{AerosolModel::kContinental, 0.2, 2, 0.3, 0};
  const auto code = [&](const Geometry& geometry, const AtmosphericState& s) {
    return tables.CoefficientsOf(0, geometry, s).status().code();
  };
  EXPECT_EQ(code({75, 15, 0}, state), absl::StatusCode::kOk);
  EXPECT_EQ(code({75.1, 15, 0}, state), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({-1, 5, 0}, state), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({30, 15.5, 0}, state), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({30, 5, std::nan("")}, state), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({30, 5, 0}, {AerosolModel::kContinental, 2.5, 2, 0.3, 0}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({30, 5, 0}, {AerosolModel::kContinental, 0.2, 2, 0.3, 6}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tables.CoefficientsOf(17, {30, 5, 0}, state).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tables.BandIndex(Sensor::kLC08, "B8A").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::isnan(tables.CoefficientsUnchecked(0, {std::nan(""), 5, 0}, state).xa));
  // Unchecked clamps.
  EXPECT_EQ(tables.CoefficientsUnchecked(0, {90, 5, 0}, state).xa,
            tables.CoefficientsUnchecked(0, {75, 5, 0}, state).xa);
}

TEST(Tables, StandardAtmosphere) {
  EXPECT_NEAR(StandardPressureHpa(0), 1013, 1e-9);
  EXPECT_NEAR(StandardPressureHpa(0.5133), 952.567, 0.01);  // 6S
  EXPECT_NEAR(StandardPressureHpa(2.4696), 749.483, 0.01);
  EXPECT_GT(StandardPressureHpa(-0.4), 1050);
  EXPECT_NEAR(MolecularColumn(0), 1, 1e-12);
}

TEST(WaterVapour, ComesBackFromWhatItDoes) {
  const AtmosphereTables tables = Simple();
  const Geometry geometry{35, 4, 60};
  AtmosphericState state{AerosolModel::kContinental, 0.15, 0, 0.3, 0.4};
  const int window = *tables.BandIndex(Sensor::kS2A, "B8A"), absorption = *tables.BandIndex(Sensor::kS2A, "B09");
  const WaterVapourInverse inverse(tables, window, absorption, geometry, state);
  for (double water : {0.1, 0.6, 1.9, 4.4, 7.5}) {
    state.water_vapour_gcm2 = water;
    const BandCoefficients c = tables.CoefficientsUnchecked(absorption, geometry, state);
    const BandCoefficients clear = tables.CoefficientsUnchecked(window, geometry, state);
    for (double rho : {0.05, 0.3}) {
      EXPECT_NEAR(inverse.Retrieve(rho, ToaReflectance(c, rho)) / water, 1, 0.01) << water << " " << rho;
      EXPECT_NEAR(inverse.RetrieveFromToa(ToaReflectance(clear, rho), ToaReflectance(c, rho * 1.05), 1.05) / water, 1,
                  0.01);
    }
  }
  EXPECT_TRUE(std::isnan(inverse.Retrieve(0.01, 0.01)));
  EXPECT_EQ(inverse.Retrieve(0.3, 5.0), WaterVapourInverse::kMinimumGcm2);
  EXPECT_EQ(inverse.Retrieve(0.3, 0.0), WaterVapourInverse::kMaximumGcm2);
}

}  // namespace
}  // namespace arpent::kernels
