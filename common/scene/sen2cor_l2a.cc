#include "common/scene/sen2cor_l2a.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/raster/codes.h"
#include "common/scene/acquisition.h"
#include "common/scene/raster_window.h"
#include "common/scene/safe_layout.h"
#include "common/scene/safe_metadata.h"

namespace arpent::scene {
namespace {

using raster::Image;

constexpr double kScale = 10000;  // of our own reflectance

std::string ProductMetadataFile(const ProductFolder& folder) {
  return FindProductMetadata(folder, kL2aFile);
}

struct Description {
  std::string product_file;
  SafeProductMetadata product;
  SafeTileMetadata tile;
  Granule granule;
};

absl::StatusOr<Description> Describe(const ProductFolder& folder) {
  Description description;
  description.product_file = ProductMetadataFile(folder);
  if (description.product_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.UriOf(""), ": is not a Sentinel-2 L2A product: MTD_MSIL2A.xml is missing"));
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string xml, folder.ReadText(description.product_file));
  ARPENT_ASSIGN_OR_RETURN(description.product, ParseSafeL2aProduct(xml, folder.UriOf(description.product_file)));
  const std::vector<Granule> granules = FindGranules(folder);
  if (granules.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.UriOf("GRANULE"), ": has ", granules.size(), " tiles with metadata instead of one"));
  }
  description.granule = granules.front();
  ARPENT_ASSIGN_OR_RETURN(const std::string tile_xml, folder.ReadText(description.granule.metadata_file));
  ARPENT_ASSIGN_OR_RETURN(description.tile, ParseSafeTile(tile_xml, folder.UriOf(description.granule.metadata_file)));
  return description;
}

absl::Time SensingStartOf(const Description& description) {
  return StripStart(description.product.datatake_start, description.tile.datastrip_id);
}

std::string AcquisitionOf(const Description& description) {
  return AcquisitionName(description.product.platform, SensingStartOf(description), description.product.relative_orbit,
                         description.tile.tile);
}

// QA bits of each SCL code.
constexpr std::array<uint16_t, 12> kQaOfScl = {
    raster::kQaNoData,  // 0
    raster::kQaSaturated, 0, raster::kQaCloudShadow, 0, 0, raster::kQaWater, 0,
    raster::kQaCloud,   // 8
    raster::kQaCloud, raster::kQaCirrus, raster::kQaSnow};

struct BandFile {
  int resolution_m = 0;
  double quantification = kScale, offset = 0;
  uint16_t no_data = 0;
  std::unique_ptr<DatasetPool> pool;
};

class Sen2CorL2a final : public Reflectance {
 public:
  static absl::StatusOr<std::unique_ptr<Reflectance>> Open(const ProductFolder& folder, const Description& description) {
    std::unique_ptr<Sen2CorL2a> product(new Sen2CorL2a);
    ARPENT_RETURN_IF_ERROR(product->OpenBands(folder, description));
    ARPENT_ASSIGN_OR_RETURN(product->scl_, OpenImage(folder, description.granule, "_SCL_20m.jp2"));
    ARPENT_ASSIGN_OR_RETURN(product->aot_, OpenImage(folder, description.granule, "_AOT_20m.jp2"));
    product->aot_factor_ = 1000 / description.product.aot_quantification;
    ARPENT_RETURN_IF_ERROR(product->Fill(description));
    return product;
  }

  const ReflectanceMetadata& metadata() const override { return metadata_; }

  int ResolutionOf(const std::string& band) const override {
    const auto found = bands_.find(band);
    return found == bands_.end() ? 0 : found->second.resolution_m;
  }

  absl::Status ReadBandInto(const std::string& band, const geo::Window& window, raster::View<int16_t> out) const override {
    const auto found = bands_.find(band);
    if (found == bands_.end()) return absl::NotFoundError(absl::StrCat(metadata_.acquisition, " has no band ", band));
    const BandFile& file = found->second;
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> numbers, ReadWindow(*file.pool, 1, window, file.no_data));
    const double factor = kScale / file.quantification;
    // No-data is never reached by a value.
    const auto reflectance = [&](uint16_t number) {
      const double value = std::clamp((number + file.offset) * factor, raster::kReflectanceNoData + 1.0, 32767.0);
      return number == file.no_data ? raster::kReflectanceNoData : static_cast<int16_t>(std::lround(value));
    };
    for (int y = 0; y < numbers.height(); ++y) {
      std::transform(numbers.row(y).begin(), numbers.row(y).end(), out.row(y).begin(), reflectance);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Image<uint8_t>> ReadScl(const geo::Window& window) const override {
    ARPENT_ASSIGN_OR_RETURN(Image<uint8_t> scl, ReadWindow<uint8_t>(*scl_, 1, window, raster::kSclNoData));
    for (size_t i = 0; i < scl.size(); ++i) {
      if (scl.data()[i] >= kQaOfScl.size()) scl.data()[i] = raster::kSclNoData;
    }
    return scl;
  }

  absl::StatusOr<Image<uint16_t>> ReadQa(const geo::Window& window) const override {
    ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> scl, ReadScl(window));
    Image<uint16_t> qa(scl.width(), scl.height());
    for (size_t i = 0; i < scl.size(); ++i) qa.data()[i] = kQaOfScl[scl.data()[i]];
    return qa;
  }

