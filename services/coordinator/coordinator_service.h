// The four services of the coordinator: from messages to Coordinator and back, paging and status mapping, nothing else.
// Every call is UNAVAILABLE while another process leads, and each names the right that its caller needs.
#ifndef ARPENT_SERVICES_COORDINATOR_COORDINATOR_SERVICE_H_
#define ARPENT_SERVICES_COORDINATOR_COORDINATOR_SERVICE_H_

#include <atomic>

#include "absl/time/time.h"
#include "arpent/product/v1/product_service.grpc.pb.h"
#include "arpent/run/v1/run_service.grpc.pb.h"
#include "arpent/site/v1/site_service.grpc.pb.h"
#include "arpent/worker/v1/worker_service.grpc.pb.h"
#include "common/rpc/stream_watch.h"
#include "services/coordinator/coordinator_gate.h"

namespace arpent::coordinator {

class SiteServiceImpl final : public site::v1::SiteService::Service {
 public:
  explicit SiteServiceImpl(const CoordinatorGate& gate) : gate_(gate) {}
  grpc::Status ApplySite(grpc::ServerContext* context, const site::v1::ApplySiteRequest* request,
                         site::v1::ApplySiteResponse* response) override;
  grpc::Status GetSite(grpc::ServerContext* context, const site::v1::GetSiteRequest* request,
                       site::v1::GetSiteResponse* response) override;
  grpc::Status ListSites(grpc::ServerContext* context, const site::v1::ListSitesRequest* request,
                         site::v1::ListSitesResponse* response) override;
  grpc::Status DeleteSite(grpc::ServerContext* context, const site::v1::DeleteSiteRequest* request,
                          site::v1::DeleteSiteResponse* response) override;

 private:
  const CoordinatorGate& gate_;
};

class RunServiceImpl final : public run::v1::RunService::Service {
 public:
  // More watchers at once are asked to come back: each holds a thread, and other calls need some too.
  static constexpr int kMostWatchers = 512;

  // `watcher_idle`: how long a watcher may leave what changed unread.
  explicit RunServiceImpl(const CoordinatorGate& gate, int most_watchers = kMostWatchers,
                          absl::Duration watcher_idle = absl::Minutes(1))
      : gate_(gate), most_watchers_(most_watchers), watcher_idle_(watcher_idle) {}
  grpc::Status StartRun(grpc::ServerContext* context, const run::v1::StartRunRequest* request,
                        run::v1::StartRunResponse* response) override;
  grpc::Status GetRun(grpc::ServerContext* context, const run::v1::GetRunRequest* request,
                      run::v1::GetRunResponse* response) override;
  grpc::Status ListRuns(grpc::ServerContext* context, const run::v1::ListRunsRequest* request,
                        run::v1::ListRunsResponse* response) override;
  grpc::Status ListCells(grpc::ServerContext* context, const run::v1::ListCellsRequest* request,
                         run::v1::ListCellsResponse* response) override;
  grpc::Status WatchRun(grpc::ServerContext* context, const run::v1::WatchRunRequest* request,
                        grpc::ServerWriter<run::v1::WatchRunResponse>* stream) override;
  grpc::Status CancelRun(grpc::ServerContext* context, const run::v1::CancelRunRequest* request,
                         run::v1::CancelRunResponse* response) override;
  grpc::Status RetryRun(grpc::ServerContext* context, const run::v1::RetryRunRequest* request,
                        run::v1::RetryRunResponse* response) override;

 private:
  const CoordinatorGate& gate_;
  const int most_watchers_;
  const absl::Duration watcher_idle_;
  std::atomic<int> watchers_ = 0;
  rpc::StreamWatch watch_;
};

class ProductServiceImpl final : public product::v1::ProductService::Service {
 public:
  explicit ProductServiceImpl(const CoordinatorGate& gate) : gate_(gate) {}
  grpc::Status ListProducts(grpc::ServerContext* context, const product::v1::ListProductsRequest* request,
                            product::v1::ListProductsResponse* response) override;
  grpc::Status GetProduct(grpc::ServerContext* context, const product::v1::GetProductRequest* request,
                          product::v1::GetProductResponse* response) override;
  grpc::Status DeleteProduct(grpc::ServerContext* context, const product::v1::DeleteProductRequest* request,
                             product::v1::DeleteProductResponse* response) override;

 private:
  const CoordinatorGate& gate_;
};

class WorkerServiceImpl final : public worker::v1::WorkerService::Service {
 public:
  explicit WorkerServiceImpl(const CoordinatorGate& gate) : gate_(gate) {}
  grpc::Status Synchronize(grpc::ServerContext* context, const worker::v1::SynchronizeRequest* request,
                           worker::v1::SynchronizeResponse* response) override;
  grpc::Status ListWorkers(grpc::ServerContext* context, const worker::v1::ListWorkersRequest* request,
                           worker::v1::ListWorkersResponse* response) override;

 private:
  const CoordinatorGate& gate_;
};

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_COORDINATOR_SERVICE_H_
