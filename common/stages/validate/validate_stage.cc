#include "common/stages/validate/validate_stage.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/geo/tile.h"
#include "common/insitu/legend.h"
#include "common/insitu/parcels.h"
#include "common/insitu/strata.h"
#include "common/product/layout.h"
#include "common/product/publication.h"
#include "common/product/raster_reader.h"
#include "common/product/stac_item.h"
#include "common/raster/image.h"
#include "common/stages/validate/map_tally.h"
#include "common/stages/validate/validation_report.h"

namespace arpent::stages {
namespace {

constexpr int kRowsAtOnce = 512;  // whole blocks of the maps
constexpr uint16_t kNotCropland = 0;
constexpr int kNothingIgnored = -1;

struct Purpose {
  std::string name;       // also the role of the maps
  std::string asset;      // of the final map
  std::string raw_asset;  // of the map before regularisation
  uint16_t no_data = 0;
};

absl::StatusOr<Purpose> ReadPurpose(const TaskSpec& task) {
  ARPENT_ASSIGN_OR_RETURN(const std::string name, task.parameters.GetString("purpose"));
  if (name == "crop-mask") return Purpose{name, "CM", "CM_RAW", raster::kByteNoData};
  if (name == "crop-type") return Purpose{name, "CT", "CT_RAW", raster::kUnsignedNoData};
  return absl::InvalidArgumentError(absl::StrCat("purpose '", name, "': crop-mask or crop-type is expected"));
}

// What a parcel says its pixels are; none when it does not say.
std::optional<uint16_t> ReferenceCode(const insitu::Parcel& parcel, const Purpose& purpose) {
  if (purpose.name == "crop-mask") return parcel.MaskClass();
  if (parcel.crop.has_value() && !*parcel.crop) return kNotCropland;
  return parcel.code > 0 ? std::optional<uint16_t>(parcel.code) : std::nullopt;
}

// The counts of one map, overall and by name of the stratum.
struct MapTally {
  RegionTally overall;
  std::map<std::string, RegionTally> strata;

  void Add(const MapTally& other) {
    overall.Add(other.overall);
    for (const auto& [name, region] : other.strata) strata[name].Add(region);
  }
};

// One tile's map with what it is judged by.
struct JudgedTile {
  const Purpose& purpose;
  const product::RasterReader& map;
  const geo::Ownership& ownership;
  const insitu::ParcelSet& parcels;
  const insitu::Strata& strata;
};

// Counts rows [first, last) of the map.
absl::StatusOr<MapTally> CountRows(const JudgedTile& tile, int first, int last) {
  const geo::Grid& grid = tile.map.grid();
  const geo::Window window{0, first, grid.width, last - first};
  raster::Image<uint16_t> map(window.width, window.height);
  ARPENT_RETURN_IF_ERROR(tile.map.Read(window, tile.purpose.no_data, map.view()));
  const insitu::ParcelRaster reference = insitu::RasteriseParcels(tile.parcels, grid, window);
  ARPENT_ASSIGN_OR_RETURN(const raster::Image<uint16_t> strata, tile.strata.Read(window));
  MapTally tally;
  std::vector<RegionTally> of_stratum(tile.strata.names().size());
  for (int y = 0; y < window.height; ++y) {
    const geo::Ownership::Columns owned = tile.ownership.OwnedColumns(grid, first + y);
    for (int x = owned.first; x < owned.last; ++x) {
      const uint16_t mapped = map(x, y);
      RegionTally* const stratum = strata(x, y) < of_stratum.size() ? &of_stratum[strata(x, y)] : nullptr;
      const bool has_map = mapped != tile.purpose.no_data;
      if (has_map && stratum != nullptr) ++stratum->mapped_pixels[mapped];
      if (has_map) ++tally.overall.mapped_pixels[mapped];
      const int32_t index = reference.index(x, y);
      if (index < 0 || !tile.parcels.parcels[index].validate) continue;
      const insitu::Parcel& parcel = tile.parcels.parcels[index];
      const std::optional<uint16_t> code = ReferenceCode(parcel, tile.purpose);
      if (!code) continue;
      for (RegionTally* region : {&tally.overall, stratum}) {
        if (region == nullptr) continue;
        if (!has_map) {
          ++region->reference_pixels_without_map;
          continue;
        }
        PolygonTally& polygon = region->polygons[parcel.number];
        polygon.reference = *code;
        ++polygon.mapped[mapped];
      }
    }
  }
  for (size_t i = 0; i < of_stratum.size(); ++i) tally.strata[tile.strata.names()[i]] = std::move(of_stratum[i]);
  return tally;
}

class ValidateTask {
 public:
  ValidateTask(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(purpose_, ReadPurpose(task_));
    ARPENT_RETURN_IF_ERROR(ReadParameters());
    if (maps_.empty()) return absl::InvalidArgumentError(absl::StrCat("validate needs a ", purpose_.name, " product"));
    if (parcels_uri_.empty()) return absl::InvalidArgumentError("validate needs parcels");
    for (size_t i = 0; i < maps_.size(); ++i) {
      ARPENT_RETURN_IF_ERROR(Annotate(CountTile(maps_[i]), maps_[i]));
      context_.progress(0.9 * static_cast<double>(i + 1) / static_cast<double>(maps_.size()));
    }
    if (map_.overall.polygons.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          product::NameOf(parcels_uri_), ": no validation polygon has a pixel on the ", purpose_.name, " of ",
          maps_.size(), maps_.size() == 1 ? " tile" : " tiles"));
    }
    return Publish(Measure());
  }

