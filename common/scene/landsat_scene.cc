#include "common/scene/landsat_scene.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/geo/sun.h"
#include "common/geo/transform.h"
#include "common/raster/resample.h"
#include "common/scene/landsat_metadata.h"
#include "common/scene/landsat_quality.h"
#include "common/scene/raster_window.h"

namespace arpent::scene {
namespace {

using raster::Image;

constexpr double kDegree = M_PI / 180;
constexpr int kPixel_m = 30;  // as delivered
constexpr double kAngleStep_m = 5000;
constexpr double kAngleUnit_deg = 0.01;  // of Collection 2's angle bands
constexpr uint16_t kNoData = 0;

std::string MetadataFile(const ProductFolder& folder) {
  std::string json;
  for (const auto& [path, size] : folder.files()) {
    if (path.find('/') != std::string::npos) continue;
    if (absl::EndsWith(path, "_MTL.txt")) return path;
    if (absl::EndsWith(path, "_MTL.json")) json = path;
  }
  return json;
}

absl::StatusOr<LandsatMetadata> ReadMetadata(const ProductFolder& folder) {
  const std::string file = MetadataFile(folder);
  if (file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.UriOf(""), ": is not a Landsat Level-1 product: *_MTL.txt or *_MTL.json is missing"));
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string text, folder.ReadText(file));
  ARPENT_ASSIGN_OR_RETURN(LandsatMetadata metadata, ParseLandsatMtl(text, folder.UriOf(file)));
  if (metadata.sun_elevation_deg <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(folder.UriOf(file), ": SUN_ELEVATION ", metadata.sun_elevation_deg,
                                                   " is below the horizon: a night scene has no reflectance"));
  }
  return metadata;
}

// Position of the sun at nodes over the grid.
absl::StatusOr<AngleGrid> SunOver(const geo::Grid& grid, absl::Time time) {
  constexpr int kWgs84 = 4326;
  ARPENT_ASSIGN_OR_RETURN(const geo::Transform to_degrees, geo::Transform::Create(grid.epsg, kWgs84));
  AngleGrid sun;
  sun.step_m = kAngleStep_m;
  const int columns = static_cast<int>(std::ceil(grid.width * grid.pixel_m / kAngleStep_m)) + 1;
  const int rows = static_cast<int>(std::ceil(grid.height * grid.pixel_m / kAngleStep_m)) + 1;
  sun.zenith_deg = sun.azimuth_deg = Image<float>(columns, rows);
  for (int j = 0; j < rows; ++j) {
    for (int i = 0; i < columns; ++i) {
      double x = grid.west + i * kAngleStep_m, y = grid.north - j * kAngleStep_m;
      to_degrees.Forward(x, y);
      const geo::SunAngle angle = geo::SunAt(time, x, y);
      sun.zenith_deg(i, j) = static_cast<float>(angle.zenith_deg);
      sun.azimuth_deg(i, j) = static_cast<float>(angle.azimuth_deg);
    }
  }
  return sun;
}

SceneMetadata Combine(const ProductFolder& folder, const LandsatMetadata& product) {
  SceneMetadata scene;
  scene.product_id = product.product_id;
  scene.platform = product.platform;
  scene.tile = product.path_row;
  scene.sensing_start = product.scene_centre;
  scene.generation_time = product.production;
  scene.acquisition =
      absl::StrCat(product.platform, "_", absl::FormatTime("%Y%m%dT%H%M%S", product.scene_centre, absl::UTCTimeZone()), "_",
                   product.path_row);
  scene.grid = scene.tile_grid = product.grid;
  scene.mean_sun_zenith_deg = 90 - product.sun_elevation_deg;
  // Landsat counts azimuths from -180.
  scene.mean_sun_azimuth_deg = std::fmod(product.sun_azimuth_deg + 360, 360);
  scene.cloud_percent = product.cloud_percent;
  const double sine = std::sin(product.sun_elevation_deg * kDegree);
  for (const LandsatBand& source : product.bands) {
    Band band;
    band.name = absl::StrCat("B", source.number);
    band.uri = folder.UriOf(source.file);
    band.resolution_m = kPixel_m;
    band.quantification = sine / source.multiplicative;
    band.offset = source.additive / source.multiplicative;
    band.no_data = kNoData;
    band.saturated = static_cast<uint16_t>(std::clamp(source.saturated, 1, 65535));
    scene.bands.push_back(std::move(band));
    scene.mean_view_zenith_deg.push_back(0);
    scene.mean_view_azimuth_deg.push_back(0);
  }
  scene.view.resize(scene.bands.size());
  return scene;
}

