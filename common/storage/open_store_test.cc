#include "common/storage/open_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::storage {
namespace {

using testing::StatusIs;

TEST(OpenStore, OpensFolders) {
  testing::TemporaryFolder folder;
  EXPECT_OK(OpenStore(folder.path()));
  EXPECT_OK(OpenStore("file://" + folder.path()));
  EXPECT_THAT(OpenStore(folder.File("absent")), StatusIs(absl::StatusCode::kNotFound, "absent"));
  EXPECT_OK(OpenStore(folder.File("absent") + "?create=true"));
  EXPECT_TRUE(std::filesystem::is_directory(folder.File("absent")));
}

TEST(OpenStore, NamesWhatIsWrong) {
  testing::TemporaryFolder folder;
  for (const auto& [uri, cause] : std::vector<std::pair<std::string, std::string>>{
           {"relative/path", "file:///"},
           {"ftp://host/x", "file:///"},
           {folder.path() + "?colour=red", "colour"},
           {folder.path() + "?create=maybe", "maybe"},
           {folder.path() + "?create", "no value"},
           {"s3:///prefix", "bucket"},
           {"s3://bucket?endpoint=host:80", "https://host"},
           {"s3://bucket?credentials=" + folder.path(), "aws_access_key_id"},
           {"s3://bucket?path-style=perhaps", "perhaps"}}) {
    EXPECT_THAT(OpenStore(uri), StatusIs(absl::StatusCode::kInvalidArgument, cause)) << uri;
  }
  EXPECT_THAT(ParseNamedUri("input"), StatusIs(absl::StatusCode::kInvalidArgument, "NAME=URI"));
  EXPECT_THAT(ParseNamedUri("In put=/x"), StatusIs(absl::StatusCode::kInvalidArgument, "NAME=URI"));
}

TEST(OpenStore, TakesTheLimitsOfAStore) {
  RequestLimits limits{.at_once = 8, .per_second = 3};
  std::string uri = "s3://bucket/l1c?region=eu-1&requests-per-second=2.5&path-style=true&requests-at-once=4";
  ASSERT_OK(TakeRequestLimits(&uri, &limits));
  EXPECT_EQ(uri, "s3://bucket/l1c?region=eu-1&path-style=true");
  EXPECT_EQ(limits.at_once, 4);
  EXPECT_EQ(limits.per_second, 2.5);
  uri = "file:///data?requests-at-once=9";
  ASSERT_OK(TakeRequestLimits(&uri, &limits));
  EXPECT_EQ(uri, "file:///data");
  EXPECT_EQ(limits.at_once, 9);
  EXPECT_EQ(limits.per_second, 2.5) << "what is not said stays";
  uri = "file:///data?requests-at-once=many";
  EXPECT_THAT(TakeRequestLimits(&uri, &limits), StatusIs(absl::StatusCode::kInvalidArgument, "requests-at-once=many"));
  uri = "file:///data?requests-at-once=0";
  EXPECT_THAT(TakeRequestLimits(&uri, &limits), StatusIs(absl::StatusCode::kInvalidArgument, "requests-at-once=0"));
}

TEST(OpenStore, ParsesNames) {
  ASSERT_OK_AND_ASSIGN(const auto named, ParseNamedUri("input=file:///data?links=follow"));
  EXPECT_EQ(named.first, "input");
  EXPECT_EQ(named.second, "file:///data?links=follow");
}

}  // namespace
}  // namespace arpent::storage
