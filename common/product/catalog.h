// The static STAC catalogue of an output store: what is current, for people and programs that know nothing of Arpent.
//
//   catalog.json                  the root; links to a collection for each kind of product
//   l2a/collection.json ...       links to the items of all current products of the kind
//   latest/{place}.json           for each current product an item at an address that stays when the product is made again;
//                                 its assets point into the immutable folder
//
// Here is only what the files say; services/coordinator/catalog_writer.h writes them.
#ifndef ARPENT_COMMON_PRODUCT_CATALOG_H_
#define ARPENT_COMMON_PRODUCT_CATALOG_H_

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace arpent::product {

inline constexpr char kCatalogFile[] = "catalog.json";

// What the catalogue needs to know of a product.
struct CatalogEntry {
  std::string folder;  // in the output store: "l2a/33TVL/2015/S2A_20150711T100008_R122_T33TVL_0123456789ab"
  std::optional<std::array<double, 4>> box_deg;  // west, south, east, north; none for models and the like
  std::string first_time, last_time;             // RFC 3339; empty when the item has no time

  std::string kind() const;         // "l2a": the collection that it belongs to
  std::string place() const;        // the folder without the key
  std::string latest_path() const;  // "latest/l2a/33TVL/2015/S2A_20150711T100008_R122_T33TVL.json"
};

// From the bytes of the product's item.json. DATA_LOSS when they are damaged.
absl::StatusOr<CatalogEntry> ReadCatalogEntry(const std::string& folder, const std::string& item);

// The bytes of latest_path(): the item, its links and assets pointing from there.
absl::StatusOr<std::string> LatestItem(const CatalogEntry& entry, const std::string& item);

std::string CollectionPath(const std::string& kind);  // "l2a/collection.json"
// Entries of one kind, at least one.
std::string CollectionJson(const std::vector<CatalogEntry>& entries);

// `digest` tells one set of current products from another; it is read back by CatalogDigest ("" when there is none).
std::string CatalogJson(const std::vector<std::string>& kinds, const std::string& digest);
std::string CatalogDigest(const std::string& catalog);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_CATALOG_H_
