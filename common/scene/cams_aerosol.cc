#include "common/scene/cams_aerosol.h"

#include <gdal.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/scene/dataset_pool.h"
#include "common/storage/raster_drivers.h"

namespace arpent::scene {
namespace {

constexpr absl::Duration kBeyond = absl::Hours(3);
constexpr absl::Duration kLongestGap = absl::Hours(24);
constexpr int64_t kLargestFile = int64_t{2} << 30;

// One variable at one time.
struct Layer {
  absl::Time time;
  GDALRasterBandH band;
};

std::string ItemOf(GDALMajorObjectH object, const std::string& name) {
  const char* const value = GDALGetMetadataItem(object, name.c_str(), nullptr);
  return value == nullptr ? "" : value;
}

// "hours since 1900-01-01 00:00:00.0": the unit and where it counts from.
struct TimeAxis {
  absl::Duration unit;
  absl::Time origin;
};

std::optional<absl::Duration> UnitOf(absl::string_view word) {
  for (const auto& [name, unit] : std::map<std::string, absl::Duration>{
           {"second", absl::Seconds(1)}, {"minute", absl::Minutes(1)}, {"hour", absl::Hours(1)}, {"day", absl::Hours(24)}}) {
    if (word == name || word == name + "s") return unit;
  }
  return std::nullopt;
}

std::optional<TimeAxis> ParseTimeAxis(const std::string& units) {
  const std::vector<std::string> words = absl::StrSplit(units, absl::ByAnyChar(" T"), absl::SkipEmpty());
  if (words.size() < 3 || words[1] != "since") return std::nullopt;
  const auto unit = UnitOf(words[0]);
  TimeAxis axis;
  std::string error;
  const std::string clock = words.size() > 3 ? words[3].substr(0, 8) : "00:00:00";
  const std::string text = absl::StrCat(words[2], "T", clock.size() == 5 ? clock + ":00" : clock, "Z");
  if (!unit.has_value() || !absl::ParseTime(absl::RFC3339_full, text, &axis.origin, &error)) return std::nullopt;
  axis.unit = *unit;
  return axis;
}

// Value of a dimension at a NetCDF band, as a time or as a span.
absl::StatusOr<double> DimensionOf(GDALRasterBandH band, const std::string& name, const std::string& uri) {
  double value = 0;
  const std::string text = ItemOf(band, "NETCDF_DIM_" + name);
  if (!absl::SimpleAtod(text, &value)) {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": dimension ", name, ": '", text, "' is no number"));
  }
  return value;
}

absl::StatusOr<absl::Time> NetcdfTime(GDALDatasetH dataset, GDALRasterBandH band, const std::string& uri) {
  for (const std::string name : {"time", "valid_time", "forecast_reference_time"}) {
    if (ItemOf(band, "NETCDF_DIM_" + name).empty()) continue;
    const std::string units = ItemOf(dataset, name + "#units");
    const auto axis = ParseTimeAxis(units);
    if (!axis.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(uri, ": dimension ", name, ": units '", units, "' are no time"));
    }
    ARPENT_ASSIGN_OR_RETURN(const double value, DimensionOf(band, name, uri));
    absl::Time time = axis->origin + value * axis->unit;
    if (!ItemOf(band, "NETCDF_DIM_forecast_period").empty()) {
      ARPENT_ASSIGN_OR_RETURN(const double period, DimensionOf(band, "forecast_period", uri));
      time += period * UnitOf(ItemOf(dataset, "forecast_period#units")).value_or(absl::Hours(1));
    }
    return time;
  }
  return absl::InvalidArgumentError(absl::StrCat(uri, ": the variables have no dimension time, valid_time or forecast_reference_time"));
}

// A file of one of the formats; gives the layers of a variable in order of time.
class CamsFile {
 public:
  static absl::StatusOr<CamsFile> Open(const storage::StoreSet& stores, const std::string& uri, const std::string& scratch) {
    ARPENT_ASSIGN_OR_RETURN(const auto info, stores.Stat(uri));
    RegisterGdal();
    if (info.size_bytes > kLargestFile) {
      return absl::InvalidArgumentError(absl::StrCat(uri, ": ", info.size_bytes >> 20, " MiB; cut the file to the site's place and season"));
    }
    ARPENT_ASSIGN_OR_RETURN(const std::string bytes, stores.ReadAll(uri));
    CamsFile file(uri);
    if (absl::StartsWith(bytes, "GRIB")) {
      return absl::InvalidArgumentError(absl::StrCat(uri, ": GRIB is not read; ask for NetCDF, or convert it"));
    }
    if (absl::StartsWith(bytes, "CDF") || absl::StartsWith(bytes, "\x89HDF")) {
      file.netcdf_ = absl::StrCat(scratch, "/cams.nc");
      std::ofstream copy(file.netcdf_, std::ios::binary);
      copy << bytes;
      copy.close();
      if (!copy) return absl::ResourceExhaustedError(absl::StrCat(file.netcdf_, ": cannot be written"));
      return file;
    }
    ARPENT_ASSIGN_OR_RETURN(const std::string path, storage::GdalPath(uri));
    ARPENT_RETURN_IF_ERROR(storage::CheckVirtualRaster(path, uri));
    ARPENT_ASSIGN_OR_RETURN(Dataset raster, OpenDataset(path, uri, storage::RasterDrivers()));
    file.datasets_.push_back(std::move(raster));
    return file;
  }

