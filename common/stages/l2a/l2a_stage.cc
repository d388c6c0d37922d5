#include "common/stages/l2a/l2a_stage.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/kernels/masking/regions.h"
#include "common/kernels/masking/shadows.h"
#include "common/stages/catalog.h"
#include "common/stages/l2a/air.h"
#include "common/stages/l2a/ancillary.h"
#include "common/stages/l2a/aot_retrieval.h"
#include "common/stages/l2a/coarse_scene.h"
#include "common/stages/l2a/describe.h"
#include "common/stages/l2a/l2a_options.h"
#include "common/stages/l2a/prior.h"
#include "common/stages/l2a/quality.h"
#include "common/stages/l2a/retrieval.h"
#include "common/stages/l2a/surface.h"
#include "common/stages/l2a/terrain.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr double kNearCloud_m = 180;
constexpr double kHazyAot = 0.25;  // of a scene, from which on haze would pass for cloud

const TaskInput* FindInput(const TaskSpec& task, const std::string& role) {
  for (const TaskInput& input : task.inputs) {
    if (input.role == role) return &input;
  }
  return nullptr;
}

absl::StatusOr<kernels::AtmosphereTables> LoadTables(const TaskSpec& task, const StageContext& context) {
  const std::string path = absl::StrCat(context.tables, "/", kernels::kTablesFileName);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::FailedPreconditionError(absl::StrCat("the atmosphere's tables are missing: ", path,
                                                      " (make them once with: arpent-lut -o ", path, ")"));
  }
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto tables = kernels::AtmosphereTables::Parse(bytes);
  if (!tables.ok()) return Annotate(tables.status(), path);
  const TaskInput* wanted = FindInput(task, "tables");
  if (wanted != nullptr && !wanted->key.empty() && wanted->key != tables->digest()) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has digest ", tables->digest(), ", the task was planned with ", wanted->key));
  }
  return tables;
}

// What the coarse pass found out.
struct CoarseResult {
  CoarseMasks masks;
  double cloud_cover = 0;
  kernels::ShadowMask shadow;
  WaterResult water;
  AotResult aot;
};

kernels::SceneGeometry ShadowGeometry(const scene::SceneMetadata& metadata, const Air& air, int band) {
  const geo::Extent extent = metadata.grid.extent();
  const double east = (extent.east - extent.west) / 2, south = (extent.north - extent.south) / 2;
  const kernels::Geometry g = air.GeometryAt(band, east, south);
  const Direction sun = air.sun().At(east, south);
  return {g.sun_zenith_deg, sun.azimuth_deg, g.view_zenith_deg, sun.azimuth_deg - g.relative_azimuth_deg,
          CoarsePixelOf(metadata)};
}

class L2aRun {
 public:
  L2aRun(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(options_, ParseL2aOptions(task_.parameters));
    const TaskInput* input = FindInput(task_, "scene");
    if (input == nullptr) return absl::InvalidArgumentError("l2a: the task has no input of role 'scene'");
    ARPENT_ASSIGN_OR_RETURN(const kernels::AtmosphereTables tables, LoadTables(task_, context_));
    ARPENT_ASSIGN_OR_RETURN(scene_, scene::OpenScene(context_.stores, input->uri));
    ARPENT_ASSIGN_OR_RETURN(Air air, Air::Create(scene_->metadata(), tables, options_.aerosol));
    air.ozone_atmcm = OzoneOf(scene_->metadata(), air.notes);
    air.aot.constant = kDefaultAot;
    air.water_gcm2.constant = kDefaultWater_gcm2;
    ARPENT_RETURN_IF_ERROR(AskCams(air));
    std::optional<Terrain> terrain;
    ARPENT_RETURN_IF_ERROR(ReadGround(air, terrain));
    return Passes(air, std::move(terrain));
  }

