#include "services/coordinator/coordinator_service.h"

#include <algorithm>
#include <set>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/status.h"
#include "common/telemetry/trace.h"

namespace arpent::coordinator {
namespace {

using rpc::Right;
using rpc::ToGrpc;

// Watchers get changes gathered, not one by one; a watcher that went away is noticed this often.
constexpr absl::Duration kGather = absl::Milliseconds(100);
constexpr absl::Duration kLookForClient = absl::Seconds(2);

size_t PageSize(int asked, size_t most) { return asked <= 0 ? most : std::min<size_t>(asked, most); }

// Page tokens of lists that go by position.
absl::StatusOr<int> ParsePosition(const std::string& token) {
  int position = 0;
  if (token.empty() || (absl::SimpleAtoi(token, &position) && position >= 0)) return position;
  return absl::InvalidArgumentError("page_token: is not one that this service gave");
}

// The trace of the caller; empty when it has none.
std::string TraceOf(const grpc::ServerContext& context) {
  const auto found = context.client_metadata().find(telemetry::kTraceparentKey);
  if (found == context.client_metadata().end()) return "";
  return telemetry::ParseTraceparent(absl::string_view(found->second.data(), found->second.size()));
}

// Fills `target` from a value or returns the error.
template <typename T>
grpc::Status Answer(absl::StatusOr<T> value, T* target) {
  if (!value.ok()) return ToGrpc(value.status());
  *target = *std::move(value);
  return grpc::Status::OK;
}

}  // namespace

grpc::Status SiteServiceImpl::ApplySite(grpc::ServerContext* context, const site::v1::ApplySiteRequest* request,
                                        site::v1::ApplySiteResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kOperate);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->ApplySite(*request), response);
}

grpc::Status SiteServiceImpl::GetSite(grpc::ServerContext* context, const site::v1::GetSiteRequest* request,
                                      site::v1::GetSiteResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->GetSite(request->name()), response->mutable_site());
}

grpc::Status SiteServiceImpl::ListSites(grpc::ServerContext* context, const site::v1::ListSitesRequest* request,
                                        site::v1::ListSitesResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  const size_t limit = PageSize(request->page_size(), 100);
  for (site::v1::Site& site : (*coordinator)->ListSites(request->page_token(), limit)) {
    *response->add_sites() = std::move(site);
  }
  if (response->sites_size() == static_cast<int>(limit)) {
    response->set_next_page_token(response->sites(response->sites_size() - 1).name());
  }
  return grpc::Status::OK;
}

grpc::Status SiteServiceImpl::DeleteSite(grpc::ServerContext* context, const site::v1::DeleteSiteRequest* request,
                                         site::v1::DeleteSiteResponse*) {
  const auto coordinator = gate_.Enter(*context, Right::kOperate);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return ToGrpc((*coordinator)->DeleteSite(request->name()));
}

grpc::Status RunServiceImpl::StartRun(grpc::ServerContext* context, const run::v1::StartRunRequest* request,
                                      run::v1::StartRunResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kOperate);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->StartRun(*request, TraceOf(*context)), response->mutable_run());
}

grpc::Status RunServiceImpl::GetRun(grpc::ServerContext* context, const run::v1::GetRunRequest* request,
                                    run::v1::GetRunResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->GetRun(request->run_id()), response->mutable_run());
}

grpc::Status RunServiceImpl::ListRuns(grpc::ServerContext* context, const run::v1::ListRunsRequest* request,
                                      run::v1::ListRunsResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  const size_t limit = PageSize(request->page_size(), 100);
  const absl::StatusOr<int> offset = ParsePosition(request->page_token());
  if (!offset.ok()) return ToGrpc(offset.status());
  for (run::v1::Run& run : (*coordinator)->ListRuns(request->site(), *offset, limit)) {
    *response->add_runs() = std::move(run);
  }
  if (response->runs_size() == static_cast<int>(limit)) {
    response->set_next_page_token(absl::StrCat(*offset + response->runs_size()));
  }
  return grpc::Status::OK;
}

