// The STAC 1.1 item of a product: what Publication writes last and ReadPublished reads back. Deterministic: keys are
// sorted, and nothing in it tells when, where or from which place the product was made.
#ifndef ARPENT_COMMON_PRODUCT_STAC_ITEM_H_
#define ARPENT_COMMON_PRODUCT_STAC_ITEM_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/product/publication.h"

namespace arpent::product {

// What the item says of one file of the product.
struct AssetRecord {
  PublishedAsset published;
  std::string media_type;
  std::string role;               // STAC role: "data", "metadata", "thumbnail", "style"
  std::optional<geo::Grid> grid;  // of rasters
  RasterOptions options;          // of rasters
};

// Media type of our rasters.
inline constexpr char kCogMediaType[] = "image/tiff; application=geotiff; profile=cloud-optimized";

// The item's bytes (JSON, ending in a newline). INVALID_ARGUMENT when the grid's coordinate system is unknown.
absl::StatusOr<std::string> MakeStacItem(const ProductDescription& description, const std::vector<AssetRecord>& assets);

// The inverse; what the item does not hold stays empty (an input's uri is its name). DATA_LOSS when it is damaged.
struct ParsedItem {
  ProductDescription description;
  std::vector<PublishedAsset> assets;                     // by name
  std::map<std::string, geo::Grid> grids;                 // of the rasters, by asset
  std::map<std::string, std::vector<CodeClass>> classes;  // legends, by asset
};
absl::StatusOr<ParsedItem> ParseStacItem(const std::string& bytes);

// The last component of a URI or path: how an item names a scene or file.
std::string NameOf(const std::string& uri);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_STAC_ITEM_H_