 private:
  // Altitude and slopes from the DEM, when the task has one.
  absl::Status ReadGround(Air& air, std::optional<Terrain>& terrain) const {
    const TaskInput* dem = FindInput(task_, "dem");
    if (dem == nullptr) {
      air.notes.push_back("altitude: sea level, there is no DEM");
      return absl::OkStatus();
    }
    const scene::SceneMetadata& metadata = scene_->metadata();
    const geo::Extent extent = metadata.grid.extent();
    const Direction sun = air.sun().At((extent.east - extent.west) / 2, (extent.north - extent.south) / 2);
    ARPENT_ASSIGN_OR_RETURN(terrain, ReadTerrain(*context_.stores, dem->uri, GroundGrid(metadata), CoarsePixelOf(metadata),
                                                 {sun.zenith_deg, sun.azimuth_deg}, options_.terrain));
    air.altitude_km = terrain->altitude_km;
    air.notes.insert(air.notes.end(), terrain->notes.begin(), terrain->notes.end());
    return absl::OkStatus();
  }

  absl::Status AskCams(Air& air) const {
    const TaskInput* cams = FindInput(task_, "cams");
    if (cams != nullptr) return TakeCams(scene_->metadata(), *cams, context_, options_.aerosol_of_cams, air);
    if (!options_.aerosol_of_cams) return absl::OkStatus();
    return absl::InvalidArgumentError("parameter aerosol: 'cams' needs an input of role 'cams'");
  }

  absl::Status LookAtPrior(const geo::Grid& coarse, Air& air) {
    const TaskInput* input = FindInput(task_, "prior");
    if (input == nullptr) return absl::OkStatus();
    ARPENT_ASSIGN_OR_RETURN(prior_, ReadPrior(*context_.stores, input->uri, coarse));
    air.notes.push_back(absl::StrFormat("prior: ground known under %.1f %% of the scene", 100 * prior_->KnownShare()));
    return absl::OkStatus();
  }

  absl::StatusOr<TaskResult> Passes(Air& air, std::optional<Terrain> terrain) {
    const scene::SceneMetadata& metadata = scene_->metadata();
    const std::vector<std::string> output = OutputBands(metadata, air);
    std::vector<std::string> looked_at = output;
    const BandRoles roles = RolesOf(metadata);
    if (metadata.BandIndex(roles.cirrus) >= 0) looked_at.push_back(roles.cirrus);
    ARPENT_ASSIGN_OR_RETURN(const CoarseScene coarse, ReadCoarseScene(*scene_, looked_at, context_.threads));
    context_.progress(0.1);
    if (coarse.ValidPixels() == 0) return Skipped("no-data", 0);
    if (coarse.grid.pixel_m > kCoarsePixel_m) {
      air.notes.push_back(absl::StrFormat("decimated: pixels of %g m; clouds and shadows are looked for at that size", coarse.grid.pixel_m));
    }
    ARPENT_RETURN_IF_ERROR(LookAtPrior(coarse.grid, air));
    CoarseResult found;
    found.masks.pixel_m = coarse.grid.pixel_m;
    ARPENT_RETURN_IF_ERROR(LookForClouds(coarse, air, found));
    if (found.cloud_cover > options_.cloud_limit) return Skipped("cloudy", found.cloud_cover);
    ARPENT_RETURN_IF_ERROR(Retrieve(coarse, air, found));
    context_.progress(0.15);

    Surroundings surroundings;
    surroundings.adjacency = options_.adjacency;
    if (options_.adjacency || (terrain.has_value() && terrain->light.has_value())) {
      ARPENT_ASSIGN_OR_RETURN(surroundings.environment,
                              MeanSurroundings(metadata, coarse, air, output, CloudFree(coarse, found), context_.threads));
    }
    if (terrain.has_value()) found.masks.terrain_shadow = terrain->cast_shadow;
    surroundings.terrain = std::move(terrain);
    if (options_.cirrus) surroundings.cirrus = ThinCirrus(coarse, roles.cirrus, found, air);
    product::Publication publication(context_.stores, context_.scratch, DescribeL2a(task_, metadata));
    ARPENT_ASSIGN_OR_RETURN(const GroundLayers ground,
                            WriteSurfaceReflectance(*scene_, coarse, air, surroundings, output, context_, publication));
    ARPENT_ASSIGN_OR_RETURN(const QualityCounts counts,
                            WriteQuality(metadata, ground, found.masks, air, context_, publication));
    context_.progress(0.97);
    Report(metadata, air, found, counts, publication.description());
    TaskResult result;
    ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
    result.pixels = int64_t{metadata.grid.width} * metadata.grid.height;
    result.area_km2 = static_cast<double>(result.pixels) * metadata.grid.pixel_m * metadata.grid.pixel_m * 1e-6;
    return result;
  }

