// ListScenes: what lies below an input, identified by metadata alone.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/geo/transform.h"
#include "common/scene/landsat_scene.h"
#include "common/scene/maja_l2a.h"
#include "common/scene/product_folder.h"
#include "common/scene/safe_layout.h"
#include "common/scene/safe_scene.h"
#include "common/scene/scene.h"
#include "common/scene/sen2cor_l2a.h"
#include "common/scene/stac_catalogue.h"

namespace arpent::scene {
namespace {

constexpr int kDeepestFolder = 6;
constexpr int kWgs84 = 4326;
constexpr char kSentinel2L1c[] = "sentinel2-l1c", kSentinel2L2a[] = "sentinel2-l2a", kMajaL2a[] = "maja-l2a",
               kLandsatL1[] = "landsat-l1";

// A name that says "I am a product": whatever is in it, it is listed or rejected, never passed over.
bool ClaimsToBeProduct(absl::string_view path) {
  path = absl::StripSuffix(path, "/");
  return absl::EndsWith(path, ".SAFE") || IsArchive(path);
}

// Collects product URIs below `uri`, looking into plain folders.
absl::Status CollectProducts(const storage::StoreSet& stores, const std::string& uri, int depth,
                             std::vector<std::string>& products) {
  if (ClaimsToBeProduct(uri)) {
    products.push_back(uri);
    return absl::OkStatus();
  }
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri parsed, storage::StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(const auto children, stores.List(uri, /*recursive=*/false));
  const bool is_product = std::any_of(children.begin(), children.end(), [](const storage::ObjectInfo& child) {
    for (const char* mark : {"_MTD_ALL.xml", "_MTL.txt", "_MTL.json"}) {
      if (absl::EndsWith(child.path, mark)) return true;
    }
    const std::string file = child.path.substr(child.path.rfind('/') + 1);
    return IsNamed(file, kL1cFile) || IsNamed(file, kL2aFile);
  });
  if (is_product) {
    products.push_back(uri);
    return absl::OkStatus();
  }
  for (const storage::ObjectInfo& child : children) {
    const std::string child_uri = storage::StoreUri{parsed.store, child.path}.ToString();
    if (ClaimsToBeProduct(child.path)) {
      products.push_back(child_uri);
    } else if (child.is_folder && depth < kDeepestFolder) {
      ARPENT_RETURN_IF_ERROR(CollectProducts(stores, child_uri, depth + 1, products));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FoundScene> ToFound(const SceneMetadata& metadata, const std::string& uri, const std::string& kind) {
  FoundScene found;
  found.uri = uri;
  found.kind = kind;
  found.product_id = metadata.product_id;
  found.platform = metadata.platform;
  found.acquisition = metadata.acquisition;
  found.tile = metadata.tile;
  found.sensing_start = metadata.sensing_start;
  found.generation_time = metadata.generation_time;
  found.processing_baseline = metadata.processing_baseline;
  found.digest = metadata.digest;
  found.cloud_percent = metadata.cloud_percent;
  ARPENT_ASSIGN_OR_RETURN(const geo::Extent box,
                          geo::TransformExtent(metadata.grid.extent(), metadata.grid.epsg, kWgs84));
  found.west_deg = box.west;
  found.south_deg = box.south;
  found.east_deg = box.east;
  found.north_deg = box.north;
  return found;
}

absl::StatusOr<std::vector<SceneMetadata>> DescribeAs(const ProductFolder& folder, const std::string& kind) {
  if (kind == kSentinel2L1c) return DescribeSafe(folder);
  ARPENT_ASSIGN_OR_RETURN(SceneMetadata scene, kind == kLandsatL1 ? DescribeLandsat(folder)
                                               : kind == kMajaL2a ? DescribeMaja(folder)
                                                                  : DescribeSen2Cor(folder));
  return std::vector<SceneMetadata>{std::move(scene)};
}

absl::StatusOr<std::vector<FoundScene>> Identify(const std::shared_ptr<const storage::StoreSet>& stores,
                                                 const std::string& uri, const std::string& kind) {
  ARPENT_ASSIGN_OR_RETURN(const ProductFolder folder, ProductFolder::Open(stores, uri));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<SceneMetadata> tiles, DescribeAs(folder, kind));
  std::vector<FoundScene> scenes;
  for (const SceneMetadata& tile : tiles) {
    const std::string scene_uri = tiles.size() == 1 ? uri : absl::StrCat(uri, "#T", tile.tile);
    ARPENT_ASSIGN_OR_RETURN(FoundScene found, ToFound(tile, scene_uri, kind));
    scenes.push_back(std::move(found));
  }
  return scenes;
}

}  // namespace

absl::StatusOr<SceneListing> ListScenes(std::shared_ptr<const storage::StoreSet> stores, const std::string& uri,
                                        const std::string& kind, int threads) {
  if (kind != kSentinel2L1c && kind != kLandsatL1 && kind != kSentinel2L2a && kind != kMajaL2a) {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": inputs of kind '", kind, "' cannot be read; known are ", kSentinel2L1c,
                                                   ", ", kLandsatL1, ", ", kSentinel2L2a, ", ", kMajaL2a, ", arpent-l2a"));
  }
  SceneListing listing;
  std::vector<std::string> products;
  if (absl::EndsWith(uri, ".json")) {
    ARPENT_ASSIGN_OR_RETURN(StacProducts found, FollowStac(*stores, uri));
    products = std::move(found.products);
    listing.rejected = std::move(found.rejected);
  } else {
    ARPENT_RETURN_IF_ERROR(CollectProducts(*stores, uri, 0, products));
  }
  std::sort(products.begin(), products.end());
  std::vector<absl::StatusOr<std::vector<FoundScene>>> identified(products.size());
  ARPENT_RETURN_IF_ERROR(ParallelFor(products.size(), threads, [&](size_t i) {
    identified[i] = Identify(stores, products[i], kind);
    // A passing loss is no verdict on the product: the whole listing is tried again.
    const absl::Status& status = identified[i].status();
    return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ? status : absl::OkStatus();
  }));
  for (size_t i = 0; i < products.size(); ++i) {
    if (!identified[i].ok()) {
      // Whatever the cause, it can never become a scene as it lies there.
      listing.rejected.push_back({products[i], absl::InvalidArgumentError(identified[i].status().message())});
      continue;
    }
    for (FoundScene& scene : *identified[i]) listing.scenes.push_back(std::move(scene));
  }
  std::sort(listing.scenes.begin(), listing.scenes.end(), [](const FoundScene& a, const FoundScene& b) {
    return std::tie(a.acquisition, a.uri) < std::tie(b.acquisition, b.uri);
  });
  return listing;
}

}  // namespace arpent::scene
