#include "common/product/layout.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace arpent::product {
namespace {

std::string Keyed(absl::string_view name, const HexDigest& key) {
  return absl::StrCat(name, "_", key.substr(0, kShortKeyLength));
}

}  // namespace

std::string L2aFolder(const std::string& tile, int year, const std::string& acquisition, const HexDigest& key) {
  return absl::StrCat("l2a/", tile, "/", year, "/", Keyed(acquisition, key));
}

std::string CompositeFolder(const std::string& tile, const std::string& period, const HexDigest& key) {
  return absl::StrCat("composite/", tile, "/", Keyed(period, key));
}

std::string VegetationFolder(const std::string& tile, const std::string& unit, const HexDigest& key) {
  return absl::StrCat("vegetation/", tile, "/", Keyed(unit, key));
}

std::string AlignFolder(const std::string& tile, const std::string& acquisition, const HexDigest& key) {
  return absl::StrCat("align/", tile, "/", Keyed(acquisition, key));
}

std::string SeasonTileFolder(const std::string& stage, const std::string& site, const std::string& season,
                             const std::string& tile, const HexDigest& key) {
  return absl::StrCat(stage, "/", site, "/", season, "/", Keyed(tile, key));
}

std::string ModelFolder(const std::string& site, const std::string& season, const std::string& stratum,
                        const HexDigest& key) {
  return absl::StrCat("models/", site, "/", season, "/", Keyed(stratum, key));
}

std::string ValidationFolder(const std::string& site, const std::string& season, const std::string& what,
                             const HexDigest& key) {
  return absl::StrCat("validation/", site, "/", season, "/", Keyed(what, key));
}

std::string MapFolder(const std::string& site, const std::string& season, const HexDigest& key) {
  return absl::StrCat("map/", site, "/", season, "/", Keyed("map", key));
}

std::string InputFolder(const HexDigest& digest) { return absl::StrCat("inputs/", digest); }

std::string WorkFolder(const HexDigest& key) { return absl::StrCat("work/", key); }

std::string PartFolder(const HexDigest& key, int across, int index) {
  return absl::StrCat(WorkFolder(key), "/", across, "x", across, "-", index);
}

}  // namespace arpent::product