  TaskResult Skipped(const std::string& reason, double cloud_cover) const {
    TaskResult result;
    result.outcome = TaskResult::Outcome::kSkipped;
    result.skip_reason = reason;
    if (reason == "cloudy") result.product.numbers["eo:cloud_cover"] = cloud_cover * 100;
    return result;
  }

  absl::Status LookForClouds(const CoarseScene& coarse, const Air& air, CoarseResult& found) {
    const scene::SceneMetadata& metadata = scene_->metadata();
    ARPENT_RETURN_IF_ERROR(PrepareMaskScene(metadata, coarse, air, 0, context_.threads, mask_scene_));
    const kernels::KnownReflectance known = prior_.has_value() ? prior_->View() : kernels::KnownReflectance{};
    const kernels::KnownReflectance* const by_change = prior_.has_value() ? &known : nullptr;
    found.masks.clouds = kernels::DetectClouds(mask_scene_.input, by_change);
    ARPENT_ASSIGN_OR_RETURN(const double haze, SceneHaze({metadata, coarse, mask_scene_, air, options_.adjacency}, found.masks.clouds,
                                                         context_.threads));
    if (haze > kHazyAot) {
      ARPENT_RETURN_IF_ERROR(PrepareMaskScene(metadata, coarse, air, haze - kDefaultAot, context_.threads, mask_scene_));
      found.masks.clouds = kernels::DetectClouds(mask_scene_.input, by_change);
    }
    found.cloud_cover = kernels::CloudCover(found.masks.clouds);
    return absl::OkStatus();
  }

  absl::Status Retrieve(const CoarseScene& coarse, Air& air, CoarseResult& found) {
    const scene::SceneMetadata& metadata = scene_->metadata();
    found.shadow = kernels::DetectShadows(mask_scene_.input, found.masks.clouds,
                                          ShadowGeometry(metadata, air, metadata.BandIndex(RolesOf(metadata).red)));
    const Image<uint8_t> clear = ClearGround(coarse, found.masks.clouds, found.shadow.shadow.view());
    ARPENT_RETURN_IF_ERROR(RetrieveWater(metadata, coarse, clear, false, context_.threads, air).status());
    const AotGround ground{.land = clear,
                           .water = ClearDeepWater(coarse, found.masks.clouds, found.shadow.shadow.view()),
                           .prior = prior_.has_value() ? &*prior_ : nullptr};
    const TargetScene targets{metadata, coarse, mask_scene_, air, options_.adjacency};
    if (options_.choose_aerosol) ARPENT_RETURN_IF_ERROR(ChooseAerosol(targets, ground, context_.threads, air));
    ARPENT_ASSIGN_OR_RETURN(found.aot, RetrieveAot(targets, ground, context_.threads, air));
    ARPENT_ASSIGN_OR_RETURN(found.water, RetrieveWater(metadata, coarse, clear, true, context_.threads, air));
    found.masks.shadow = found.shadow.shadow;
    found.masks.near_cloud = kernels::Dilate(found.masks.clouds.cloud.view(), PixelsIn(kNearCloud_m, coarse.grid.pixel_m));
    found.masks.water_interpolated = found.water.interpolated;
    found.masks.aot_interpolated = found.aot.interpolated;
    SpreadMasks(coarse.valid, found.masks);
    mask_scene_ = MaskScene{};
    return absl::OkStatus();
  }

  // Where the ground is seen: 1 off the clouds and their margins.
  static raster::Image<uint8_t> CloudFree(const CoarseScene& coarse, const CoarseResult& found) {
    raster::Image<uint8_t> ground = coarse.valid;
    for (size_t i = 0; i < ground.size(); ++i) {
      if (found.masks.clouds.cloud.data()[i] != 0 || found.masks.near_cloud.data()[i] != 0) ground.data()[i] = 0;
    }
    return ground;
  }