// Of the metadata and every file that is read. There is no manifest: the bytes themselves are digested.
absl::StatusOr<HexDigest> Digest(const ProductFolder& folder, const LandsatMetadata& product) {
  Sha256 digest;
  std::vector<std::string> files = {MetadataFile(folder), product.view_zenith_file, product.view_azimuth_file,
                                    product.quality_file, product.saturation_file};
  for (const LandsatBand& band : product.bands) files.push_back(band.file);
  for (const std::string& file : files) {
    if (!folder.Has(file)) continue;
    ARPENT_ASSIGN_OR_RETURN(const HexDigest content, folder.DigestOf(file));
    digest.UpdateField(file).UpdateField(content);
  }
  return digest.Finish();
}

// cos(zenith) between the nodes.
class SunHeight {
 public:
  explicit SunHeight(const AngleGrid& sun) : cosine_(sun.zenith_deg.width(), sun.zenith_deg.height()) {
    for (size_t i = 0; i < cosine_.size(); ++i) cosine_.data()[i] = std::cos(sun.zenith_deg.data()[i] * kDegree);
  }
  double At(double east_m, double south_m) const {
    const double x = std::clamp(east_m / kAngleStep_m, 0.0, cosine_.width() - 1.0);
    const double y = std::clamp(south_m / kAngleStep_m, 0.0, cosine_.height() - 1.0);
    const int x0 = std::min(static_cast<int>(x), cosine_.width() - 2), y0 = std::min(static_cast<int>(y), cosine_.height() - 2);
    const double top = cosine_(x0, y0) + (cosine_(x0 + 1, y0) - cosine_(x0, y0)) * (x - x0);
    const double bottom = cosine_(x0, y0 + 1) + (cosine_(x0 + 1, y0 + 1) - cosine_(x0, y0 + 1)) * (x - x0);
    return top + (bottom - top) * (y - y0);
  }

 private:
  Image<double> cosine_;
};

class LandsatScene final : public Scene {
 public:
  static absl::StatusOr<std::unique_ptr<Scene>> Open(const ProductFolder& folder, const LandsatMetadata& product) {
    SceneMetadata metadata = Combine(folder, product);
    std::vector<std::unique_ptr<DatasetPool>> pools;
    for (size_t i = 0; i < product.bands.size(); ++i) {
      const std::string& file = product.bands[i].file;
      const auto found = folder.files().find(file);
      if (found == folder.files().end()) {
        return absl::DataLossError(absl::StrCat(folder.UriOf(file), ": band ", metadata.bands[i].name,
                                               " is missing: the product is incomplete; deliver it again, or take it away"));
      }
      pools.push_back(std::make_unique<DatasetPool>(folder.GdalPathOf(file), folder.UriOf(file)));
      ARPENT_RETURN_IF_ERROR(CheckTiffIsWhole(*pools.back(), found->second));
      ARPENT_ASSIGN_OR_RETURN(const geo::Grid grid, GridOf(*pools.back(), product.grid.epsg, 0));
      if (i == 0) metadata.grid = grid;
      metadata.bands[i].resolution_m = static_cast<int>(grid.pixel_m);
      if (grid != metadata.grid) {
        return absl::InvalidArgumentError(absl::StrCat(folder.UriOf(file), ": covers another area than band B1"));
      }
    }
    metadata.tile_grid = metadata.grid;
    ARPENT_ASSIGN_OR_RETURN(metadata.sun, SunOver(metadata.grid, product.scene_centre));
    ARPENT_RETURN_IF_ERROR(ReadView(folder, product, metadata));
    ARPENT_ASSIGN_OR_RETURN(LandsatQuality quality, LandsatQuality::Open(folder, product, metadata.grid, metadata.notes));
    ARPENT_ASSIGN_OR_RETURN(metadata.digest, Digest(folder, product));
    return std::unique_ptr<Scene>(new LandsatScene(std::move(metadata), std::move(pools), std::move(quality)));
  }

