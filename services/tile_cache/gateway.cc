#include "services/tile_cache/gateway.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/storage/open_store.h"

namespace arpent::tile_cache {

void AddGatewayFlags(CLI::App& app, GatewayOptions& options) {
  app.add_option("--store", options.stores, "NAME=URI of a store (repeatable): output=file:///data or s3://bucket/prefix")
      ->envname("ARPENT_STORES")
      ->delimiter(',')
      ->required();
}

absl::StatusOr<std::shared_ptr<const storage::StoreSet>> OpenStores(const GatewayOptions& options,
                                                                    telemetry::Metrics& metrics) {
  auto stores = std::make_shared<storage::StoreSet>();
  for (const std::string& text : options.stores) {
    ARPENT_ASSIGN_OR_RETURN(const auto named, storage::ParseNamedUri(text));
    auto store = storage::OpenStore(named.second);
    if (!store.ok()) return Annotate(store.status(), absl::StrCat("--store ", named.first));
    stores->Add(named.first, *std::move(store));
  }
  return stores;
}

}  // namespace arpent::tile_cache