grpc::Status RunServiceImpl::ListCells(grpc::ServerContext* context, const run::v1::ListCellsRequest* request,
                                       run::v1::ListCellsResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  const absl::StatusOr<int> first = ParsePosition(request->page_token());
  if (!first.ok()) return ToGrpc(first.status());
  const std::set<int> outcomes(request->outcomes().begin(), request->outcomes().end());
  const auto wanted = [&](const run::v1::Cell& cell) {
    return (outcomes.empty() || outcomes.count(cell.outcome()) > 0) &&
           (request->stage().empty() || request->stage() == cell.stage());
  };
  int next = -1;
  absl::StatusOr<std::vector<run::v1::Cell>> cells =
      (*coordinator)->ListCells(request->run_id(), *first, PageSize(request->page_size(), 1000), wanted, &next);
  if (!cells.ok()) return ToGrpc(cells.status());
  for (run::v1::Cell& cell : *cells) *response->add_cells() = std::move(cell);
  if (next >= 0) response->set_next_page_token(absl::StrCat(next));
  return grpc::Status::OK;
}

grpc::Status RunServiceImpl::WatchRun(grpc::ServerContext* context, const run::v1::WatchRunRequest* request,
                                      grpc::ServerWriter<run::v1::WatchRunResponse>* stream) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  const absl::Cleanup leave = [this] { --watchers_; };
  if (++watchers_ > most_watchers_) {
    return ToGrpc(absl::ResourceExhaustedError(absl::StrCat("more than ", most_watchers_, " watch; come back later")));
  }
  int64_t after = request->after_sequence();
  while (!context->IsCancelled()) {
    const absl::StatusOr<Coordinator::Changes> changes =
        (*coordinator)->WatchRun(request->run_id(), after, kLookForClient);
    if (!changes.ok()) return ToGrpc(changes.status());
    if (changes->any) {
      after = changes->response.sequence();
      const rpc::StreamWatch::Stream watched(watch_, *context, {.idle = watcher_idle_});
      if (!stream->Write(changes->response)) return ToGrpc(watched.Explain(absl::CancelledError("the watcher went away")));
    }
    if (changes->ended) return grpc::Status::OK;
    if (changes->any) absl::SleepFor(kGather);
  }
  return grpc::Status::CANCELLED;
}

grpc::Status RunServiceImpl::CancelRun(grpc::ServerContext* context, const run::v1::CancelRunRequest* request,
                                       run::v1::CancelRunResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kOperate);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->CancelRun(request->run_id()), response->mutable_run());
}

grpc::Status RunServiceImpl::RetryRun(grpc::ServerContext* context, const run::v1::RetryRunRequest* request,
                                      run::v1::RetryRunResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kOperate);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->RetryRun(*request, TraceOf(*context)), response->mutable_run());
}

grpc::Status ProductServiceImpl::ListProducts(grpc::ServerContext* context, const product::v1::ListProductsRequest* request,
                                              product::v1::ListProductsResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  absl::StatusOr<std::vector<product::v1::Product>> products =
      (*coordinator)->ListProducts(*request, response->mutable_next_page_token());
  if (!products.ok()) return ToGrpc(products.status());
  for (product::v1::Product& product : *products) *response->add_products() = std::move(product);
  return grpc::Status::OK;
}

grpc::Status ProductServiceImpl::GetProduct(grpc::ServerContext* context, const product::v1::GetProductRequest* request,
                                            product::v1::GetProductResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->GetProduct(request->key()), response->mutable_product());
}

grpc::Status ProductServiceImpl::DeleteProduct(grpc::ServerContext* context, const product::v1::DeleteProductRequest* request,
                                               product::v1::DeleteProductResponse*) {
  const auto coordinator = gate_.Enter(*context, Right::kOperate);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return ToGrpc((*coordinator)->DeleteProduct(request->key()));
}

grpc::Status WorkerServiceImpl::Synchronize(grpc::ServerContext* context, const worker::v1::SynchronizeRequest* request,
                                            worker::v1::SynchronizeResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kWork);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  return Answer((*coordinator)->Synchronize(*request), response);
}

grpc::Status WorkerServiceImpl::ListWorkers(grpc::ServerContext* context, const worker::v1::ListWorkersRequest* request,
                                            worker::v1::ListWorkersResponse* response) {
  const auto coordinator = gate_.Enter(*context, Right::kRead);
  if (!coordinator.ok()) return ToGrpc(coordinator.status());
  const absl::StatusOr<int> first = ParsePosition(request->page_token());
  if (!first.ok()) return ToGrpc(first.status());
  const std::vector<worker::v1::WorkerStatus> workers = (*coordinator)->ListWorkers();
  const size_t end = std::min(workers.size(), *first + PageSize(request->page_size(), 1000));
  for (size_t i = *first; i < end; ++i) *response->add_workers() = workers[i];
  if (end < workers.size()) response->set_next_page_token(absl::StrCat(end));
  return grpc::Status::OK;
}

}  // namespace arpent::coordinator
