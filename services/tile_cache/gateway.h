// The stores of a gateway as its flags describe them, each with its decorators: counted, limited, cached.
#ifndef ARPENT_SERVICES_TILE_CACHE_GATEWAY_H_
#define ARPENT_SERVICES_TILE_CACHE_GATEWAY_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "common/base/clock.h"
#include "common/storage/block_cache.h"
#include "common/storage/file_store.h"
#include "common/storage/open_store.h"
#include "common/storage/stores.h"
#include "common/telemetry/metrics.h"

namespace arpent::tile_cache {

struct GatewayOptions {
  std::vector<std::string> stores;  // "name=uri"
  storage::BlockCacheOptions cache;
  storage::RequestLimits limits;    // of each store whose URI does not say its own
};

void AddGatewayFlags(CLI::App& app, GatewayOptions& options);

// The opened stores and the cache that they share. Sweeps what crashed writes left in folders, now and every hour.
class Gateway {
 public:
  // The error of the store that cannot be opened, naming it; INVALID_ARGUMENT for two stores of one bucket that differ in
  // endpoint or credentials, of which a process can have only one. `metrics` and `clock` outlive the gateway.
  static absl::StatusOr<std::unique_ptr<Gateway>> Open(const GatewayOptions& options, telemetry::Metrics& metrics,
                                                       Clock& clock);
  ~Gateway();

  const std::shared_ptr<const storage::StoreSet>& stores() const { return stores_; }

 private:
  Gateway() = default;
  void SweepEveryHour();

  std::unique_ptr<storage::BlockCache> cache_;
  std::shared_ptr<const storage::StoreSet> stores_;
  std::vector<std::shared_ptr<storage::FileStore>> folders_;
  std::vector<std::shared_ptr<void>> disks_;  // watches
  absl::Notification stop_;
  std::thread sweeper_;
};

}  // namespace arpent::tile_cache

#endif  // ARPENT_SERVICES_TILE_CACHE_GATEWAY_H_
