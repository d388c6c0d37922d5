// The stores of a gateway as its flags describe them, each with its decorators: counted, limited, cached.
#ifndef ARPENT_SERVICES_TILE_CACHE_GATEWAY_H_
#define ARPENT_SERVICES_TILE_CACHE_GATEWAY_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/stores.h"
#include "common/telemetry/metrics.h"

namespace arpent::tile_cache {

struct GatewayOptions {
  std::vector<std::string> stores;  // "name=uri"
};

void AddGatewayFlags(CLI::App& app, GatewayOptions& options);

// INVALID_ARGUMENT naming the store that cannot be opened, or its own error.
absl::StatusOr<std::shared_ptr<const storage::StoreSet>> OpenStores(const GatewayOptions& options,
                                                                    telemetry::Metrics& metrics);

}  // namespace arpent::tile_cache

#endif  // ARPENT_SERVICES_TILE_CACHE_GATEWAY_H_