  // 1.38 um sees cirrus only where water vapour hides the ground.
  Field ThinCirrus(const CoarseScene& coarse, const std::string& band, const CoarseResult& found, Air& air) const {
    constexpr double kLeastWater_gcm2 = 0.25;
    constexpr double kClearSky = 0.001;
    const auto cirrus = coarse.toa.find(band);
    if (cirrus == coarse.toa.end() || found.water.mean_gcm2 < kLeastWater_gcm2) {
      air.notes.push_back("cirrus: not corrected, the scene has no band at 1.38 um or too little water vapour");
      return {};
    }
    Field field{Image<float>(coarse.grid.width, coarse.grid.height), coarse.grid.pixel_m, 0};
    const kernels::LocalMean mean = kernels::MeanAround(cirrus->second.view(), coarse.valid.view(), 2);
    for (int y = 0; y < field.values.height(); ++y) {
      for (int x = 0; x < field.values.width(); ++x) {
        field.values(x, y) = static_cast<float>(std::max(0.0, mean.mean(x, y) - kClearSky));
      }
    }
    return field;
  }

  void Report(const scene::SceneMetadata& metadata, const Air& air, const CoarseResult& found,
              const QualityCounts& counts, product::ProductDescription& d) const {
    const auto percent = [&](int64_t count) {
      return counts.with_data == 0 ? 0.0 : std::round(1e4 * static_cast<double>(count) / counts.with_data) / 100;
    };
    const auto rounded = [](double value, double unit) { return std::round(value / unit) * unit; };
    d.numbers["eo:cloud_cover"] = percent(counts.cloud);
    d.numbers["eo:snow_cover"] = percent(counts.snow);
    d.numbers["arpent:cirrus_percent"] = percent(counts.cirrus);
    d.numbers["arpent:cloud_shadow_percent"] = percent(counts.shadow);
    d.numbers["arpent:water_percent"] = percent(counts.water);
    d.numbers["arpent:saturated_percent"] = percent(counts.saturated);
    d.numbers["arpent:nodata_percent"] =
        std::round(1e4 * static_cast<double>(counts.pixels - counts.with_data) / std::max<int64_t>(1, counts.pixels)) /
        100;
    d.numbers["view:sun_elevation"] = rounded(90 - metadata.mean_sun_zenith_deg, 1e-4);
    d.numbers["view:sun_azimuth"] = rounded(metadata.mean_sun_azimuth_deg, 1e-4);
    const int red = metadata.BandIndex(RolesOf(metadata).red);
    const auto extent = metadata.grid.extent();
    const kernels::Geometry g = air.GeometryAt(red, (extent.east - extent.west) / 2, (extent.north - extent.south) / 2);
    const Direction sun = air.sun().At((extent.east - extent.west) / 2, (extent.north - extent.south) / 2);
    double view_azimuth = std::fmod(sun.azimuth_deg - g.relative_azimuth_deg + 720, 360);
    d.numbers["view:off_nadir"] = rounded(g.view_zenith_deg, 1e-4);
    d.numbers["view:azimuth"] = rounded(view_azimuth, 1e-4);
    d.numbers["arpent:aot_mean"] = rounded(found.aot.mean, 1e-4);
    d.numbers["arpent:aot_uncertainty"] = rounded(found.aot.mean_uncertainty, 1e-4);
    d.numbers["arpent:aot_dark_pixels"] = found.aot.dark_pixels;
    d.numbers["arpent:water_vapour_mean"] = rounded(found.water.mean_gcm2, 1e-4);
    d.numbers["arpent:ozone"] = rounded(air.ozone_atmcm, 1e-4);
    d.numbers["arpent:cloud_height"] = rounded(found.shadow.cloud_height_m, 1);
    d.texts["arpent:aerosol_model"] = std::string(kernels::NameOf(air.aerosol()));
    d.texts["arpent:tables"] = air.tables().digest();
    d.texts["s2:processing_baseline"] = metadata.processing_baseline;
    if (metadata.processing_baseline.empty()) d.texts.erase("s2:processing_baseline");
    d.notes = metadata.notes;
    d.notes.insert(d.notes.end(), air.notes.begin(), air.notes.end());
  }

  const TaskSpec& task_;
  const StageContext& context_;
  L2aOptions options_;
  std::unique_ptr<scene::Scene> scene_;
  MaskScene mask_scene_;
  std::optional<Prior> prior_;
};

}  // namespace

absl::StatusOr<TaskResult> RunL2a(const TaskSpec& task, const StageContext& context) {
  return L2aRun(task, context).Run();
}

}  // namespace arpent::stages
