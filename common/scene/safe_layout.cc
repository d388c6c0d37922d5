#include "common/scene/safe_layout.h"

#include <map>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/scene/safe_metadata.h"

namespace arpent::scene {

bool IsNamed(absl::string_view file, const ProductFileNames& names) {
  return absl::EndsWith(file, ".xml") && (file == names.name || absl::StrContains(file, names.old_part));
}

std::string FindProductMetadata(const ProductFolder& folder, const ProductFileNames& names) {
  for (const auto& [path, size] : folder.files()) {
    if (path.find('/') == std::string::npos && IsNamed(path, names)) return path;
  }
  return "";
}

std::vector<Granule> FindGranules(const ProductFolder& folder) {
  std::vector<Granule> granules;
  for (const auto& [path, size] : folder.files()) {
    if (!absl::StartsWith(path, "GRANULE/") || !absl::EndsWith(path, ".xml")) continue;
    const size_t slash = path.rfind('/');
    const std::string name = path.substr(slash + 1);
    const bool in_granule = path.find('/', 8) == slash;  // GRANULE/X/name
    const bool is_tile = name == "MTD_TL.xml" || absl::StrContains(name, "_MTD_L1C_TL_") || absl::StrContains(name, "_MTD_L2A_TL_");
    if (in_granule && is_tile) granules.push_back({path.substr(0, slash), path});
  }
  return granules;
}

std::string FindImage(const ProductFolder& folder, const Granule& granule, const std::string& suffix) {
  const std::string prefix = granule.folder + "/IMG_DATA/";
  for (auto file = folder.files().lower_bound(prefix);
       file != folder.files().end() && absl::StartsWith(file->first, prefix); ++file) {
    if (absl::EndsWith(file->first, suffix)) return file->first;
  }
  return "";
}

absl::StatusOr<HexDigest> DigestOfGranule(const ProductFolder& folder, const Granule& granule,
                                          const std::string& product_file) {
  std::map<std::string, std::string> checksums;
  if (folder.Has("manifest.safe")) {
    ARPENT_ASSIGN_OR_RETURN(const std::string xml, folder.ReadText("manifest.safe"));
    ARPENT_ASSIGN_OR_RETURN(const auto entries, ParseSafeManifest(xml, folder.UriOf("manifest.safe")));
    for (const ManifestEntry& entry : entries) checksums[entry.path] = entry.checksum;
  }
  Sha256 digest;
  for (const std::string& path : {product_file, granule.metadata_file}) {
    ARPENT_ASSIGN_OR_RETURN(const HexDigest file, folder.DigestOf(path));
    digest.UpdateField(file);
  }
  const std::string images = granule.folder + "/IMG_DATA/";
  for (const auto& [path, size] : folder.files()) {
    if (!absl::StartsWith(path, images) || !absl::EndsWith(path, ".jp2")) continue;
    std::string checksum = checksums[path];
    if (checksum.empty()) {
      ARPENT_ASSIGN_OR_RETURN(checksum, folder.DigestOf(path));
    }
    digest.UpdateField(path.substr(path.rfind('/') + 1)).UpdateField(checksum);
  }
  return digest.Finish();
}

}  // namespace arpent::scene
