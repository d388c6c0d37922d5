// Which role may call which method of the coordinator, over a real server.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "arpent/product/v1/product_service.pb.h"
#include "arpent/run/v1/run_service.pb.h"
#include "arpent/site/v1/site_service.pb.h"
#include "arpent/worker/v1/worker_service.pb.h"
#include "common/rpc/access_for_test.h"
#include "common/rpc/server.h"
#include "common/testing/status_matchers.h"
#include "services/coordinator/running_coordinator.h"

namespace arpent::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Everything that is here may be called by the role; whatever is not, may not. A new method fails until it is decided on.
const std::map<std::string, std::set<std::string>>& Allowed() {
  static const auto* const allowed = new std::map<std::string, std::set<std::string>>{
      {"/arpent.site.v1.SiteService/ApplySite", {"operator"}},
      {"/arpent.site.v1.SiteService/GetSite", {"operator", "reader"}},
      {"/arpent.site.v1.SiteService/ListSites", {"operator", "reader"}},
      {"/arpent.site.v1.SiteService/DeleteSite", {"operator"}},
      {"/arpent.run.v1.RunService/StartRun", {"operator"}},
      {"/arpent.run.v1.RunService/GetRun", {"operator", "reader"}},
      {"/arpent.run.v1.RunService/ListRuns", {"operator", "reader"}},
      {"/arpent.run.v1.RunService/ListCells", {"operator", "reader"}},
      {"/arpent.run.v1.RunService/WatchRun", {"operator", "reader"}},
      {"/arpent.run.v1.RunService/CancelRun", {"operator"}},
      {"/arpent.run.v1.RunService/RetryRun", {"operator"}},
      {"/arpent.product.v1.ProductService/ListProducts", {"operator", "reader"}},
      {"/arpent.product.v1.ProductService/GetProduct", {"operator", "reader"}},
      {"/arpent.product.v1.ProductService/DeleteProduct", {"operator"}},
      {"/arpent.worker.v1.WorkerService/Synchronize", {"worker"}},
      {"/arpent.worker.v1.WorkerService/ListWorkers", {"operator", "reader"}},
  };
  return *allowed;
}

std::vector<std::string> AllMethods() {
  std::vector<std::string> all;
  for (const auto* const file :
       {site::v1::ListSitesRequest::descriptor()->file(), run::v1::ListRunsRequest::descriptor()->file(),
        product::v1::ListProductsRequest::descriptor()->file(), worker::v1::ListWorkersRequest::descriptor()->file()}) {
    for (const std::string& method : rpc::MethodsOf(*file->service(0))) all.push_back(method);
  }
  return all;
}

TEST(CoordinatorAccess, EveryMethodAsksForItsRole) {
  const rpc::TokensForTest tokens;
  SystemClock clock;
  telemetry::Metrics metrics;
  CoordinatorOptions options;
  ASSERT_OK_AND_ASSIGN(options.access, rpc::AccessControl::Open(tokens.folder(), clock));
  ASSERT_OK_AND_ASSIGN(const auto running, StartCoordinator(options, clock, metrics));
  ASSERT_OK_AND_ASSIGN(const auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, running->services(), metrics));
  for (const std::string& method : AllMethods()) {
    const auto allowed = Allowed().find(method);
    ASSERT_NE(allowed, Allowed().end()) << method;
    for (const char* const nobody : {"", "unknown-token"}) {
      EXPECT_EQ(rpc::CallAs(server->address(), tokens, nobody, method), grpc::StatusCode::UNAUTHENTICATED)
          << method << " '" << nobody << "'";
    }
    for (const char* const role : {"operator", "reader", "worker"}) {
      const grpc::StatusCode code = rpc::CallAs(server->address(), tokens, role, method);
      if (allowed->second.count(role) == 0) {
        EXPECT_EQ(code, grpc::StatusCode::PERMISSION_DENIED) << method << " " << role;
      } else {
        EXPECT_NE(code, grpc::StatusCode::PERMISSION_DENIED) << method << " " << role;
        EXPECT_NE(code, grpc::StatusCode::UNAUTHENTICATED) << method << " " << role;
      }
    }
  }
  const std::string text = metrics.Text();
  for (const char* const code : {"UNAUTHENTICATED\",grpc_method=\"StartRun\"", "PERMISSION_DENIED\",grpc_method=\"StartRun\"",
                                 "UNAUTHENTICATED\",grpc_method=\"WatchRun\"", "PERMISSION_DENIED\",grpc_method=\"Synchronize\""}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("grpc_server_handled_total{grpc_code=\"", code)));
  }
  EXPECT_THAT(text, Not(HasSubstr("secret-of")));
  EXPECT_EQ(rpc::CallAs(server->address(), tokens, "", "/grpc.health.v1.Health/Check"), grpc::StatusCode::OK);
  running->Stop();
}

}  // namespace
}  // namespace arpent::coordinator