  absl::StatusOr<std::vector<Layer>> LayersOf(const std::string& variable) {
    ARPENT_ASSIGN_OR_RETURN(std::vector<Layer> layers, netcdf_.empty() ? RasterLayers(variable) : NetcdfLayers(variable));
    std::stable_sort(layers.begin(), layers.end(), [](const Layer& a, const Layer& b) { return a.time < b.time; });
    return layers;
  }

 private:
  explicit CamsFile(std::string uri) : uri_(std::move(uri)) {}

  absl::Status Missing(const std::string& variable) const {
    return absl::InvalidArgumentError(absl::StrCat(uri_, ": variable ", variable, " is missing; ask CAMS for it too"));
  }

  absl::StatusOr<std::vector<Layer>> NetcdfLayers(const std::string& variable) {
    static const char* const kDrivers[] = {"netCDF", nullptr};
    auto opened = OpenDataset(absl::StrCat("NETCDF:\"", netcdf_, "\":", variable), uri_, kDrivers);
    if (!opened.ok()) return OpenDataset(netcdf_, uri_, kDrivers).ok() ? Missing(variable) : opened.status();
    Dataset dataset = *std::move(opened);
    std::vector<Layer> layers;
    for (int b = 1; b <= GDALGetRasterCount(dataset.get()); ++b) {
      const GDALRasterBandH band = GDALGetRasterBand(dataset.get(), b);
      ARPENT_ASSIGN_OR_RETURN(const absl::Time time, NetcdfTime(dataset.get(), band, uri_));
      layers.push_back({time, band});
    }
    datasets_.push_back(std::move(dataset));
    return layers;
  }

  absl::StatusOr<std::vector<Layer>> RasterLayers(const std::string& variable) {
    std::vector<Layer> layers;
    for (int b = 1; b <= GDALGetRasterCount(datasets_.front().get()); ++b) {
      const GDALRasterBandH band = GDALGetRasterBand(datasets_.front().get(), b);
      if (GDALGetDescription(band) != variable) continue;
      Layer layer{.time = {}, .band = band};
      std::string error;
      if (!absl::ParseTime(absl::RFC3339_full, ItemOf(band, "TIME"), &layer.time, &error)) {
        return absl::InvalidArgumentError(absl::StrCat(uri_, ": band ", b, " (", variable, "): metadata item TIME '", ItemOf(band, "TIME"),
                                                       "' is no time as 2021-06-10T09:00:00Z"));
      }
      layers.push_back(layer);
    }
    if (layers.empty()) return Missing(variable);
    return layers;
  }

  std::string uri_, netcdf_;
  std::vector<Dataset> datasets_;
};

// Bilinear between the centres of pixels; around the globe when the raster goes around it.
absl::StatusOr<double> ValueAt(GDALRasterBandH band, double longitude_deg, double latitude_deg, const std::string& uri) {
  std::array<double, 6> t{};
  const GDALDatasetH dataset = GDALGetBandDataset(band);
  if (dataset == nullptr || GDALGetGeoTransform(dataset, t.data()) != CE_None || t[1] <= 0 || t[5] == 0) {
    return absl::InvalidArgumentError(absl::StrCat(uri, ": latitude and longitude are missing or not regular"));
  }
  const int width = GDALGetRasterBandXSize(band), height = GDALGetRasterBandYSize(band);
  const bool around = std::abs(width * t[1] - 360) < t[1] / 2;
  double x = std::fmod(longitude_deg - t[0] + 720, 360) / t[1] - 0.5;
  const double y = (latitude_deg - t[3]) / t[5] - 0.5;
  // Files end with the centre of their last pixel: half a pixel beyond is taken from the edge.
  const bool inside = (around || (x >= -0.5 && x <= width - 0.5)) && y >= -0.5 && y <= height - 0.5;
  if (!inside) {
    return absl::NotFoundError(absl::StrCat(uri, ": the file does not reach longitude ", longitude_deg, ", latitude ", latitude_deg));
  }
  if (!around) x = std::clamp(x, 0.0, width - 1.0);
  const double row = std::clamp(y, 0.0, height - 1.0);
  int has_no_data = 0;
  const double no_data = GDALGetRasterNoDataValue(band, &has_no_data);
  const double scale = GDALGetRasterScale(band, nullptr), offset = GDALGetRasterOffset(band, nullptr);
  const double left = std::floor(x), top = std::floor(row);
  double sum = 0;
  for (int k = 0; k < 4; ++k) {
    const int column = (static_cast<int>(left) + k % 2 + width) % width;
    const int line = std::min(static_cast<int>(top) + k / 2, height - 1);
    const double weight = (k % 2 != 0 ? x - left : 1 - (x - left)) * (k / 2 != 0 ? row - top : 1 - (row - top));
    if (weight == 0) continue;
    double value = 0;
    if (GDALRasterIO(band, GF_Read, column, line, 1, 1, &value, 1, 1, GDT_Float64, 0, 0) != CE_None) return GdalError(uri);
    if (!std::isfinite(value) || (has_no_data != 0 && value == no_data)) {
      return absl::NotFoundError(absl::StrCat(uri, ": no value at longitude ", longitude_deg, ", latitude ", latitude_deg));
    }
    sum += weight * (value * scale + offset);
  }
  return sum;
}

