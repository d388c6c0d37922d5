#include "common/report/truth.h"

#include <array>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"

namespace arpent::report {
namespace {

using raster::Image;

struct BandAim {
  const char* band;
  double share;  // of clear pixels that should be within the bound
};
constexpr std::array<BandAim, 7> kBands = {
    {{"B02", 0.90}, {"B03", 0.95}, {"B04", 0.95}, {"B08", 0.95}, {"B8A", 0.95}, {"B11", 0.95}, {"B12", 0.95}}};
constexpr int kCloudPercent = 50, kShadowPercent = 50, kClearShadowPercent = 5;

struct Counts {  // of a yes/no layer
  int64_t hit = 0, missed = 0, false_alarm = 0, no = 0;
  double Recall() const { return hit + missed == 0 ? 1 : static_cast<double>(hit) / (hit + missed); }
  double FalseRate() const { return no + false_alarm == 0 ? 0 : static_cast<double>(false_alarm) / (no + false_alarm); }
  double F() const { return 2 * hit + missed + false_alarm == 0 ? 1 : 2.0 * hit / (2 * hit + missed + false_alarm); }
  void Add(bool truth, bool found) { ++(truth ? (found ? hit : missed) : (found ? false_alarm : no)); }
};

struct Errors {
  int64_t count = 0, within = 0;
  double squares = 0;
  double Rmse() const { return count == 0 ? 0 : std::sqrt(squares / count); }
};

class Comparison {
 public:
  Comparison(const std::shared_ptr<const storage::StoreSet>& stores, std::string truth_uri)
      : stores_(stores), truth_uri_(std::move(truth_uri)) {}

  absl::Status AddL2a(const ProductRef& ref);
  absl::Status AddCropType(const ProductRef& ref);
  absl::Status AddCropMask(const ProductRef& ref);
  std::vector<TruthRow> Rows() const;

 private:
  template <typename T>
  absl::StatusOr<Image<T>> ReadTruth(const std::string& name, geo::Grid& grid) const {
    ARPENT_ASSIGN_OR_RETURN(const auto reader, product::RasterReader::Open(stores_, absl::StrCat(truth_uri_, "/", name)));
    grid = reader->grid();
    Image<T> image(grid.width, grid.height);
    ARPENT_RETURN_IF_ERROR(reader->Read(grid.Whole(), T{0}, image.view()));
    return image;
  }
  // The product's pixels on the truth's grid.
  template <typename T>
  absl::StatusOr<Image<T>> ReadProduct(const std::string& uri, const geo::Grid& grid, T outside) const {
    ARPENT_ASSIGN_OR_RETURN(const auto reader, product::RasterReader::Open(stores_, uri));
    const geo::Grid& own = reader->grid();
    Image<T> image(grid.width, grid.height);
    const geo::Window window = {static_cast<int>(std::lround((grid.west - own.west) / grid.pixel_m)),
                                static_cast<int>(std::lround((own.north - grid.north) / grid.pixel_m)), grid.width, grid.height};
    ARPENT_RETURN_IF_ERROR(reader->Read(window, outside, image.view()));
    return image;
  }
  bool HasTruth(const std::string& name) const { return stores_->Stat(absl::StrCat(truth_uri_, "/", name)).ok(); }
  absl::Status AddBand(const ProductRef& ref, const std::string& folder, const BandAim& aim, const Image<uint8_t>& clear);
  absl::Status AddColumn(const ProductRef& ref, const std::string& folder, const char* asset, Errors& errors);

