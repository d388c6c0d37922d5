#include "common/learn/sample_table.h"

#include <limits>

#include "common/testing/status_matchers.h"

namespace arpent::learn {
namespace {

using ::arpent::testing::StatusIs;

SampleTable Example() {
  SampleTable table;
  table.purpose = "crop-type";
  table.tile = "33TVL";
  table.feature_names = {"NDVI_1", "NDVI_2"};
  table.legend = {{1, "wheat"}, {7, "maïs"}, {9, "never sampled"}};
  table.strata = {"north", "south"};
  table.class_codes = {1, 7, 7};
  table.polygon_ids = {4, 5, 5};
  table.stratum = {0, 1, 1};
  table.split = {SampleSplit::kTrain, SampleSplit::kValidate, SampleSplit::kValidate};
  table.weights = {1, 0.5f, 2};
  table.values = {0.1f, 0.2f, 0.3f, -0.1f, -0.2f, 1e-30f};
  return table;
}

TEST(SampleTable, ComesBackAsWritten) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteSampleTable(Example()));
  ASSERT_OK_AND_ASSIGN(const SampleTable table, ReadSampleTable(bytes, "a.samples"));
  EXPECT_EQ(table, Example());
  EXPECT_EQ(table.plane(1)[2], 1e-30f);
  EXPECT_EQ(WriteSampleTable(table).value(), bytes);
}

TEST(SampleTable, KeepsNoData) {
  SampleTable table = Example();
  table.values[3] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteSampleTable(table));
  ASSERT_OK_AND_ASSIGN(table, ReadSampleTable(bytes, "a.samples"));
  EXPECT_NE(table.values[3], table.values[3]);
}

TEST(SampleTable, EveryCutIsDataLoss) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteSampleTable(Example()));
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(ReadSampleTable(bytes.substr(0, length), "a.samples"),
                StatusIs(absl::StatusCode::kDataLoss, "a.samples"))
        << length;
  }
}

TEST(SampleTable, EveryFlippedByteIsNoticed) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, WriteSampleTable(Example()));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(ReadSampleTable(damaged, "a.samples").ok()) << i;
  }
}

TEST(SampleTable, ANewerVersionIsRefused) {
  ASSERT_OK_AND_ASSIGN(std::string bytes, WriteSampleTable(Example()));
  bytes[8] = 99;
  EXPECT_THAT(ReadSampleTable(bytes, "a.samples"), StatusIs(absl::StatusCode::kFailedPrecondition, "newer"));
}

TEST(SampleTable, ColumnsThatDoNotFitAreNamed) {
  SampleTable table = Example();
  table.polygon_ids.pop_back();
  EXPECT_THAT(WriteSampleTable(table), StatusIs(absl::StatusCode::kInvalidArgument, "polygon_ids"));
  table = Example();
  table.class_codes[0] = 2;
  EXPECT_THAT(WriteSampleTable(table), StatusIs(absl::StatusCode::kInvalidArgument, "class code 2"));
  table = Example();
  table.weights[0] = 0;
  EXPECT_THAT(WriteSampleTable(table), StatusIs(absl::StatusCode::kInvalidArgument, "weight"));
}

}  // namespace
}  // namespace arpent::learn