  const SceneMetadata& metadata() const override { return metadata_; }

  absl::StatusOr<Image<uint16_t>> ReadBand(const std::string& band, const geo::Window& window) const override {
    const int index = metadata_.BandIndex(band);
    if (index < 0) return absl::NotFoundError(absl::StrCat(metadata_.product_id, " has no band ", band));
    ARPENT_ASSIGN_OR_RETURN(Image<uint16_t> image, ReadWindow<uint16_t>(*pools_[index], 1, window, kNoData));
    // Bands are named by their numbers.
    ARPENT_RETURN_IF_ERROR(quality_.Apply(window, band[1] - '0', metadata_.bands[index], image));
    LevelSun(metadata_.bands[index], window, image);
    return image;
  }

  absl::StatusOr<Image<uint16_t>> ReadReduced(const std::string& band, int level) const override {
    ARPENT_ASSIGN_OR_RETURN(Image<uint16_t> whole, ReadBand(band, metadata_.grid.Whole()));
    if (level == 0) return whole;
    const int factor = 1 << level;
    Image<uint16_t> reduced((whole.width() + factor - 1) / factor, (whole.height() + factor - 1) / factor);
    raster::ShrinkMean(whole.view(), factor, kNoData, reduced.view());
    return reduced;
  }

 private:
  LandsatScene(SceneMetadata metadata, std::vector<std::unique_ptr<DatasetPool>> pools, LandsatQuality quality)
      : metadata_(std::move(metadata)), pools_(std::move(pools)), quality_(std::move(quality)), sun_(metadata_.sun) {}

  // View angles of Collection 2: hundredths of a degree per pixel, of band 4 for all.
  static absl::Status ReadView(const ProductFolder& folder, const LandsatMetadata& product, SceneMetadata& metadata) {
    if (!folder.Has(product.view_zenith_file) || !folder.Has(product.view_azimuth_file)) {
      metadata.notes.push_back("view angles: nadir, the product has no angle bands");
      return absl::OkStatus();
    }
    AngleGrid view;
    view.step_m = kAngleStep_m;
    ARPENT_ASSIGN_OR_RETURN(view.zenith_deg, SampleAngles(folder, product.view_zenith_file, metadata));
    ARPENT_ASSIGN_OR_RETURN(view.azimuth_deg, SampleAngles(folder, product.view_azimuth_file, metadata));
    constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    double zenith_sum = 0, east_sum = 0, north_sum = 0;
    int nodes = 0;
    for (size_t i = 0; i < view.zenith_deg.size(); ++i) {
      float &zenith = view.zenith_deg.data()[i], &azimuth = view.azimuth_deg.data()[i];
      if (zenith == 0 && azimuth == 0) {  // both 0: outside of the swath
        zenith = azimuth = kNone;
        continue;
      }
      azimuth = std::fmod(azimuth + 360.0f, 360.0f);
      zenith_sum += zenith;
      east_sum += std::sin(azimuth * kDegree) * zenith;
      north_sum += std::cos(azimuth * kDegree) * zenith;
      ++nodes;
    }
    if (nodes == 0) return ViewOfCentre(folder, product, metadata);
    for (size_t i = 0; i < metadata.bands.size(); ++i) {
      metadata.view[i] = view;
      metadata.mean_view_zenith_deg[i] = zenith_sum / nodes;
      metadata.mean_view_azimuth_deg[i] = std::fmod(std::atan2(east_sum, north_sum) / kDegree + 360, 360);
    }
    return absl::OkStatus();
  }