std::string Text(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%MZ", time, absl::UTCTimeZone()); }

// The two layers around `time` and the share of the second.
struct Between {
  Layer before, after;
  double share = 0;
};

absl::StatusOr<Between> Around(const std::vector<Layer>& layers, absl::Time time, const std::string& uri) {
  const auto after = std::lower_bound(layers.begin(), layers.end(), time, [](const Layer& layer, absl::Time t) { return layer.time < t; });
  const auto wrong = [&] {
    return absl::NotFoundError(absl::StrCat(uri, ": nothing near ", Text(time), "; the file has ", layers.size(), " times from ",
                                            Text(layers.front().time), " to ", Text(layers.back().time)));
  };
  if (after == layers.begin() || after == layers.end()) {
    const Layer& edge = after == layers.begin() ? layers.front() : layers.back();
    if (absl::AbsDuration(edge.time - time) > kBeyond) return wrong();
    return Between{edge, edge, 0};
  }
  const Layer& before = *(after - 1);
  if (after->time - before.time > kLongestGap) return wrong();
  return Between{before, *after, absl::FDivDuration(time - before.time, after->time - before.time)};
}

}  // namespace

absl::StatusOr<CamsAerosol> ReadCamsAerosol(const storage::StoreSet& stores, const std::string& uri, const std::string& scratch,
                                            double longitude_deg, double latitude_deg, absl::Time time, bool species) {
  ARPENT_ASSIGN_OR_RETURN(CamsFile file, CamsFile::Open(stores, uri, scratch));
  const auto sample = [&](const std::string& variable) -> absl::StatusOr<double> {
    ARPENT_ASSIGN_OR_RETURN(const std::vector<Layer> layers, file.LayersOf(variable));
    if (layers.empty()) return absl::NotFoundError(absl::StrCat(uri, ": variable ", variable, " has no time"));
    ARPENT_ASSIGN_OR_RETURN(const Between between, Around(layers, time, uri));
    ARPENT_ASSIGN_OR_RETURN(const double before, ValueAt(between.before.band, longitude_deg, latitude_deg, uri));
    ARPENT_ASSIGN_OR_RETURN(const double after, ValueAt(between.after.band, longitude_deg, latitude_deg, uri));
    return std::max(0.0, before + (after - before) * between.share);
  };
  CamsAerosol aerosol;
  ARPENT_ASSIGN_OR_RETURN(aerosol.total, sample("aod550"));
  if (!species) return aerosol;
  const std::map<std::string, double*> required = {{"duaod550", &aerosol.dust}, {"ssaod550", &aerosol.sea_salt}, {"omaod550", &aerosol.organic},
                                                   {"bcaod550", &aerosol.black_carbon}, {"suaod550", &aerosol.inorganic}};
  for (const auto& [variable, value] : required) {
    ARPENT_ASSIGN_OR_RETURN(*value, sample(variable));
  }
  const std::map<std::string, double*> optional = {{"niaod550", &aerosol.inorganic}, {"amaod550", &aerosol.inorganic}, {"soaod550", &aerosol.organic}};
  for (const auto& [variable, value] : optional) {
    const absl::StatusOr<double> more = sample(variable);
    if (more.ok()) *value += *more;
    if (!more.ok() && !absl::IsInvalidArgument(more.status())) return more.status();
  }
  return aerosol;
}

std::string AerosolModelOf(const CamsAerosol& a) {
  const double sum = a.dust + a.sea_salt + a.organic + a.black_carbon + a.inorganic;
  if (!(sum > 0)) return "continental";
  if (a.sea_salt >= 0.5 * sum) return "maritime";
  if (a.dust >= 0.5 * sum) return "desert";
  if (a.black_carbon >= 0.12 * sum) return "urban";
  if (a.organic + a.black_carbon >= 0.6 * sum) return "biomass";
  return "continental";
}

}  // namespace arpent::scene