  absl::StatusOr<Image<uint16_t>> ReadAot(const geo::Window& window) const override {
    ARPENT_ASSIGN_OR_RETURN(Image<uint16_t> aot, ReadWindow<uint16_t>(*aot_, 1, window, 0));
    for (size_t i = 0; i < aot.size(); ++i) {
      uint16_t& value = aot.data()[i];
      value = value == 0 ? raster::kUnsignedNoData
                         : static_cast<uint16_t>(std::lround(std::min(65534.0, value * aot_factor_)));
    }
    return aot;
  }

 private:
  static absl::StatusOr<std::unique_ptr<DatasetPool>> OpenImage(const ProductFolder& folder, const Granule& granule,
                                                                const std::string& suffix) {
    const std::string image = FindImage(folder, granule, suffix);
    if (image.empty()) {
      return absl::DataLossError(absl::StrCat(folder.name(), ": the image that ends in ", suffix, " is missing from ", granule.folder,
                                              "/IMG_DATA: the product is incomplete; deliver it again, or take it away"));
    }
    ARPENT_RETURN_IF_ERROR(folder.CheckJpeg2000(image));
    return std::make_unique<DatasetPool>(folder.GdalPathOf(image), folder.UriOf(image));
  }

  absl::Status OpenBands(const ProductFolder& folder, const Description& description) {
    for (int i = 0; i < kSentinel2Bands; ++i) {
      const std::string name = kSentinel2BandNames[i];
      const int resolution_m = kSentinel2BandResolutions_m[i];
      const std::string suffix = absl::StrFormat("_%s_%dm.jp2", name, resolution_m);
      if (name == "B10") continue;  // not delivered: there is no surface to see
      if (resolution_m == 60 && FindImage(folder, description.granule, suffix).empty()) continue;
      BandFile file;
      file.resolution_m = resolution_m;
      file.quantification = description.product.quantification;
      file.offset = description.product.offsets[i];
      file.no_data = description.product.no_data;
      ARPENT_ASSIGN_OR_RETURN(file.pool, OpenImage(folder, description.granule, suffix));
      bands_[name] = std::move(file);
    }
    return absl::OkStatus();
  }

  absl::Status Fill(const Description& description) {
    metadata_.acquisition = AcquisitionOf(description);
    metadata_.platform = description.product.platform;
    metadata_.tile = description.tile.tile;
    metadata_.day = absl::ToCivilDay(SensingStartOf(description), absl::UTCTimeZone());
    metadata_.sun_zenith_deg = description.tile.mean_sun_zenith_deg;
    metadata_.sun_azimuth_deg = description.tile.mean_sun_azimuth_deg;
    constexpr int kGreen = 2;  // a band of the middle of the focal plane stands for all
    metadata_.view_zenith_deg = description.tile.mean_view_zenith_deg[kGreen];
    metadata_.view_azimuth_deg = description.tile.mean_view_azimuth_deg[kGreen];
    for (const auto& [name, file] : bands_) metadata_.bands.push_back(name);
    const int epsg = description.tile.grid.epsg;
    ARPENT_ASSIGN_OR_RETURN(metadata_.grid10, GridOf(*bands_.at("B02").pool, epsg, 10));
    for (const auto& [name, file] : bands_) {
      ARPENT_ASSIGN_OR_RETURN(const geo::Grid grid, GridOf(*file.pool, epsg, file.resolution_m));
      ARPENT_RETURN_IF_ERROR(CheckPlace(grid, file.pool->uri()));
    }
    ARPENT_ASSIGN_OR_RETURN(const geo::Grid classes, GridOf(*scl_, epsg, 20));
    return CheckPlace(classes, scl_->uri());
  }

  absl::Status CheckPlace(const geo::Grid& grid, const std::string& uri) const {
    const geo::Grid expected = metadata_.grid10.WithPixel(grid.pixel_m);
    const bool near = std::abs(grid.width - expected.width) <= 1 && std::abs(grid.height - expected.height) <= 1;
    if (near && grid.west == expected.west && grid.north == expected.north) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(uri, ": does not cover the area of band B02"));
  }

  ReflectanceMetadata metadata_;
  std::map<std::string, BandFile> bands_;
  std::unique_ptr<DatasetPool> scl_, aot_;
  double aot_factor_ = 1;
};

}  // namespace

bool IsSen2CorL2a(const ProductFolder& folder) { return !ProductMetadataFile(folder).empty(); }

absl::StatusOr<SceneMetadata> DescribeSen2Cor(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(const Description description, Describe(folder));
  SceneMetadata scene;
  scene.product_id = ProductIdOf(folder.name());
  scene.platform = description.product.platform;
  scene.acquisition = AcquisitionOf(description);
  scene.tile = description.tile.tile;
  scene.sensing_start = SensingStartOf(description);
  scene.generation_time = description.product.generation_time;
  scene.relative_orbit = description.product.relative_orbit;
  scene.processing_baseline = description.product.processing_baseline;
  scene.grid = scene.tile_grid = description.tile.grid;
  scene.cloud_percent = description.tile.cloud_percent;
  ARPENT_ASSIGN_OR_RETURN(scene.digest, DigestOfGranule(folder, description.granule, description.product_file));
  return scene;
}

absl::StatusOr<std::unique_ptr<Reflectance>> OpenSen2Cor(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(const Description description, Describe(folder));
  return Sen2CorL2a::Open(folder, description);
}

}  // namespace arpent::scene
