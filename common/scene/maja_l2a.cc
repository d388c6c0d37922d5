#include "common/scene/maja_l2a.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/geo/tile.h"
#include "common/raster/codes.h"
#include "common/scene/raster_window.h"
#include "common/scene/xml_reader.h"

namespace arpent::scene {
namespace {

using raster::Image;

constexpr double kScale = 10000;
constexpr double kVegetationNdvi = 0.415;
constexpr int kOrbits = 143;  // of one repeat cycle

enum CloudBit : uint8_t { kAnyCloud = 1 << 1, kSingleDate = 1 << 2, kMultiDate = 1 << 3, kThinnest = 1 << 4,
                          kShadowSeen = 1 << 5, kShadowUnseen = 1 << 6, kHigh = 1 << 7 };
enum GroundBit : uint8_t { kWater = 1 << 0, kSnow = 1 << 2, kTerrainShadow = 1 << 4, kHidden = 1 << 5, kSunTooLow = 1 << 6,
                           kSunTangent = 1 << 7 };
enum InterpolatedBit : uint8_t { kVapour = 1 << 0, kAerosol = 1 << 1 };

struct BandName {
  const char* ours;
  const char* theirs;
  int resolution_m;
};
constexpr BandName kBands[] = {{"B02", "B2", 10}, {"B03", "B3", 10}, {"B04", "B4", 10},   {"B05", "B5", 20},   {"B06", "B6", 20},
                               {"B07", "B7", 20}, {"B08", "B8", 10}, {"B8A", "B8A", 20}, {"B11", "B11", 20}, {"B12", "B12", 20}};

// The file whose name ends in `suffix`, in whatever folder of the product; "" when there is none.
std::string FileEndingIn(const ProductFolder& folder, const std::string& suffix) {
  for (const auto& [path, size] : folder.files()) {
    if (absl::EndsWith(path, suffix)) return path;
  }
  return "";
}

struct Description {
  std::string file;
  std::string product_id, platform, tile;
  absl::Time sensing, production;
  int epsg = 0, relative_orbit = 0;
  double quantification = 10000, no_data = -10000, aot_quantification = 200, aot_no_data = 0;
  double cloud_percent = -1;
  double sun_zenith_deg = 0, sun_azimuth_deg = 0, view_zenith_deg = 0, view_azimuth_deg = 0;

