#include "common/product/l2a_product.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/product/raster_reader.h"
#include "common/product/stac_item.h"
#include "common/raster/codes.h"

namespace arpent::product {
namespace {

using raster::Image;

bool IsBand(const std::string& name) { return name.size() >= 2 && name[0] == 'B' && name[1] >= '0' && name[1] <= '9'; }

class L2aProduct final : public scene::Reflectance {
 public:
  L2aProduct(std::shared_ptr<const storage::StoreSet> stores, std::string uri, scene::ReflectanceMetadata metadata,
             std::map<std::string, geo::Grid> grids)
      : stores_(std::move(stores)), uri_(std::move(uri)), metadata_(std::move(metadata)), grids_(std::move(grids)) {}

  const scene::ReflectanceMetadata& metadata() const override { return metadata_; }

  int ResolutionOf(const std::string& band) const override {
    const auto found = grids_.find(band);
    return found == grids_.end() ? 0 : static_cast<int>(found->second.pixel_m);
  }

  absl::Status ReadBandInto(const std::string& band, const geo::Window& window, raster::View<int16_t> out) const override {
    ARPENT_ASSIGN_OR_RETURN(const RasterReader* const reader, ReaderOf(band));
    return reader->Read(window, raster::kReflectanceNoData, out);
  }
  absl::StatusOr<Image<uint8_t>> ReadScl(const geo::Window& window) const override {
    return Read<uint8_t>("SCL", window, raster::kSclNoData);
  }
  absl::StatusOr<Image<uint16_t>> ReadQa(const geo::Window& window) const override {
    return Read<uint16_t>("QA", window, raster::kQaNoData);
  }
  absl::StatusOr<Image<uint16_t>> ReadAot(const geo::Window& window) const override {
    return Read<uint16_t>("AOT", window, raster::kUnsignedNoData);
  }

 private:
  template <typename T>
  absl::StatusOr<Image<T>> Read(const std::string& asset, const geo::Window& window, T outside) const {
    ARPENT_ASSIGN_OR_RETURN(const RasterReader* const reader, ReaderOf(asset));
    Image<T> image(window.width, window.height);
    ARPENT_RETURN_IF_ERROR(reader->Read(window, outside, image.view()));
    return image;
  }

  // Opened when first read: a consumer needs some of the assets, of many dates.
  absl::StatusOr<const RasterReader*> ReaderOf(const std::string& asset) const {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<RasterReader>& reader = readers_[asset];
    if (reader == nullptr) {
      if (grids_.count(asset) == 0) return absl::NotFoundError(absl::StrCat(uri_, " has no ", asset));
      ARPENT_ASSIGN_OR_RETURN(reader, RasterReader::Open(stores_, absl::StrCat(uri_, "/", asset, ".tif")));
    }
    return reader.get();
  }

  const std::shared_ptr<const storage::StoreSet> stores_;
  const std::string uri_;
  const scene::ReflectanceMetadata metadata_;
  const std::map<std::string, geo::Grid> grids_;
  mutable absl::Mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<RasterReader>> readers_ ABSL_GUARDED_BY(mutex_);
};

double NumberOf(const ProductDescription& description, const char* name, double otherwise) {
  const auto found = description.numbers.find(name);
  return found == description.numbers.end() ? otherwise : found->second;
}

scene::ReflectanceMetadata MetadataOf(const std::string& uri, const ParsedItem& item) {
  const ProductDescription& description = item.description;
  scene::ReflectanceMetadata metadata;
  const std::string name = NameOf(uri);
  metadata.acquisition = name.substr(0, name.rfind('_'));
  metadata.platform = metadata.acquisition.substr(0, metadata.acquisition.find('_'));
  metadata.tile = description.tile;
  metadata.day = absl::ToCivilDay(description.datetime, absl::UTCTimeZone());
  metadata.grid10 = description.grid.pixel_m == 10 ? description.grid : description.grid.WithPixel(10);
  for (const auto& [asset, grid] : item.grids) {
    if (IsBand(asset)) metadata.bands.push_back(asset);
  }
  metadata.sun_zenith_deg = 90 - NumberOf(description, "view:sun_elevation", 90);
  metadata.sun_azimuth_deg = NumberOf(description, "view:sun_azimuth", 0);
  metadata.view_zenith_deg = NumberOf(description, "view:off_nadir", 0);
  metadata.view_azimuth_deg = NumberOf(description, "view:azimuth", 0);
  return metadata;
}

}  // namespace

absl::StatusOr<std::unique_ptr<scene::Reflectance>> OpenL2aProduct(std::shared_ptr<const storage::StoreSet> stores,
                                                                   const std::string& uri) {
  const std::string item_uri = absl::StrCat(uri, "/item.json");
  ARPENT_ASSIGN_OR_RETURN(const std::string bytes, stores->ReadAll(item_uri));
  absl::StatusOr<ParsedItem> item = ParseStacItem(bytes);
  if (!item.ok()) return Annotate(item.status(), item_uri);
  if (item->description.stage != "l2a" && item->description.stage != "align") {
    return absl::InvalidArgumentError(
        absl::StrCat(uri, " is no surface reflectance but a product of stage '", item->description.stage, "'"));
  }
  return std::make_unique<L2aProduct>(std::move(stores), uri, MetadataOf(uri, *item), std::move(item->grids));
}

absl::StatusOr<std::unique_ptr<scene::Reflectance>> OpenReflectance(std::shared_ptr<const storage::StoreSet> stores,
                                                                    const std::string& uri) {
  absl::StatusOr<std::unique_ptr<scene::Reflectance>> ours = OpenL2aProduct(stores, uri);
  if (!absl::IsNotFound(ours.status())) return ours;
  absl::StatusOr<std::unique_ptr<scene::Reflectance>> theirs = scene::OpenForeignReflectance(std::move(stores), uri);
  // Nothing there at all: what was looked for is our own product.
  if (absl::IsNotFound(theirs.status())) return ours;
  return theirs;
}

}  // namespace arpent::product
