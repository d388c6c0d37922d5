#include "common/rpc/access.h"

#include <grpcpp/test/server_context_test_spouse.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "common/rpc/access_for_test.h"
#include "common/rpc/client_token.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::rpc {
namespace {

using testing::StatusIs;
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;

class AccessTest : public ::testing::Test {
 protected:
  static std::string Bearer(const std::string& role) { return "Bearer " + TokensForTest::TokenOf(role); }

  TokensForTest tokens_;
  testing::FakeClock clock_;
};

TEST_F(AccessTest, EachRoleMayWhatItNeedsAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const auto access, AccessControl::Open(tokens_.folder(), clock_));
  const std::map<std::string, std::set<Right>> allowed = {
      {"operator", {Right::kRead, Right::kReadObjects, Right::kWriteObjects, Right::kOperate}},
      {"reader", {Right::kRead, Right::kReadObjects}},
      {"worker", {Right::kReadObjects, Right::kWriteObjects, Right::kWork}}};
  for (const auto& [role, rights] : allowed) {
    for (const Right right :
         {Right::kRead, Right::kReadObjects, Right::kWriteObjects, Right::kOperate, Right::kWork}) {
      const absl::Status status = access->CheckHeader(Bearer(role), right);
      if (rights.count(right) > 0) {
        EXPECT_OK(status) << role << " " << static_cast<int>(right);
      } else {
        EXPECT_THAT(status, StatusIs(kPermissionDenied, role)) << static_cast<int>(right);
      }
    }
  }
  EXPECT_THAT(access->CheckHeader(Bearer("reader"), Right::kOperate), StatusIs(kPermissionDenied, "needs operator"));
}

TEST_F(AccessTest, WhoIsNotKnownIsUnauthenticated) {
  ASSERT_OK_AND_ASSIGN(const auto access, AccessControl::Open(tokens_.folder(), clock_));
  for (const std::string header : {"", "Bearer", "Bearer ", "Basic c2VjcmV0", "Bearer secret-of-the-reade",
                                   "Bearer secret-of-the-readers", "secret-of-the-reader"}) {
    EXPECT_THAT(access->CheckHeader(header, Right::kRead), StatusIs(kUnauthenticated, "")) << header;
  }
  EXPECT_OK(access->CheckHeader("bearer secret-of-the-reader ", Right::kRead));
}

TEST_F(AccessTest, MoreMetadataThanTheServerTakesIsRefusedInHoweverManyPieces) {
  ASSERT_OK_AND_ASSIGN(const auto access, AccessControl::Open(tokens_.folder(), clock_));
  for (const int pieces : {10, 20}) {
    grpc::ServerContext context;
    grpc::testing::ServerContextTestSpouse client(&context);
    client.AddClientMetadata("authorization", Bearer("reader"));
    for (int i = 0; i < pieces; ++i) client.AddClientMetadata(absl::StrCat("x-", i), std::string(1000, 'a'));
    if (pieces == 10) {
      EXPECT_OK(Admit(access.get(), context, Right::kRead));
      EXPECT_OK(Admit(nullptr, context, Right::kRead));
    } else {
      EXPECT_THAT(Admit(access.get(), context, Right::kRead), StatusIs(absl::StatusCode::kResourceExhausted, "16384"));
      EXPECT_THAT(Admit(nullptr, context, Right::kRead), StatusIs(absl::StatusCode::kResourceExhausted, "metadata"));
    }
  }
}

TEST_F(AccessTest, WithoutTokensEverybodyMayEverything) {
  ASSERT_OK_AND_ASSIGN(const auto access, AccessControl::Open("", clock_));
  EXPECT_OK(access->CheckHeader("", Right::kOperate));
}

TEST_F(AccessTest, RenewedTokensNeedNoRestart) {
  std::ofstream(tokens_.FileOf("reader")) << "# two while they are renewed\n\nsecret-of-the-reader\n  the-renewed-reader-token \n";
  ASSERT_OK_AND_ASSIGN(const auto access, AccessControl::Open(tokens_.folder(), clock_));
  EXPECT_OK(access->CheckHeader(Bearer("reader"), Right::kRead));
  EXPECT_OK(access->CheckHeader("Bearer the-renewed-reader-token", Right::kRead));
  EXPECT_THAT(access->CheckHeader("Bearer # two while they are renewed", Right::kRead), StatusIs(kUnauthenticated, ""));
  std::filesystem::rename(tokens_.FileOf("unknown-token"), tokens_.FileOf("reader"));
  EXPECT_OK(access->CheckHeader(Bearer("reader"), Right::kRead)) << "files are not read with every call";
  clock_.Advance(AccessControl::kReread);
  EXPECT_THAT(access->CheckHeader(Bearer("reader"), Right::kRead), StatusIs(kUnauthenticated, ""));
  EXPECT_OK(access->CheckHeader(Bearer("nobody"), Right::kRead));
  std::filesystem::remove(tokens_.FileOf("reader"));
  clock_.Advance(AccessControl::kReread);
  EXPECT_THAT(access->CheckHeader(Bearer("nobody"), Right::kRead), StatusIs(kUnauthenticated, ""));
  EXPECT_OK(access->CheckHeader(Bearer("operator"), Right::kRead));
}

TEST_F(AccessTest, SaysWhatIsWrongWithTheFiles) {
  tokens_.Write("reader", "short");
  const absl::Status status = AccessControl::Open(tokens_.folder(), clock_).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "reader:1: a token needs at least 16"));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(::testing::HasSubstr("short")));
  const testing::TemporaryFolder empty;
  EXPECT_THAT(AccessControl::Open(empty.path(), clock_), StatusIs(absl::StatusCode::kNotFound, "operator"));
}

TEST_F(AccessTest, AClientsTokenGoesToThisMachineOrThroughTls) {
  const ChannelOptions options{.token_file = tokens_.FileOf("reader")};
  EXPECT_OK(OpenChannel("127.0.0.1:1", options));
  EXPECT_OK(OpenChannel("localhost:1", options));
  EXPECT_OK(OpenChannel("127.0.0.1:1,127.0.0.2:2", options));
  EXPECT_OK(OpenChannel("[::1]:1", options));
  for (const char* const address : {"10.0.0.1:1", "127.0.0.1:1,10.0.0.1:1", "127.example.org.:1", "coordinator:7070"}) {
    EXPECT_THAT(OpenChannel(address, options), StatusIs(absl::StatusCode::kInvalidArgument, "TLS")) << address;
  }
  EXPECT_OK(OpenChannel("coordinator:7070", {.token_file = options.token_file, .plaintext_token = true}));
  EXPECT_THAT(OpenChannel("127.0.0.1:1", {.token_file = tokens_.FileOf("absent")}),
              StatusIs(absl::StatusCode::kNotFound, "absent"));
  tokens_.Write("empty", "");
  EXPECT_THAT(OpenChannel("127.0.0.1:1", {.token_file = tokens_.FileOf("empty")}),
              StatusIs(absl::StatusCode::kInvalidArgument, "empty"));
}

}  // namespace
}  // namespace arpent::rpc
