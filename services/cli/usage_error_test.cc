#include "services/cli/usage_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace arpent::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class UsageErrorTest : public ::testing::Test {
 protected:
  UsageErrorTest() {
    app_.require_subcommand(1);
    app_.add_option("--output", format_);
    CLI::App* const run = app_.add_subcommand("run", "Runs");
    run->require_subcommand(1);
    run->add_subcommand("start", "Start")->add_option("site", site_)->required();
    run->add_subcommand("list", "List");
  }

  std::string Told(const std::vector<std::string>& words) {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
      app_.parse(reversed);
    } catch (const CLI::ParseError& error) {
      return UsageError(app_, words, error.what());
    }
    return "";
  }

  CLI::App app_{"Test", "arpent"};
  std::string format_, site_;
};

TEST_F(UsageErrorTest, NamesTheWrongWordAndWhatWasMeant) {
  EXPECT_EQ(Told({"rum"}), "arpent: there is no command 'arpent rum'; did you mean 'arpent run'?\n`arpent --help` lists the commands\n");
  EXPECT_THAT(Told({"run", "strat"}), HasSubstr("did you mean 'arpent run start'?"));
  EXPECT_THAT(Told({"--output", "json", "run", "frobnicate"}), HasSubstr("no command 'arpent run frobnicate'\n"));
}

TEST_F(UsageErrorTest, ShowsHelpWhenACommandIsMissing) {
  EXPECT_THAT(Told({}), HasSubstr("Subcommands:"));
  EXPECT_THAT(Told({"run"}), HasSubstr("start"));
}

TEST_F(UsageErrorTest, SaysWhichCommandWasUsedWrongly) {
  EXPECT_EQ(Told({"run", "start"}), "arpent run start: site is required\nSee `arpent run start --help`\n");
  EXPECT_THAT(Told({"run", "list", "--frob"}), HasSubstr("arpent run list: "));
  EXPECT_EQ(Told({"run", "list"}), "");
}

TEST(NearestName, IsNoGuessing) {
  EXPECT_EQ(NearestName("compostie", {"composite", "completion"}), "composite");
  EXPECT_EQ(NearestName("xyz", {"map", "run"}), "");
}

}  // namespace
}  // namespace arpent::cli
