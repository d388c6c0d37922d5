// Where things lie in a Sentinel-2 product of the SAFE format, Level-1C and Level-2A alike.
#ifndef ARPENT_COMMON_SCENE_SAFE_LAYOUT_H_
#define ARPENT_COMMON_SCENE_SAFE_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/scene/product_folder.h"

namespace arpent::scene {

struct Granule {
  std::string folder;         // "GRANULE/L1C_..."
  std::string metadata_file;  // inside of it, relative to the product
};

// How the metadata file at a product's top is named: as `name`, before 2016 with `old_part` inside.
struct ProductFileNames {
  const char *name, *old_part;
};
inline constexpr ProductFileNames kL1cFile = {"MTD_MSIL1C.xml", "_MTD_SAFL1C_"}, kL2aFile = {"MTD_MSIL2A.xml", "_MTD_SAFL2A_"};

bool IsNamed(absl::string_view file, const ProductFileNames& names);

// "" when the product has no such file.
std::string FindProductMetadata(const ProductFolder& folder, const ProductFileNames& names);

std::vector<Granule> FindGranules(const ProductFolder& folder);

// The granule's image below IMG_DATA whose name ends in `suffix`; "" when it is missing.
std::string FindImage(const ProductFolder& folder, const Granule& granule, const std::string& suffix);

// SHA-256 over both metadata files and the granule's images, by the manifest's checksums where it has them.
absl::StatusOr<HexDigest> DigestOfGranule(const ProductFolder& folder, const Granule& granule,
                                          const std::string& product_file);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_SAFE_LAYOUT_H_