  std::string Acquisition() const {
    return absl::StrCat(platform, "_", absl::FormatTime("%Y%m%dT%H%M%S", sensing, absl::UTCTimeZone()),
                        absl::StrFormat("_R%03d_T", relative_orbit), tile);
  }
};

// Orbits are counted since launch; the relative orbit follows from it by satellite. 0 when it is not known.
int RelativeOrbit(int orbit, const std::string& platform) {
  if (orbit <= kOrbits) return orbit;
  if (platform == "S2A") return (orbit + 2) % kOrbits + 1;
  if (platform == "S2B") return (orbit - 27) % kOrbits + 1;
  return 0;
}

void ReadAngles(XmlReader& reader, Description& description) {
  const pugi::xml_node means = Find(reader.root(), "Mean_Value_List");
  const pugi::xml_node sun = Find(means, "Sun_Angles");
  if (!sun) {
    reader.Fail("element Mean_Value_List/Sun_Angles is missing");
    return;
  }
  description.sun_zenith_deg = reader.ToNumber(TextOf(Find(sun, "ZENITH_ANGLE")), "Sun_Angles/ZENITH_ANGLE");
  description.sun_azimuth_deg = reader.ToNumber(TextOf(Find(sun, "AZIMUTH_ANGLE")), "Sun_Angles/AZIMUTH_ANGLE");
  // Every band has its own; one from the middle of the focal plane stands for all.
  ForEach(means, "Mean_Viewing_Incidence_Angle", [&](const pugi::xml_node& view) {
    if (std::string(view.attribute("band_id").value()) != "B3") return;
    description.view_zenith_deg = reader.ToNumber(TextOf(Find(view, "ZENITH_ANGLE")), "Mean_Viewing_Incidence_Angle");
    description.view_azimuth_deg = reader.ToNumber(TextOf(Find(view, "AZIMUTH_ANGLE")), "Mean_Viewing_Incidence_Angle");
  });
}

void ReadSpecialValues(XmlReader& reader, Description& description) {
  ForEach(reader.root(), "SPECIAL_VALUE", [&](const pugi::xml_node& node) {
    const std::string name = node.attribute("name").value();
    if (name == "nodata") description.no_data = reader.ToNumber(TextOf(node), "SPECIAL_VALUE nodata");
    if (name == "aerosol_optical_thickness_nodata") {
      description.aot_no_data = reader.ToNumber(TextOf(node), "SPECIAL_VALUE aerosol_optical_thickness_nodata");
    }
  });
  ForEach(reader.root(), "QUALITY_INDEX", [&](const pugi::xml_node& node) {
    if (std::string(node.attribute("name").value()) == "CloudPercent") {
      description.cloud_percent = reader.ToNumber(TextOf(node), "QUALITY_INDEX CloudPercent");
    }
  });
}

absl::StatusOr<Description> Describe(const ProductFolder& folder) {
  Description description;
  description.file = FileEndingIn(folder, "_MTD_ALL.xml");
  if (description.file.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(folder.UriOf(""), ": is not a MAJA product: *_MTD_ALL.xml is missing"));
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string xml, folder.ReadText(description.file));
  pugi::xml_document document;
  ARPENT_RETURN_IF_ERROR(LoadXml(xml, folder.UriOf(description.file), document));
  XmlReader reader(document, folder.UriOf(description.file));
  description.product_id = reader.Text("PRODUCT_ID");
  description.sensing = reader.Time("ACQUISITION_DATE");
  description.production = reader.Time("PRODUCTION_DATE");
  const std::string platform = reader.Text("PLATFORM");
  if (platform.size() == 10 && absl::StartsWith(platform, "SENTINEL2")) {
    description.platform = absl::StrCat("S2", platform.substr(9));
  } else {
    reader.Fail(absl::StrCat("PLATFORM: '", platform, "' is not a Sentinel-2"));
  }
  const std::string zone = reader.Text("GEOGRAPHICAL_ZONE");
  description.tile = std::string(absl::StripPrefix(zone, "T"));
  const std::string code = reader.Text("HORIZONTAL_CS_CODE");
  if (!absl::SimpleAtoi(absl::StripPrefix(code, "EPSG:"), &description.epsg)) {
    reader.Fail(absl::StrCat("HORIZONTAL_CS_CODE: '", code, "' is not an EPSG code"));
  }
  const double orbit = reader.NumberOr("ORBIT_NUMBER", 0);
  const bool is_orbit = orbit >= 0 && orbit < 1e7;
  if (!is_orbit) reader.Fail(absl::StrCat("ORBIT_NUMBER: ", orbit, " is no orbit"));
  description.relative_orbit = is_orbit ? RelativeOrbit(static_cast<int>(orbit), description.platform) : 0;
  description.quantification = reader.NumberOr("REFLECTANCE_QUANTIFICATION_VALUE", description.quantification);
  description.aot_quantification =
      reader.NumberOr("AEROSOL_OPTICAL_THICKNESS_QUANTIFICATION_VALUE", description.aot_quantification);
  if (!(description.quantification > 0 && description.aot_quantification > 0)) {
    reader.Fail("a quantification value is not positive");
  }
  ReadSpecialValues(reader, description);
  ReadAngles(reader, description);
  if (!reader.status().ok()) return reader.status();
  return description;
}

class MajaL2a final : public Reflectance {
 public:
  static absl::StatusOr<std::unique_ptr<Reflectance>> Open(const ProductFolder& folder, const Description& description) {
    std::unique_ptr<MajaL2a> product(new MajaL2a(description));
    for (const BandName& band : kBands) {
      std::string file = FileEndingIn(folder, absl::StrCat("_FRE_", band.theirs, ".tif"));
      if (file.empty()) file = FileEndingIn(folder, absl::StrCat("_SRE_", band.theirs, ".tif"));
      ARPENT_ASSIGN_OR_RETURN(product->bands_[band.ours],
                              Existing(folder, file, absl::StrCat("*_FRE_", band.theirs, ".tif")));
      product->metadata_.bands.push_back(band.ours);
    }
    const auto optional = [&folder](const std::string& suffix) {
      const std::string file = FileEndingIn(folder, suffix);
      return file.empty() ? nullptr : std::make_unique<DatasetPool>(folder.GdalPathOf(file), folder.UriOf(file));
    };
    ARPENT_ASSIGN_OR_RETURN(product->cloud_, Existing(folder, FileEndingIn(folder, "_CLM_R2.tif"), "*_CLM_R2.tif"));
    ARPENT_ASSIGN_OR_RETURN(product->edge_, Existing(folder, FileEndingIn(folder, "_EDG_R2.tif"), "*_EDG_R2.tif"));
    product->saturation_ = optional("_SAT_R2.tif");
    product->geophysical_ = optional("_MG2_R2.tif");
    product->interpolated_ = optional("_IAB_R2.tif");
    product->air_ = optional("_ATB_R2.tif");
    ARPENT_RETURN_IF_ERROR(product->Place());
    return product;
  }