  const std::shared_ptr<const storage::StoreSet> stores_;
  const std::string truth_uri_;
  std::map<std::string, Errors> bands_;
  Errors aot_, water_;
  double water_sum_ = 0;
  Counts cloud_, shadow_, mask_;
  std::map<int, Counts> crops_;
  int64_t crop_pixels_ = 0, crop_right_ = 0;
};

absl::Status Comparison::AddBand(const ProductRef& ref, const std::string& folder, const BandAim& aim,
                                 const Image<uint8_t>& clear) {
  geo::Grid grid;
  ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> truth, ReadTruth<int16_t>(absl::StrCat(folder, "/", aim.band, ".tif"), grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> found,
                          ReadProduct(absl::StrCat(ref.uri, "/", aim.band, ".tif"), grid, raster::kReflectanceNoData));
  Errors& errors = bands_[aim.band];
  const int factor = std::max(1, static_cast<int>(std::lround(20 / grid.pixel_m)));
  for (int y = 0; y < grid.height; ++y) {
    for (int x = 0; x < grid.width; ++x) {
      if (found(x, y) == raster::kReflectanceNoData || !clear(x / factor, y / factor)) continue;
      const double error = (found(x, y) - truth(x, y)) / 1e4;
      ++errors.count;
      errors.within += std::abs(error) <= 0.005 + 0.05 * truth(x, y) / 1e4;
      errors.squares += error * error;
    }
  }
  return absl::OkStatus();
}

// AOT or water vapour: the scene's mean against the true mean.
absl::Status Comparison::AddColumn(const ProductRef& ref, const std::string& folder, const char* asset, Errors& errors) {
  geo::Grid grid;
  ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> truth, ReadTruth<uint16_t>(absl::StrCat(folder, "/", asset, ".tif"), grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> found,
                          ReadProduct(absl::StrCat(ref.uri, "/", asset, ".tif"), grid, raster::kUnsignedNoData));
  double sum_truth = 0, sum_found = 0;
  int64_t count = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found.data()[i] == raster::kUnsignedNoData) continue;
    sum_truth += truth.data()[i];
    sum_found += found.data()[i];
    ++count;
  }
  if (count == 0) return absl::OkStatus();
  const double error = (sum_found - sum_truth) / count / 1000;
  ++errors.count;
  errors.squares += error * error;
  if (&errors == &water_) water_sum_ += sum_truth / count / 1000;
  return absl::OkStatus();
}

