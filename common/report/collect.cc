#include "common/report/collect.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/product/quicklook.h"

namespace arpent::report {
namespace {

using nlohmann::json;

// More pictures than this of one kind say no more.
constexpr size_t kMostPictures = 36;

struct Wanted {
  const char* stage;
  const char* asset;  // "thumbnail", or a raster of codes
  const char* heading;
  const char* text;
};

constexpr Wanted kWanted[] = {
    {"l2a", "thumbnail", "Surface reflectance, true colour", "One picture a date; black is 0, white is 0.3."},
    {"l2a", "SCL", "Scene classes", "What the masks say of each date."},
    {"composite", "thumbnail", "Composites, true colour", "One cloud-free picture a period."},
    {"crop-mask", "CM", "Crop mask", ""},
    {"crop-type", "CT", "Crop types", "After regularisation."},
    {"crop-type", "CT_RAW", "Crop types, each pixel by itself", ""},
    {"map", "CT", "Map of the site: crop types", "Each pixel from the tile that owns it."},
    {"map", "CM", "Map of the site: crop mask", ""},
};

absl::StatusOr<json> ReadJson(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, stores.ReadAll(uri));
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::DataLossError(absl::StrCat(uri, ": is no JSON"));
  return document;
}

std::vector<product::CodeClass> ClassesOf(const json& asset) {
  // STAC 1.1 puts them on the band; older items on the asset.
  const json bands = asset.value("bands", json::array());
  const json& holder = !bands.empty() && bands[0].contains("classification:classes") ? bands[0] : asset;
  std::vector<product::CodeClass> classes;
  for (const json& entry : holder.value("classification:classes", json::array())) {
    const std::string name = entry.value("name", ""), colour = entry.value("color_hint", "808080");
    classes.push_back({entry.value("value", 0), entry.value("title", entry.value("description", name)),
                       "#" + std::string(absl::StripPrefix(colour, "#"))});
  }
  return classes;
}

absl::Status AddPicture(const storage::StoreSet& stores, const ProductRef& ref, const Wanted& wanted, const json& item,
                        Gallery& gallery) {
  const json assets = item.value("assets", json::object());
  if (!assets.contains(wanted.asset)) return absl::OkStatus();
  const json& asset = assets[wanted.asset];
  const std::string file = absl::StrCat(ref.uri, "/", absl::StripPrefix(asset.value("href", ""), "./"));
  const std::string caption = absl::StrCat(ref.unit.empty() ? ref.tile : ref.unit);
  if (std::string(wanted.asset) == "thumbnail") {
    ARPENT_ASSIGN_OR_RETURN(std::string png, stores.ReadAll(file));
    gallery.pictures.push_back({caption, std::move(png)});
    return absl::OkStatus();
  }
  const std::vector<product::CodeClass> classes = ClassesOf(asset);
  ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(file));
  absl::StatusOr<std::string> png = product::CodeThumbnail(path, classes);
  if (!png.ok()) return Annotate(png.status(), file);
  gallery.pictures.push_back({caption, *std::move(png)});
  if (gallery.legend.empty()) {
    for (const product::CodeClass& entry : classes) gallery.legend.push_back({entry.name, entry.colour});
  }
  return absl::OkStatus();
}

Accuracy ReadAccuracy(const json& metrics, const std::string& heading) {
  Accuracy accuracy;
  accuracy.heading = heading;
  for (const json& entry : metrics.value("classes", json::array())) {
    ClassAccuracy row;
    row.name = entry.value("name", "");
    row.precision = entry.value("precision", 0.0);
    row.recall = entry.value("recall", 0.0);
    row.f_score = entry.value("f_score", 0.0);
    accuracy.classes.push_back(row.name);
    accuracy.by_class.push_back(std::move(row));
  }
  accuracy.matrix = metrics.value("confusion_matrix", std::vector<std::vector<int64_t>>());
  accuracy.overall = metrics.value("overall_accuracy", 0.0);
  accuracy.kappa = metrics.value("kappa", 0.0);
  if (const auto interval = metrics.find("overall_accuracy_interval"); interval != metrics.end() && interval->size() == 2) {
    accuracy.overall_low = (*interval)[0];
    accuracy.overall_high = (*interval)[1];
  }
  return accuracy;
}

}  // namespace

absl::Status CollectProducts(const std::shared_ptr<const storage::StoreSet>& stores,
                             const std::vector<ProductRef>& products, Report& report) {
  for (const Wanted& wanted : kWanted) {
    Gallery gallery{wanted.heading, wanted.text, {}, {}};
    for (const ProductRef& ref : products) {
      if (ref.stage != wanted.stage || gallery.pictures.size() >= kMostPictures) continue;
      ARPENT_ASSIGN_OR_RETURN(const json item, ReadJson(*stores, ref.uri + "/item.json"));
      ARPENT_RETURN_IF_ERROR(AddPicture(*stores, ref, wanted, item, gallery));
    }
    report.galleries.push_back(std::move(gallery));
  }
  for (const ProductRef& ref : products) {
    if (ref.stage != "validate") continue;
    ARPENT_ASSIGN_OR_RETURN(const json metrics, ReadJson(*stores, ref.uri + "/metrics.json"));
    const json overall = metrics.value("overall", metrics);
    report.accuracies.push_back(ReadAccuracy(overall, "Accuracy: " + metrics.value("purpose", ref.unit)));
  }
  return absl::OkStatus();
}

}  // namespace arpent::report
