// Where products lie in the output store (design: "Layout of the output store"). Paths are relative to the store.
#ifndef ARPENT_COMMON_PRODUCT_LAYOUT_H_
#define ARPENT_COMMON_PRODUCT_LAYOUT_H_

#include <string>

#include "common/base/digest.h"

namespace arpent::product {

// The folder of a product: the stage's part of the layout, the unit's name, "_" and the key's first 12 digits.
std::string L2aFolder(const std::string& tile, int year, const std::string& acquisition, const HexDigest& key);
std::string CompositeFolder(const std::string& tile, const std::string& period, const HexDigest& key);
std::string VegetationFolder(const std::string& tile, const std::string& unit, const HexDigest& key);
std::string AlignFolder(const std::string& tile, const std::string& acquisition, const HexDigest& key);
// `stage` is "samples", "crop-mask" or "crop-type".
std::string SeasonTileFolder(const std::string& stage, const std::string& site, const std::string& season,
                             const std::string& tile, const HexDigest& key);
std::string ModelFolder(const std::string& site, const std::string& season, const std::string& stratum,
                        const HexDigest& key);
std::string ValidationFolder(const std::string& site, const std::string& season, const std::string& what,
                             const HexDigest& key);
std::string MapFolder(const std::string& site, const std::string& season, const HexDigest& key);
std::string InputFolder(const HexDigest& digest);
// Where the parts of a product lie until they are assembled; and one of across x across.
std::string WorkFolder(const HexDigest& key);
std::string PartFolder(const HexDigest& key, int across, int index);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_LAYOUT_H_