  const ReflectanceMetadata& metadata() const override { return metadata_; }

  int ResolutionOf(const std::string& band) const override {
    for (const BandName& known : kBands) {
      if (band == known.ours) return known.resolution_m;
    }
    return 0;
  }

  absl::Status ReadBandInto(const std::string& band, const geo::Window& window, raster::View<int16_t> out) const override {
    const auto found = bands_.find(band);
    if (found == bands_.end()) return absl::NotFoundError(absl::StrCat(metadata_.acquisition, " has no band ", band));
    const int16_t no_data = static_cast<int16_t>(description_.no_data);
    ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> numbers, ReadWindow(*found->second, 1, window, no_data));
    const double factor = kScale / description_.quantification;
    const auto reflectance = [&](int16_t number) {
      const double value = std::clamp(number * factor, raster::kReflectanceNoData + 1.0, 32767.0);
      return number == no_data ? raster::kReflectanceNoData : static_cast<int16_t>(std::lround(value));
    };
    for (int y = 0; y < numbers.height(); ++y) {
      std::transform(numbers.row(y).begin(), numbers.row(y).end(), out.row(y).begin(), reflectance);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Image<uint8_t>> ReadScl(const geo::Window& window) const override {
    ARPENT_ASSIGN_OR_RETURN(const MaskImages masks, ReadMasks(window));
    const geo::Window fine{2 * window.x, 2 * window.y, 2 * window.width, 2 * window.height};
    ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> red, ReadBand("B04", fine));
    ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> infrared, ReadBand("B8A", window));
    Image<uint8_t> scl(window.width, window.height);
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) {
        const double r = (red(2 * x, 2 * y) + red(2 * x + 1, 2 * y) + red(2 * x, 2 * y + 1) + red(2 * x + 1, 2 * y + 1)) / 4.0;
        const double n = infrared(x, y);
        scl(x, y) = SclOfMaja(masks.At(x, y), n + r > 0 ? (n - r) / (n + r) : 0);
      }
    }
    return scl;
  }

  absl::StatusOr<Image<uint16_t>> ReadQa(const geo::Window& window) const override {
    ARPENT_ASSIGN_OR_RETURN(const MaskImages masks, ReadMasks(window));
    Image<uint16_t> qa(window.width, window.height);
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) qa(x, y) = QaOfMaja(masks.At(x, y));
    }
    return qa;
  }

  absl::StatusOr<Image<uint16_t>> ReadAot(const geo::Window& window) const override {
    constexpr int kAotBand = 2;
    Image<uint16_t> aot(window.width, window.height, raster::kUnsignedNoData);
    if (air_ == nullptr) return aot;
    const uint8_t no_data = static_cast<uint8_t>(description_.aot_no_data);
    ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> numbers, ReadWindow(*air_, kAotBand, window, no_data));
    for (size_t i = 0; i < aot.size(); ++i) {
      if (numbers.data()[i] == no_data) continue;
      aot.data()[i] = static_cast<uint16_t>(std::lround(numbers.data()[i] * 1000 / description_.aot_quantification));
    }
    return aot;
  }

 private:
  struct MaskImages {
    Image<uint8_t> edge, saturation, cloud, geophysical, interpolated;
    MajaMasks At(int x, int y) const {
      return {edge(x, y), saturation(x, y), cloud(x, y), geophysical(x, y), interpolated(x, y)};
    }
  };

  explicit MajaL2a(const Description& description) : description_(description) {
    metadata_.acquisition = description.Acquisition();
    metadata_.platform = description.platform;
    metadata_.tile = description.tile;
    metadata_.day = absl::ToCivilDay(description.sensing, absl::UTCTimeZone());
    metadata_.sun_zenith_deg = description.sun_zenith_deg;
    metadata_.sun_azimuth_deg = description.sun_azimuth_deg;
    metadata_.view_zenith_deg = description.view_zenith_deg;
    metadata_.view_azimuth_deg = description.view_azimuth_deg;
  }

  static absl::StatusOr<std::unique_ptr<DatasetPool>> Existing(const ProductFolder& folder, const std::string& file,
                                                               const std::string& wanted) {
    if (file.empty()) return absl::DataLossError(absl::StrCat(folder.UriOf(wanted), ": the file is missing"));
    return std::make_unique<DatasetPool>(folder.GdalPathOf(file), folder.UriOf(file));
  }

  // Every raster must open (a cut GeoTIFF often does not) and lie where B02 does.
  absl::Status Place() {
    ARPENT_ASSIGN_OR_RETURN(metadata_.grid10, GridOf(*bands_.at("B02"), description_.epsg, 10));
    const geo::Grid grid20 = metadata_.grid10.WithPixel(20);
    for (const BandName& band : kBands) {
      ARPENT_ASSIGN_OR_RETURN(const geo::Grid grid, GridOf(*bands_.at(band.ours), description_.epsg, band.resolution_m));
      if (grid != (band.resolution_m == 10 ? metadata_.grid10 : grid20)) {
        return absl::InvalidArgumentError(absl::StrCat(bands_.at(band.ours)->uri(), ": does not cover the area of band B2"));
      }
    }
    for (DatasetPool* mask : {cloud_.get(), edge_.get(), saturation_.get(), geophysical_.get(), interpolated_.get(), air_.get()}) {
      if (mask == nullptr) continue;
      ARPENT_ASSIGN_OR_RETURN(const geo::Grid grid, GridOf(*mask, description_.epsg, 20));
      if (grid != grid20) return absl::InvalidArgumentError(absl::StrCat(mask->uri(), ": does not cover the area of band B2"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<MaskImages> ReadMasks(const geo::Window& window) const {
    MaskImages masks;
    ARPENT_ASSIGN_OR_RETURN(masks.edge, ReadWindow<uint8_t>(*edge_, 1, window, 1));
    ARPENT_ASSIGN_OR_RETURN(masks.cloud, ReadWindow<uint8_t>(*cloud_, 1, window, 0));
    const auto optional = [&window](const std::unique_ptr<DatasetPool>& pool) -> absl::StatusOr<Image<uint8_t>> {
      if (pool == nullptr) return Image<uint8_t>(window.width, window.height);
      return ReadWindow<uint8_t>(*pool, 1, window, 0);
    };
    ARPENT_ASSIGN_OR_RETURN(masks.saturation, optional(saturation_));
    ARPENT_ASSIGN_OR_RETURN(masks.geophysical, optional(geophysical_));
    ARPENT_ASSIGN_OR_RETURN(masks.interpolated, optional(interpolated_));
    return masks;
  }

  const Description description_;
  ReflectanceMetadata metadata_;
  std::map<std::string, std::unique_ptr<DatasetPool>> bands_;
  std::unique_ptr<DatasetPool> cloud_, edge_, saturation_, geophysical_, interpolated_, air_;
};

}  // namespace

uint8_t SclOfMaja(const MajaMasks& masks, double ndvi) {
  if (masks.edge != 0) return raster::kSclNoData;
  if (masks.saturation != 0) return raster::kSclSaturated;
  if (masks.geophysical & kSnow) return raster::kSclSnow;
  if (masks.cloud & (kSingleDate | kMultiDate)) return raster::kSclCloudHigh;
  if (masks.cloud & kThinnest) return raster::kSclCloudMedium;
  if (masks.cloud & kHigh) return raster::kSclCirrus;
  if (masks.cloud & kAnyCloud) return raster::kSclCloudHigh;
  if (masks.cloud & (kShadowSeen | kShadowUnseen)) return raster::kSclCloudShadow;
  if (masks.geophysical & kWater) return raster::kSclWater;
  if (masks.geophysical & (kTerrainShadow | kHidden)) return raster::kSclDark;
  return ndvi > kVegetationNdvi ? raster::kSclVegetation : raster::kSclBare;
}

uint16_t QaOfMaja(const MajaMasks& masks) {
  if (masks.edge != 0) return raster::kQaNoData;
  uint16_t qa = 0;
  const auto set = [&qa](bool condition, uint16_t bit) { qa |= condition ? bit : 0; };
  set(masks.saturation != 0, raster::kQaSaturated);
  set(masks.geophysical & kSnow, raster::kQaSnow);
  const bool only_high = (masks.cloud & (kSingleDate | kMultiDate | kThinnest)) == 0 && (masks.cloud & kHigh) != 0;
  set((masks.cloud & (kAnyCloud | kSingleDate | kMultiDate | kThinnest)) && !only_high, raster::kQaCloud);
  set(masks.cloud & kHigh, raster::kQaCirrus);
  set(masks.cloud & (kShadowSeen | kShadowUnseen), raster::kQaCloudShadow);
  set(masks.geophysical & kWater, raster::kQaWater);
  set(masks.geophysical & (kTerrainShadow | kHidden), raster::kQaTerrainShadow);
  set(masks.geophysical & (kSunTooLow | kSunTangent), raster::kQaLowSun);
  set(masks.interpolated & kVapour, raster::kQaWvInterpolated);
  set(masks.interpolated & kAerosol, raster::kQaAotInterpolated);
  return qa;
}

bool IsMajaL2a(const ProductFolder& folder) { return !FileEndingIn(folder, "_MTD_ALL.xml").empty(); }

absl::StatusOr<SceneMetadata> DescribeMaja(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(const Description description, Describe(folder));
  SceneMetadata scene;
  scene.product_id = description.product_id;
  scene.platform = description.platform;
  scene.acquisition = description.Acquisition();
  scene.tile = description.tile;
  scene.sensing_start = description.sensing;
  scene.generation_time = description.production;
  scene.relative_orbit = description.relative_orbit;
  scene.cloud_percent = description.cloud_percent;
  ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(description.tile));
  scene.grid = scene.tile_grid = tile.GridAt(10);
  Sha256 digest;
  for (const auto& [path, size] : folder.files()) {
    if (path != description.file && !absl::EndsWith(path, ".tif")) continue;
    ARPENT_ASSIGN_OR_RETURN(const HexDigest file, folder.DigestOf(path));
    digest.UpdateField(path).UpdateField(file);
  }
  scene.digest = digest.Finish();
  return scene;
}

absl::StatusOr<std::unique_ptr<Reflectance>> OpenMaja(const ProductFolder& folder) {
  ARPENT_ASSIGN_OR_RETURN(const Description description, Describe(folder));
  return MajaL2a::Open(folder, description);
}

}  // namespace arpent::scene
