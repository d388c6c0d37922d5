// The storage gateway's door: messages to ObjectStore calls and back, nothing else. What caches, limits and counts are
// decorators of the stores.
#ifndef ARPENT_SERVICES_TILE_CACHE_CACHE_SERVICE_H_
#define ARPENT_SERVICES_TILE_CACHE_CACHE_SERVICE_H_

#include <memory>

#include "arpent/cache/v1/cache_service.grpc.pb.h"
#include "common/rpc/access.h"
#include "common/rpc/stream_watch.h"
#include "common/storage/stores.h"
#include "services/tile_cache/list_pages.h"

namespace arpent::tile_cache {

class CacheService final : public arpent::cache::v1::CacheService::Service {
 public:
  // Without `access` everyone may call. `limits` are those of a stream for no bytes; each megabyte adds a second.
  explicit CacheService(std::shared_ptr<const storage::StoreSet> stores,
                        std::shared_ptr<const rpc::AccessControl> access = nullptr,
                        const rpc::StreamLimits& limits = {.idle = absl::Minutes(1), .longest = absl::Minutes(10)})
      : stores_(std::move(stores)), access_(std::move(access)), limits_(limits) {}

  grpc::Status Stat(grpc::ServerContext* context, const arpent::cache::v1::StatRequest* request,
                    arpent::cache::v1::StatResponse* response) override;
  grpc::Status List(grpc::ServerContext* context, const arpent::cache::v1::ListRequest* request,
                    arpent::cache::v1::ListResponse* response) override;
  grpc::Status Read(grpc::ServerContext* context, const arpent::cache::v1::ReadRequest* request,
                    grpc::ServerWriter<arpent::cache::v1::ReadResponse>* writer) override;
  grpc::Status Write(grpc::ServerContext* context, grpc::ServerReader<arpent::cache::v1::WriteRequest>* reader,
                     arpent::cache::v1::WriteResponse* response) override;
  grpc::Status Delete(grpc::ServerContext* context, const arpent::cache::v1::DeleteRequest* request,
                      arpent::cache::v1::DeleteResponse* response) override;

 private:
  absl::Duration LongestFor(int64_t bytes) const;
  absl::Status Admit(const grpc::ServerContext& context, rpc::Right right) const;
  // The named store, for a caller who has the right.
  absl::StatusOr<storage::ObjectStore*> Enter(const grpc::ServerContext& context, rpc::Right right,
                                              const std::string& store) const;

  const std::shared_ptr<const storage::StoreSet> stores_;
  const std::shared_ptr<const rpc::AccessControl> access_;
  const rpc::StreamLimits limits_;
  rpc::StreamWatch watch_;
  ListPages pages_;
};

}  // namespace arpent::tile_cache

#endif  // ARPENT_SERVICES_TILE_CACHE_CACHE_SERVICE_H_
