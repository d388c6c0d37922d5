#include "common/stages/discover/l2a_products.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/geo/transform.h"
#include "common/product/publication.h"

namespace arpent::stages {
namespace {

constexpr int kWgs84 = 4326;

// "sentinel-2a" -> "S2A", "landsat-8" -> "LC08": the first part of the acquisition's name.
std::string PlatformOf(const std::string& acquisition) { return acquisition.substr(0, acquisition.find('_')); }

absl::StatusOr<scene::FoundScene> Describe(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(const product::ProductDescription item, product::ReadDescription(stores, uri));
  if (item.stage != "l2a") {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": is a product of stage '", item.stage, "', not an L2A"));
  }
  scene::FoundScene found;
  found.uri = uri;
  found.kind = "arpent-l2a";
  found.product_id = uri.substr(uri.rfind('/') + 1);
  found.acquisition = found.product_id.substr(0, found.product_id.rfind('_'));
  found.platform = PlatformOf(found.acquisition);
  found.tile = item.tile;
  found.sensing_start = item.datetime;
  found.generation_time = item.datetime;  // an item tells no wall clock
  found.digest = item.key;
  if (const auto cover = item.numbers.find("eo:cloud_cover"); cover != item.numbers.end()) {
    found.cloud_percent = cover->second;
  }
  ARPENT_ASSIGN_OR_RETURN(const geo::Extent box, geo::TransformExtent(item.grid.extent(), item.grid.epsg, kWgs84));
  found.west_deg = box.west;
  found.south_deg = box.south;
  found.east_deg = box.east;
  found.north_deg = box.north;
  return found;
}

}  // namespace

absl::StatusOr<scene::SceneListing> ListL2aProducts(const storage::StoreSet& stores, const std::string& uri, int threads) {
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri parsed, storage::StoreUri::Parse(uri));
  ARPENT_ASSIGN_OR_RETURN(const auto objects, stores.List(uri, /*recursive=*/true));
  std::vector<std::string> products;
  for (const storage::ObjectInfo& object : objects) {
    absl::string_view path = object.path;
    if (absl::ConsumeSuffix(&path, "/item.json")) {
      products.push_back(storage::StoreUri{parsed.store, std::string(path)}.ToString());
    }
  }
  std::vector<absl::StatusOr<scene::FoundScene>> found(products.size());
  ARPENT_RETURN_IF_ERROR(ParallelFor(products.size(), threads, [&](size_t i) {
    found[i] = Describe(stores, products[i]);
    // A passing loss is no verdict on the product: the whole listing is tried again.
    const absl::Status& status = found[i].status();
    return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ? status : absl::OkStatus();
  }));
  scene::SceneListing listing;
  for (size_t i = 0; i < products.size(); ++i) {
    if (found[i].ok()) {
      listing.scenes.push_back(*std::move(found[i]));
    } else {
      listing.rejected.push_back({products[i], absl::InvalidArgumentError(found[i].status().message())});
    }
  }
  std::sort(listing.scenes.begin(), listing.scenes.end(), [](const scene::FoundScene& a, const scene::FoundScene& b) {
    return std::tie(a.acquisition, a.uri) < std::tie(b.acquisition, b.uri);
  });
  return listing;
}

}  // namespace arpent::stages