 private:
  absl::Status ReadParameters() {
    for (const TaskInput& input : task_.inputs) {
      if (input.role == purpose_.name) maps_.push_back(input.uri);
      if (input.role == "parcels") parcels_uri_ = input.uri;
      if (input.role == "strata") strata_uri_ = input.uri;
    }
    ARPENT_ASSIGN_OR_RETURN(const int64_t seed, task_.parameters.GetInt("seed"));
    seed_ = static_cast<uint64_t>(seed);
    ARPENT_ASSIGN_OR_RETURN(train_share_, task_.parameters.GetDouble("train_share"));
    ARPENT_ASSIGN_OR_RETURN(strata_column_, task_.parameters.GetString("strata_column"));
    ARPENT_ASSIGN_OR_RETURN(parcel_options_, insitu::ParcelOptions::FromParameters(task_.parameters));
    parcel_options_.need_crop = purpose_.name == "crop-mask";
    parcel_options_.need_code = purpose_.name == "crop-type";
    for (const TaskInput& input : task_.inputs) {
      if (input.role != "legend") continue;
      ARPENT_ASSIGN_OR_RETURN(const std::string csv, context_.stores->ReadAll(input.uri));
      ARPENT_ASSIGN_OR_RETURN(parcel_options_.legend, insitu::ParseLegend(csv, input.uri));
    }
    return absl::OkStatus();
  }

