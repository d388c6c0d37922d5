// Finds product folders through a STAC catalogue: follows `child` and `item` links from a catalogue, collection or item.
#ifndef ARPENT_COMMON_SCENE_STAC_CATALOGUE_H_
#define ARPENT_COMMON_SCENE_STAC_CATALOGUE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scene/scene.h"
#include "common/storage/stores.h"

namespace arpent::scene {

struct StacProducts {
  std::vector<std::string> products;     // URIs of folders or .zip files, sorted, each once
  std::vector<RejectedInput> rejected;   // items without a product, documents that cannot be read
};

// `uri` names a JSON document of a store. An item's product is the folder of the asset that is a product's metadata or manifest,
// or an asset that is a .zip. Links and assets are relative to their document or URIs of a store ("input:/..."); what points
// elsewhere is rejected by name. NOT_FOUND when `uri` itself is not there; INVALID_ARGUMENT when it is no STAC document.
absl::StatusOr<StacProducts> FollowStac(const storage::StoreSet& stores, const std::string& uri);

// "input:/a/b/catalog.json" and "../c/x.json" give "input:/a/c/x.json". INVALID_ARGUMENT for what leaves the store.
absl::StatusOr<std::string> ResolveHref(const std::string& document, const std::string& href);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_STAC_CATALOGUE_H_
