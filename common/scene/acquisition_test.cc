#include "common/scene/acquisition.h"

#include <gtest/gtest.h>

namespace arpent::scene {
namespace {

absl::Time At(int hour, int minute, int second) {
  return absl::FromCivil(absl::CivilSecond(2017, 12, 7, hour, minute, second), absl::UTCTimeZone());
}

// Identifiers as products of 2017 to 2021 have them.
TEST(StripStart, TheFirstStripHasTheDatatakesStart) {
  const absl::Time datatake = At(0, 20, 51);
  EXPECT_EQ(StripStart(datatake, "S2A_OPER_MSI_L1C_DS_SGS__20171207T032513_S20171207T002051_N02.06"), datatake);
  EXPECT_EQ(StripStart(datatake, "S2A_OPER_MSI_L1C_DS_SGS__20171207T032513_S20171207T002046_N02.06"), datatake);
}

TEST(StripStart, ALaterStripHasItsOwn) {
  EXPECT_EQ(StripStart(At(0, 20, 51), "S2A_OPER_MSI_L1C_DS_SGS__20171207T032513_S20171207T002252_N02.06"), At(0, 22, 52));
}

TEST(StripStart, WithoutAnIdentifierItIsTheDatatakes) {
  EXPECT_EQ(StripStart(At(0, 20, 51), ""), At(0, 20, 51));
  EXPECT_EQ(StripStart(At(0, 20, 51), "S2A_Something"), At(0, 20, 51));
}

TEST(AcquisitionName, BearsPlatformStartOrbitAndTile) {
  EXPECT_EQ(AcquisitionName("S2A", At(0, 22, 52), 8, "55JEJ"), "S2A_20171207T002252_R008_T55JEJ");
}

}  // namespace
}  // namespace arpent::scene
