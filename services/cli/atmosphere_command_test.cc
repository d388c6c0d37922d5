#include "services/cli/atmosphere_command.h"

#include <cmath>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/kernels/atmosphere/simple_tables.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace arpent::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] = "note,sensor,band,sza_deg,vza_deg,raa_deg,aerosol,aot550,wv_gcm2,o3_atmcm,alt_km";

absl::StatusOr<std::string> Calculate(const std::string& input) {
  auto tables = kernels::AtmosphereTables::Parse(kernels::SerializeTables(kernels::SimpleTables()));
  std::istringstream in(input);
  std::ostringstream out;
  const absl::Status status = RunAtmosphere(*tables, in, out);
  if (!status.ok()) return status;
  return out.str();
}

TEST(AtmosphereCommand, AppendsColumnsAndPassesOthers) {
  ASSERT_OK_AND_ASSIGN(
      const std::string out,
      Calculate(absl::StrCat(kHeader, ",rho_toa\n\"a, \"\"b\"\"\",S2A,B02,60,0,10,urban,0.2,2,0.3,0,0.25\n",
                             ",L8,B2,0,0,0,none,0.2,2,0.3,0,\n")));
  const std::vector<std::string> lines = absl::StrSplit(out, '\n');
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], absl::StrCat(kHeader,
                                   ",rho_toa,arpent_rho_atm,arpent_t_down_sca,arpent_t_up_sca,arpent_s_alb,"
                                   "arpent_tg_total,arpent_toa_rho000,arpent_toa_rho005,arpent_toa_rho020,"
                                   "arpent_toa_rho040,arpent_rho_surface"));
  const std::string row = "\"a, \"\"b\"\"\",S2A,B02,60,0,10,urban,0.2,2,0.3,0,0.25";
  ASSERT_EQ(lines[1].substr(0, row.size()), row);
  std::vector<double> value;
  for (const std::string& field : std::vector<std::string>(absl::StrSplit(lines[1].substr(row.size() + 1), ','))) {
    ASSERT_TRUE(absl::SimpleAtod(field, &value.emplace_back())) << field;
  }
  ASSERT_EQ(value.size(), 10u);
  const double path = (kernels::kSimplePath + kernels::kSimplePathPerAot * 0.2) / 0.5;
  const double down = std::exp(-kernels::kSimpleDepth / 0.5), up = std::exp(-kernels::kSimpleDepth);
  EXPECT_NEAR(value[0], path, 1e-6);
  EXPECT_NEAR(value[1], down, 1e-6);
  EXPECT_NEAR(value[2], up, 1e-6);
  EXPECT_NEAR(value[3], kernels::kSimpleAlbedo, 1e-6);
  EXPECT_EQ(value[4], 1);
  EXPECT_NEAR(value[7], path + down * up * 0.2 / (1 - kernels::kSimpleAlbedo * 0.2), 1e-6);
  const double y = (0.25 - path) / (down * up);
  EXPECT_NEAR(value[9], y / (1 + kernels::kSimpleAlbedo * y), 1e-6);
  // Without aerosol the AOT is ignored; an empty rho_toa stays empty.
  EXPECT_THAT(lines[2], HasSubstr(",0.01999"));
  EXPECT_EQ(lines[2].back(), ',');
}

TEST(AtmosphereCommand, KeepsLineEnds) {
  ASSERT_OK_AND_ASSIGN(const std::string out,
                       Calculate(absl::StrCat(kHeader, "\r\nx,S2A,B02,60,0,10,urban,0.2,2,0.3,0\r\n")));
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(out, "\r\n")).size(), 3u);
}

TEST(AtmosphereCommand, ReadsWhatSpreadsheetsWrite) {
  const std::string rows = ",S2A,B02,60,0,10,urban,0.2,2,0.3,0\n";
  ASSERT_OK_AND_ASSIGN(const std::string plain, Calculate(absl::StrCat(kHeader, "\n", rows)));
  ASSERT_OK_AND_ASSIGN(const std::string marked, Calculate(absl::StrCat("\xef\xbb\xbf", kHeader, "\n", rows)));
  EXPECT_EQ(marked, plain);
  ASSERT_OK_AND_ASSIGN(const std::string spaced, Calculate(absl::StrCat(kHeader, "\n, S2A, B02, 60, 0, 10, urban , 0.2, 2, 0.3, 0\n")));
  const std::vector<std::string> expected = absl::StrSplit(plain, ','), found = absl::StrSplit(spaced, ',');
  EXPECT_TRUE(std::equal(expected.end() - 9, expected.end(), found.end() - 9));
}

TEST(AtmosphereCommand, NamesLineAndColumnOfWhatIsWrong) {
  const struct {
    std::string row, line, column;
  } cases[] = {
      {"x,S2A,B02,sixty,0,10,urban,0.2,2,0.3,0", "line 3", "column sza_deg"},
      {"x,S2A,B02,80,0,10,urban,0.2,2,0.3,0", "line 3", "column sza_deg"},
      {"x,S2A,B02,60,0,nan,urban,0.2,2,0.3,0", "line 3", "column raa_deg"},
      {"x,S2A,B02,60,0,10,soot,0.2,2,0.3,0", "line 3", "column aerosol"},
      {"x,S2A,B2,60,0,10,urban,0.2,2,0.3,0", "line 3", "column band"},
      {"x,S3A,B02,60,0,10,urban,0.2,2,0.3,0", "line 3", "column sensor"},
      {"x,S2A,B02,60,0,10,urban,-0.2,2,0.3,0", "line 3", "column aot550"},
      {"x,S2A,B02,60,0,10,urban,0.2,2,0.3", "line 3", "column 11"},
  };
  for (const auto& wrong : cases) {
    const absl::Status status =
        Calculate(absl::StrCat(kHeader, "\nx,S2A,B02,60,0,10,urban,0.2,2,0.3,0\n", wrong.row, "\n")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong.row;
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.line));
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.column));
  }
  EXPECT_THAT(std::string(Calculate("sensor,band\n").status().message()), HasSubstr("column aerosol"));
  EXPECT_EQ(Calculate("").status().code(), absl::StatusCode::kInvalidArgument);
  std::istringstream in;
  std::ostringstream out;
  EXPECT_EQ(RunAtmosphereWithFile("/nowhere/atmosphere.lut", in, out).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace arpent::cli
