// Reads our STAC items back.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/product/stac_item.h"

namespace arpent::product {
namespace {

using Json = nlohmann::json;

constexpr char kSha256Multihash[] = "1220";  // as stac_item.cc writes it

absl::Time TimeFrom(const Json& properties, const char* name) {
  absl::Time time = absl::InfinitePast();
  std::string error;
  const auto found = properties.find(name);
  if (found != properties.end() && found->is_string()) {
    absl::ParseTime(absl::RFC3339_full, found->get<std::string>(), &time, &error);
  }
  return time;
}

int EpsgFrom(const Json& properties) {
  int epsg = 0;
  const std::string code = properties.value("proj:code", "");
  return absl::SimpleAtoi(absl::StripPrefix(code, "EPSG:"), &epsg) ? epsg : 0;
}

// An empty grid when `fields` (of an asset or the item) have none.
geo::Grid GridFrom(const Json& fields, int epsg) {
  if (!fields.contains("proj:transform")) return {};
  const Json& transform = fields.at("proj:transform");
  const Json& shape = fields.at("proj:shape");
  return {epsg,
          transform.at(2).get<double>(),
          transform.at(5).get<double>(),
          transform.at(0).get<double>(),
          shape.at(1).get<int>(),
          shape.at(0).get<int>()};
}

PublishedAsset AssetFrom(const std::string& name, const Json& json) {
  PublishedAsset asset;
  asset.name = name;
  asset.file = std::string(absl::StripPrefix(json.at("href").get<std::string>(), "./"));
  asset.size_bytes = json.at("file:size").get<int64_t>();
  asset.sha256 = std::string(absl::StripPrefix(json.at("file:checksum").get<std::string>(), kSha256Multihash));
  asset.pixel_digest = json.value("arpent:pixel_digest", "");
  return asset;
}

std::vector<CodeClass> ClassesFrom(const Json& asset) {
  std::vector<CodeClass> classes;
  if (!asset.contains("bands") || !asset.at("bands").at(0).contains("classification:classes")) return classes;
  for (const Json& entry : asset.at("bands").at(0).at("classification:classes")) {
    const std::string colour = entry.value("color_hint", "");
    classes.push_back({entry.at("value").get<int>(), entry.value("title", entry.at("name").get<std::string>()),
                       colour.empty() ? "" : absl::StrCat("#", absl::AsciiStrToLower(colour))});
  }
  return classes;
}

ProductDescription DescriptionFrom(const Json& properties) {
  // Fields with a member of their own; every other number or text is the stage's.
  static const std::set<std::string> own = {"datetime",         "start_datetime", "end_datetime",
                                            "platform",         "proj:code",      "grid:code",
                                            "processing:level", "arpent:stage",   "arpent:algorithm_version",
                                            "arpent:key",       "arpent:tile"};
  ProductDescription description;
  description.stage = properties.at("arpent:stage").get<std::string>();
  description.algorithm_version = properties.at("arpent:algorithm_version").get<int>();
  description.key = properties.at("arpent:key").get<std::string>();
  description.degraded = properties.at("arpent:degraded").get<bool>();
  description.tile = properties.value("arpent:tile", "");
  description.platform = properties.value("platform", "");
  description.datetime = TimeFrom(properties, "datetime");
  description.start_datetime = TimeFrom(properties, "start_datetime");
  description.end_datetime = TimeFrom(properties, "end_datetime");
  description.grid = GridFrom(properties, EpsgFrom(properties));
  for (const auto& [name, value] : properties.at("arpent:parameters").items()) {
    description.parameters.Set(name, value.get<std::string>());
  }
  for (const Json& input : properties.at("arpent:inputs")) {
    description.inputs.push_back(
        {input.at("role").get<std::string>(), input.at("key").get<std::string>(), input.at("name").get<std::string>()});
  }
  if (properties.contains("arpent:notes")) {
    description.notes = properties.at("arpent:notes").get<std::vector<std::string>>();
  }
  for (const auto& [name, value] : properties.items()) {
    if (own.count(name) != 0) continue;
    if (value.is_number()) description.numbers[name] = value.get<double>();
    if (value.is_string()) description.texts[name] = value.get<std::string>();
  }
  return description;
}

}  // namespace

absl::StatusOr<ParsedItem> ParseStacItem(const std::string& bytes) {
  ParsedItem parsed;
  try {
    const Json item = Json::parse(bytes);
    parsed.description = DescriptionFrom(item.at("properties"));
    for (const auto& [name, asset] : item.at("assets").items()) {
      parsed.assets.push_back(AssetFrom(name, asset));
      const geo::Grid grid = GridFrom(asset, parsed.description.grid.epsg);
      if (grid.width > 0) parsed.grids[name] = grid;
      if (auto classes = ClassesFrom(asset); !classes.empty()) parsed.classes[name] = std::move(classes);
    }
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("the STAC item is damaged: ", error.what()));
  }
  return parsed;
}

}  // namespace arpent::product