  absl::Status CountTile(const std::string& uri) {
    ARPENT_ASSIGN_OR_RETURN(const product::ProductDescription description,
                            product::ReadDescription(*context_.stores, uri));
    ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(description.tile));
    ARPENT_ASSIGN_OR_RETURN(const geo::Ownership ownership, geo::Ownership::Of(tile));
    ARPENT_ASSIGN_OR_RETURN(const auto map,
                            product::RasterReader::Open(context_.stores, uri + "/" + purpose_.asset + ".tif"));
    const geo::Grid& grid = map->grid();
    ARPENT_ASSIGN_OR_RETURN(insitu::ParcelSet parcels,
                            insitu::ReadParcels(*context_.stores, parcels_uri_, parcel_options_, grid));
    insitu::SplitParcels(seed_, train_share_, parcels);
    insitu::Strata strata = insitu::Strata::Whole();
    if (!strata_uri_.empty()) {
      ARPENT_ASSIGN_OR_RETURN(strata,
                              insitu::Strata::Read(*context_.stores, strata_uri_, strata_column_, grid));
    }
    for (const insitu::LegendClass& entry : parcels.legend) names_.emplace(entry.code, entry.name);
    pixel_hectares_ = grid.pixel_m * grid.pixel_m / 10000;
    ARPENT_RETURN_IF_ERROR(CountMap({purpose_, *map, ownership, parcels, strata}, map_));
    const auto raw = product::RasterReader::Open(context_.stores, uri + "/" + purpose_.raw_asset + ".tif");
    if (!raw.ok()) return absl::IsNotFound(raw.status()) ? absl::OkStatus() : raw.status();
    has_raw_ = true;
    return CountMap({purpose_, **raw, ownership, parcels, strata}, raw_);
  }

  absl::Status CountMap(const JudgedTile& tile, MapTally& sum) const {
    const int height = tile.map.grid().height;
    std::vector<MapTally> tallies((height + kRowsAtOnce - 1) / kRowsAtOnce);
    ARPENT_RETURN_IF_ERROR(ParallelFor(tallies.size(), context_.threads, [&](size_t i) -> absl::Status {
      if (context_.cancelled()) return absl::CancelledError("validate was cancelled");
      const int first = static_cast<int>(i) * kRowsAtOnce;
      ARPENT_ASSIGN_OR_RETURN(tallies[i], CountRows(tile, first, std::min(height, first + kRowsAtOnce)));
      return absl::OkStatus();
    }));
    for (const MapTally& tally : tallies) sum.Add(tally);
    return absl::OkStatus();
  }

  ValidationReport Measure() const {
    ValidationReport report;
    report.purpose = purpose_.name;
    report.names = names_;
    report.names[kNotCropland] = "not cropland";
    if (purpose_.name == "crop-mask") report.names = {{0, "not cropland"}, {1, "cropland"}};
    // A crop type map without a crop mask never says "not cropland": it cannot be judged by parcels that are none.
    const bool masked = purpose_.name == "crop-mask" || map_.overall.mapped_pixels.contains(kNotCropland);
    const int ignored = masked ? kNothingIgnored : kNotCropland;
    report.overall = MeasureRegion(map_.overall, pixel_hectares_, ignored, seed_);
    if (has_raw_) report.raw = MeasureRegion(raw_.overall, pixel_hectares_, ignored, seed_);
    if (strata_uri_.empty()) return report;
    for (const auto& [name, region] : map_.strata) {
      report.strata[name] = MeasureRegion(region, pixel_hectares_, ignored, seed_);
    }
    return report;
  }

  absl::StatusOr<TaskResult> Publish(const ValidationReport& report) const {
    product::ProductDescription description;
    description.stage = task_.stage;
    description.algorithm_version = task_.algorithm_version;
    description.key = task_.Key();
    description.folder = product::ValidationFolder(task_.site, task_.season, purpose_.name, description.key);
    description.parameters = task_.parameters;
    for (const TaskInput& input : task_.inputs) description.inputs.push_back({input.role, input.key, input.uri});
    description.texts = {{"arpent:site", task_.site}, {"arpent:season", task_.season}};
    const kernels::AccuracyMeasures& measures = report.overall.measures;
    if (measures.overall_accuracy) description.numbers["arpent:overall_accuracy"] = *measures.overall_accuracy;
    if (measures.kappa) description.numbers["arpent:kappa"] = *measures.kappa;
    if (measures.macro_f) description.numbers["arpent:macro_f"] = *measures.macro_f;
    description.degraded = task_.degraded;
    product::Publication publication(context_.stores, context_.scratch, std::move(description));
    ARPENT_RETURN_IF_ERROR(
        publication.AddFile("metrics", "metrics.json", "application/json", "metadata", MetricsJson(report)));
    ARPENT_RETURN_IF_ERROR(
        publication.AddFile("confusion", "confusion.csv", "text/csv", "metadata", ConfusionCsv(report)));
    ARPENT_RETURN_IF_ERROR(publication.AddFile("areas", "areas.csv", "text/csv", "metadata", AreasCsv(report)));
    TaskResult result;
    ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
    for (const auto& [code, pixels] : map_.overall.mapped_pixels) result.pixels += static_cast<int64_t>(pixels);
    result.area_km2 = static_cast<double>(result.pixels) * pixel_hectares_ / 100;
    context_.progress(1);
    return result;
  }

  const TaskSpec& task_;
  const StageContext& context_;
  Purpose purpose_;
  std::vector<std::string> maps_;
  std::string parcels_uri_, strata_uri_, strata_column_;
  insitu::ParcelOptions parcel_options_;
  uint64_t seed_ = 1;
  double train_share_ = 0;
  double pixel_hectares_ = 0;
  std::map<uint16_t, std::string> names_;
  MapTally map_, raw_;
  bool has_raw_ = false;
};

}  // namespace

absl::StatusOr<TaskResult> RunValidate(const TaskSpec& task, const StageContext& context) {
  return ValidateTask(task, context).Run();
}

}  // namespace arpent::stages
