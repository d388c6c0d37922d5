#include "common/report/report.h"

#include <gtest/gtest.h>

namespace arpent::report {
namespace {

TEST(Report, IsSelfContainedAndEscapesNames) {
  Report report;
  report.site = "a<b";
  report.state = "SUCCEEDED";
  report.galleries.push_back({.heading = "True colour", .pictures = {{"one", "png bytes"}}});
  const std::string html = RenderHtml(report);
  EXPECT_EQ(html.find("a<b"), std::string::npos);
  EXPECT_NE(html.find("a&lt;b"), std::string::npos);
  EXPECT_NE(html.find("data:image/png;base64,cG5nIGJ5dGVz"), std::string::npos);  // base64 of RFC 4648
  EXPECT_EQ(html.find("http"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
}

TEST(Report, ShowsFailuresAndTheConfusionMatrix) {
  Report report;
  report.failures.push_back({"l2a", "S2A_X", "DATA_LOSS: B02.jp2 ends too soon"});
  Accuracy accuracy;
  accuracy.heading = "Crop type";
  accuracy.classes = {"wheat", "maize"};
  accuracy.matrix = {{90, 10}, {5, 95}};
  accuracy.overall = 0.925;
  report.accuracies.push_back(accuracy);
  const std::string html = RenderHtml(report);
  EXPECT_NE(html.find("B02.jp2 ends too soon"), std::string::npos);
  EXPECT_NE(html.find("<td class=\"diagonal\">95</td>"), std::string::npos);
  EXPECT_NE(html.find("0.925"), std::string::npos);
}

}  // namespace
}  // namespace arpent::report