  // For a scene so small or turned that no node of the angle grid lies in it.
  static absl::Status ViewOfCentre(const ProductFolder& folder, const LandsatMetadata& product, SceneMetadata& metadata) {
    const geo::Window centre{metadata.grid.width / 2, metadata.grid.height / 2, 1, 1};
    int16_t angle[2] = {};
    for (int i = 0; i < 2; ++i) {
      const std::string& file = i == 0 ? product.view_zenith_file : product.view_azimuth_file;
      DatasetPool pool(folder.GdalPathOf(file), folder.UriOf(file));
      ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> pixel, ReadWindow<int16_t>(pool, 1, centre, 0));
      angle[i] = pixel(0, 0);
    }
    if (angle[0] == 0 && angle[1] == 0) {
      metadata.notes.push_back("view angles: nadir, the angle bands are empty");
      return absl::OkStatus();
    }
    metadata.notes.push_back("view angles: those of the scene's centre");
    std::fill(metadata.mean_view_zenith_deg.begin(), metadata.mean_view_zenith_deg.end(), angle[0] * kAngleUnit_deg);
    std::fill(metadata.mean_view_azimuth_deg.begin(), metadata.mean_view_azimuth_deg.end(),
              std::fmod(angle[1] * kAngleUnit_deg + 360, 360));
    return absl::OkStatus();
  }

  static absl::StatusOr<Image<float>> SampleAngles(const ProductFolder& folder, const std::string& file,
                                                   const SceneMetadata& metadata) {
    DatasetPool pool(folder.GdalPathOf(file), folder.UriOf(file));
    ARPENT_ASSIGN_OR_RETURN(const geo::Grid grid, GridOf(pool, metadata.grid.epsg, 0));
    if (grid != metadata.grid) {
      return absl::InvalidArgumentError(absl::StrCat(folder.UriOf(file), ": covers another area than band B1"));
    }
    Image<float> nodes(metadata.sun.zenith_deg.width(), metadata.sun.zenith_deg.height());
    for (int j = 0; j < nodes.height(); ++j) {
      const int y = std::min(static_cast<int>(j * kAngleStep_m / grid.pixel_m), grid.height - 1);
      ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> row, ReadWindow<int16_t>(pool, 1, {0, y, grid.width, 1}, 0));
      for (int i = 0; i < nodes.width(); ++i) {
        const int x = std::min(static_cast<int>(i * kAngleStep_m / grid.pixel_m), grid.width - 1);
        nodes(i, j) = static_cast<float>(row(x, 0) * kAngleUnit_deg);
      }
    }
    return nodes;
  }

  // See the header: numbers as if the sun stood everywhere as at the scene's centre.
  void LevelSun(const Band& band, const geo::Window& window, Image<uint16_t>& image) const {
    const double centre = std::cos(metadata_.mean_sun_zenith_deg * kDegree);
    for (int y = 0; y < image.height(); ++y) {
      const double south_m = (window.y + y + 0.5) * metadata_.grid.pixel_m;
      for (int x = 0; x < image.width(); ++x) {
        uint16_t& number = image(x, y);
        if (number == band.no_data || number >= band.saturated) continue;
        const double factor = centre / std::max(1e-3, sun_.At((window.x + x + 0.5) * metadata_.grid.pixel_m, south_m));
        const double levelled = (number + band.offset) * factor - band.offset;
        number = static_cast<uint16_t>(std::lround(std::clamp(levelled, 1.0, band.saturated - 1.0)));
      }
    }
  }

  const SceneMetadata metadata_;
  std::vector<std::unique_ptr<DatasetPool>> pools_;
  const LandsatQuality quality_;
  const SunHeight sun_;
};

}  // namespace

bool IsLandsat(const ProductFolder& folder) { return !MetadataFile(folder).empty(); }

absl::StatusOr<SceneMetadata> DescribeLandsat(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(const LandsatMetadata product, ReadMetadata(folder));
  SceneMetadata scene = Combine(folder, product);
  ARPENT_ASSIGN_OR_RETURN(scene.digest, Digest(folder, product));
  return scene;
}

absl::StatusOr<std::unique_ptr<Scene>> OpenLandsat(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(const LandsatMetadata product, ReadMetadata(folder));
  return LandsatScene::Open(folder, product);
}

}  // namespace arpent::scene
