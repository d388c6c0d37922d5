#include "common/insitu/legend.h"

#include <set>

#include "common/testing/status_matchers.h"

namespace arpent::insitu {
namespace {

using ::arpent::testing::StatusIs;

TEST(ParseLegend, ReadsCodesNamesAndColours) {
  const auto legend = ParseLegend("code,name,colour\r\n12,maize,#FFAA00\n11,\"wheat, winter\",\n", "legend.csv");
  ASSERT_OK(legend);
  ASSERT_EQ(legend->size(), 2u);
  EXPECT_EQ((*legend)[0].code, 11);
  EXPECT_EQ((*legend)[0].name, "wheat, winter");
  EXPECT_EQ((*legend)[0].colour, ColourOf(11));
  EXPECT_EQ((*legend)[1], (LegendClass{12, "maize", "#ffaa00"}));
}

TEST(ParseLegend, NamesTheLineThatIsWrong) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ParseLegend("1,a\n65535,b\n", "l.csv"), StatusIs(code, "l.csv line 2: '65535'"));
  EXPECT_THAT(ParseLegend("1,a\n0,b\n", "l.csv"), StatusIs(code, "line 2"));
  EXPECT_THAT(ParseLegend("1,a\n1,b\n", "l.csv"), StatusIs(code, "code 1 stands twice"));
  EXPECT_THAT(ParseLegend("1,a\n2,a\n", "l.csv"), StatusIs(code, "'a' stands twice"));
  EXPECT_THAT(ParseLegend("1,a,red\n", "l.csv"), StatusIs(code, "no colour"));
  EXPECT_THAT(ParseLegend("7\n", "l.csv"), StatusIs(code, "no name"));
}

TEST(ColourOf, NeighboursDiffer) {
  std::set<std::string> colours;
  for (uint16_t code = 1; code <= 100; ++code) colours.insert(ColourOf(code));
  EXPECT_GE(colours.size(), 98u);
}

TEST(AssignCodes, KeepsCodesAsTheyAre) {
  const LabelCodes codes = AssignCodes({"11", "4351", "65534"}, {});
  EXPECT_TRUE(codes.as_given);
  EXPECT_EQ(codes.code_of.at("4351"), 4351);
}

TEST(AssignCodes, NumbersTextInSortedOrder) {
  const LabelCodes codes = AssignCodes({"wheat", "barley", "maize"}, {});
  EXPECT_FALSE(codes.as_given);
  EXPECT_EQ(codes.code_of, (std::map<std::string, uint16_t>{{"barley", 1}, {"maize", 2}, {"wheat", 3}}));
}

TEST(AssignCodes, NumbersCodesOutOfRangeByValue) {
  const LabelCodes codes = AssignCodes({"1101060000", "70000", "11"}, {});
  EXPECT_EQ(codes.code_of, (std::map<std::string, uint16_t>{{"11", 1}, {"70000", 2}, {"1101060000", 3}}));
}

TEST(AssignCodes, TakesTheLegendsCodesAndLeavesUnknownLabelsOut) {
  const LabelCodes codes = AssignCodes({"wheat", "teff", "12"}, {{11, "wheat", "#000000"}, {12, "maize", "#000000"}});
  EXPECT_EQ(codes.code_of, (std::map<std::string, uint16_t>{{"wheat", 11}, {"12", 12}}));
}

}  // namespace
}  // namespace arpent::insitu