absl::Status Comparison::AddL2a(const ProductRef& ref) {
  const std::string folder = absl::StrCat(ref.tile, "/", ref.unit);
  if (!HasTruth(folder + "/CLOUD.tif")) return absl::OkStatus();
  geo::Grid grid;
  ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> clouds, ReadTruth<uint8_t>(folder + "/CLOUD.tif", grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> shadows, ReadTruth<uint8_t>(folder + "/SHADOW.tif", grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> scl, ReadProduct<uint8_t>(ref.uri + "/SCL.tif", grid, raster::kSclNoData));
  Image<uint8_t> clear(grid.width, grid.height);
  for (size_t i = 0; i < scl.size(); ++i) {
    const uint8_t code = scl.data()[i];
    if (code == raster::kSclNoData) continue;
    const bool found_cloud = code == raster::kSclCloudMedium || code == raster::kSclCloudHigh || code == raster::kSclCirrus;
    const int cloud = clouds.data()[i], shadow = shadows.data()[i];
    if (cloud == 0 || cloud >= kCloudPercent) cloud_.Add(cloud >= kCloudPercent, found_cloud);
    if (cloud == 0 && (shadow == 0 || shadow >= kShadowPercent)) {
      shadow_.Add(shadow >= kShadowPercent, code == raster::kSclCloudShadow);
    }
    const bool hidden = found_cloud || code == raster::kSclCloudShadow;
    clear.data()[i] = cloud == 0 && shadow < kClearShadowPercent && !hidden;
  }
  for (const BandAim& aim : kBands) ARPENT_RETURN_IF_ERROR(AddBand(ref, folder, aim, clear));
  ARPENT_RETURN_IF_ERROR(AddColumn(ref, folder, "AOT", aot_));
  return AddColumn(ref, folder, "WVP", water_);
}

absl::Status Comparison::AddCropType(const ProductRef& ref) {
  if (!HasTruth(ref.tile + "/crop.tif")) return absl::OkStatus();
  geo::Grid grid;
  ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> truth, ReadTruth<uint16_t>(ref.tile + "/crop.tif", grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> found, ReadProduct(ref.uri + "/CT.tif", grid, raster::kUnsignedNoData));
  for (size_t i = 0; i < truth.size(); ++i) {
    const int real = truth.data()[i], mapped = found.data()[i];
    if (mapped == raster::kUnsignedNoData || real == 0) continue;
    ++crop_pixels_;
    crop_right_ += real == mapped;
    if (real == mapped) {
      ++crops_[real].hit;
    } else {
      ++crops_[real].missed;
      if (mapped != 0) ++crops_[mapped].false_alarm;
    }
  }
  return absl::OkStatus();
}

absl::Status Comparison::AddCropMask(const ProductRef& ref) {
  if (!HasTruth(ref.tile + "/crop.tif")) return absl::OkStatus();
  geo::Grid grid;
  ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> truth, ReadTruth<uint16_t>(ref.tile + "/crop.tif", grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> found, ReadProduct(ref.uri + "/CM.tif", grid, raster::kByteNoData));
  for (size_t i = 0; i < truth.size(); ++i) {
    if (found.data()[i] != raster::kByteNoData) mask_.Add(truth.data()[i] != 0, found.data()[i] == 1);
  }
  return absl::OkStatus();
}

std::vector<TruthRow> Comparison::Rows() const {
  std::vector<TruthRow> rows;
  for (const BandAim& aim : kBands) {
    const auto errors = bands_.find(aim.band);
    if (errors == bands_.end() || errors->second.count == 0) continue;
    rows.push_back({absl::StrCat(aim.band, ": clear pixels within 0.005 + 0.05 of the reflectance"),
                    absl::StrFormat("%.1f %% (RMSE %.4f)", 100.0 * errors->second.within / errors->second.count,
                                    errors->second.Rmse()),
                    absl::StrFormat(">= %.0f %%", 100 * aim.share)});
  }
  if (aot_.count > 0) rows.push_back({"Aerosol optical thickness, RMSE over scenes", absl::StrFormat("%.3f", aot_.Rmse()), "<= 0.040"});
  if (water_.count > 0) {
    rows.push_back({"Water vapour, RMSE over scenes (g/cm2)", absl::StrFormat("%.3f", water_.Rmse()),
                    absl::StrFormat("<= %.3f", std::max(0.10, 0.06 * water_sum_ / water_.count))});
  }
  if (cloud_.hit + cloud_.missed > 0) {
    rows.push_back({"Clouds found", absl::StrFormat("%.1f %%", 100 * cloud_.Recall()), ">= 95 %"});
    rows.push_back({"Clear ground taken for cloud", absl::StrFormat("%.2f %%", 100 * cloud_.FalseRate()), "<= 3 %"});
  }
  if (shadow_.hit + shadow_.missed > 0) rows.push_back({"Cloud shadow, F1", absl::StrFormat("%.3f", shadow_.F()), ">= 0.75"});
  if (mask_.hit + mask_.missed > 0) rows.push_back({"Crop mask, F1 over all pixels", absl::StrFormat("%.3f", mask_.F()), ">= 0.97"});
  if (crop_pixels_ > 0) {
    double sum = 0;
    for (const auto& [code, counts] : crops_) sum += counts.F();
    rows.push_back({"Crop types, mean F1 over all crop pixels", absl::StrFormat("%.3f", sum / crops_.size()), ">= 0.90"});
    rows.push_back({"Crop types, overall accuracy over all crop pixels",
                    absl::StrFormat("%.3f", static_cast<double>(crop_right_) / crop_pixels_), ""});
  }
  return rows;
}

}  // namespace

absl::StatusOr<std::vector<TruthRow>> CompareWithTruth(const std::shared_ptr<const storage::StoreSet>& stores,
                                                       const std::vector<ProductRef>& products,
                                                       const std::string& truth_uri) {
  Comparison comparison(stores, truth_uri);
  for (const ProductRef& ref : products) {
    if (ref.stage == "l2a") ARPENT_RETURN_IF_ERROR(comparison.AddL2a(ref));
    if (ref.stage == "crop-type") ARPENT_RETURN_IF_ERROR(comparison.AddCropType(ref));
    if (ref.stage == "crop-mask") ARPENT_RETURN_IF_ERROR(comparison.AddCropMask(ref));
  }
  return comparison.Rows();
}

}  // namespace arpent::report
