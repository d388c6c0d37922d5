#include "common/product/catalog.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/product/stac_item.h"

namespace arpent::product {
namespace {

using Json = nlohmann::json;

constexpr char kStacVersion[] = "1.1.0";
constexpr char kJsonType[] = "application/json", kGeoJsonType[] = "application/geo+json";
constexpr char kDigestField[] = "arpent:products";

// Titles by folder; a folder that is not here is its own title.
const std::map<std::string, std::string>& Titles() {
  static const std::map<std::string, std::string> titles = {
      {"l2a", "Surface reflectance of each scene (L2A)"},
      {"align", "Landsat's surface reflectance on the grids of Sentinel-2 tiles"},
      {"composite", "Cloud-free reflectance of each period (L3A)"},
      {"vegetation", "Vegetation indices"},
      {"samples", "Labelled pixels for training and validation"},
      {"models", "Trained models"},
      {"crop-mask", "Crop masks (L4A)"},
      {"crop-type", "Crop types (L4B)"},
      {"validation", "Accuracy of the crop maps"},
      {"map", "Maps of whole sites"}};
  return titles;
}

std::string TitleOf(const std::string& kind) {
  const auto title = Titles().find(kind);
  return title == Titles().end() ? kind : title->second;
}

Json Link(const std::string& rel, const std::string& href, const std::string& type, const std::string& title = "") {
  Json link = {{"rel", rel}, {"href", href}, {"type", type}};
  if (!title.empty()) link["title"] = title;
  return link;
}

std::string Dump(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; }

// From latest/a/b.json up to the store's root.
std::string UpFrom(const std::string& path) {
  std::string up;
  for (int i = 0; i < std::count(path.begin(), path.end(), '/'); ++i) up += "../";
  return up;
}

Json Extent(const std::vector<CatalogEntry>& entries) {
  std::optional<std::array<double, 4>> box;
  std::string first, last;
  for (const CatalogEntry& entry : entries) {
    if (const auto& own = entry.box_deg) {
      if (!box) box = own;
      box = {std::min((*box)[0], (*own)[0]), std::min((*box)[1], (*own)[1]), std::max((*box)[2], (*own)[2]),
             std::max((*box)[3], (*own)[3])};
    }
    if (entry.first_time.empty()) continue;
    if (first.empty() || entry.first_time < first) first = entry.first_time;
    last = std::max(last, entry.last_time);
  }
  // The format wants an extent of what has none, too.
  const std::array<double, 4> shown = box.value_or(std::array<double, 4>{-180, -90, 180, 90});
  const auto time = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"spatial", {{"bbox", Json::array({shown})}}},
          {"temporal", {{"interval", Json::array({Json::array({time(first), time(last)})})}}}};
}

}  // namespace

std::string CatalogEntry::kind() const { return folder.substr(0, folder.find('/')); }
std::string CatalogEntry::place() const { return folder.substr(0, folder.rfind('_')); }
std::string CatalogEntry::latest_path() const { return absl::StrCat("latest/", place(), ".json"); }

absl::StatusOr<CatalogEntry> ReadCatalogEntry(const std::string& folder, const std::string& item) {
  CatalogEntry entry;
  entry.folder = folder;
  try {
    const Json json = Json::parse(item);
    if (json.contains("bbox")) entry.box_deg = json.at("bbox").get<std::array<double, 4>>();
    const Json& properties = json.at("properties");
    const auto time = [&](const char* name) -> std::string {
      const auto found = properties.find(name);
      return found == properties.end() || !found->is_string() ? "" : found->get<std::string>();
    };
    entry.first_time = time("start_datetime").empty() ? time("datetime") : time("start_datetime");
    entry.last_time = time("end_datetime").empty() ? entry.first_time : time("end_datetime");
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat(folder, "/item.json is damaged: ", error.what()));
  }
  return entry;
}

absl::StatusOr<std::string> LatestItem(const CatalogEntry& entry, const std::string& item) {
  const std::string up = UpFrom(entry.latest_path()), folder = absl::StrCat(up, entry.folder, "/");
  try {
    Json json = Json::parse(item);
    json["id"] = NameOf(entry.place());
    json["collection"] = entry.kind();
    for (auto& [name, asset] : json.at("assets").items()) {
      std::string href = asset.at("href").get<std::string>();
      if (href.rfind("./", 0) == 0) href = href.substr(2);
      asset["href"] = folder + href;
    }
    Json& links = json["links"];
    links.push_back(Link("canonical", folder + "item.json", kGeoJsonType));
    links.push_back(Link("root", up + kCatalogFile, kJsonType));
    for (const char* rel : {"parent", "collection"}) links.push_back(Link(rel, up + CollectionPath(entry.kind()), kJsonType));
    return Dump(json);
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat(entry.folder, "/item.json is damaged: ", error.what()));
  }
}

std::string CollectionPath(const std::string& kind) { return kind + "/collection.json"; }

std::string CollectionJson(const std::vector<CatalogEntry>& entries) {
  const std::string kind = entries.front().kind();
  Json links = {Link("root", absl::StrCat("../", kCatalogFile), kJsonType),
                Link("parent", absl::StrCat("../", kCatalogFile), kJsonType)};
  for (const CatalogEntry& entry : entries) {
    links.push_back(Link("item", absl::StrCat("../", entry.latest_path()), kGeoJsonType, NameOf(entry.place())));
  }
  return Dump({{"type", "Collection"},
               {"stac_version", kStacVersion},
               {"id", kind},
               {"title", TitleOf(kind)},
               {"description", absl::StrCat(TitleOf(kind), ": the current products, made by Arpent.")},
               {"license", "other"},
               {"extent", Extent(entries)},
               {"links", std::move(links)}});
}

std::string CatalogJson(const std::vector<std::string>& kinds, const std::string& digest) {
  Json links = Json::array({Link("root", absl::StrCat("./", kCatalogFile), kJsonType)});
  for (const std::string& kind : kinds) {
    links.push_back(Link("child", absl::StrCat("./", CollectionPath(kind)), kJsonType, TitleOf(kind)));
  }
  return Dump({{"type", "Catalog"},
               {"stac_version", kStacVersion},
               {"id", "arpent"},
               {"title", "Arpent"},
               {"description", "Current products: surface reflectance, composites, crop masks, crop types and maps."},
               {kDigestField, digest},
               {"links", std::move(links)}});
}

std::string CatalogDigest(const std::string& catalog) {
  const Json json = Json::parse(catalog, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json.value(kDigestField, "") : "";
}

}  // namespace arpent::product
