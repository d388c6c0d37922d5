#include "common/insitu/parcels.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/insitu/vector_file.h"
#include "nlohmann/json.hpp"

namespace arpent::insitu {
namespace {

// Sen2Agri takes polygons of more than 20 m2; below this no 10 m pixel is sure to be meant.
constexpr double kSmallestArea = 20;

struct ColumnIndices {
  int id = -1, crop = -1, land_cover = -1, code = -1;
};

absl::StatusOr<ColumnIndices> FindColumns(const VectorFile& file, const ParcelOptions& options) {
  for (const std::string& column : options.columns_named) {
    ARPENT_RETURN_IF_ERROR(file.RequireColumn(column).status());
  }
  if (options.need_crop) ARPENT_RETURN_IF_ERROR(file.RequireColumn(options.crop).status());
  if (options.need_code) ARPENT_RETURN_IF_ERROR(file.RequireColumn(options.code).status());
  return ColumnIndices{file.ColumnIndex(options.id), file.ColumnIndex(options.crop),
                       file.ColumnIndex(options.land_cover), file.ColumnIndex(options.code)};
}

// Crop or not, as a number, a word or a truth value; none when it is neither.
std::optional<bool> ReadCrop(const std::string& text) {
  const std::string word = absl::AsciiStrToLower(text);
  if (word == "1" || word == "true" || word == "yes" || word == "crop") return true;
  if (word == "0" || word == "false" || word == "no") return false;
  return std::nullopt;
}

class ParcelReader {
 public:
  ParcelReader(const ParcelOptions& options, const ColumnIndices& columns) : options_(options), columns_(columns) {}

  void Add(uint32_t number, const OGRFeature& feature, VectorFile::Shape shape) {
    Parcel parcel;
    parcel.number = number;
    parcel.id = FieldText(feature, columns_.id);
    if (parcel.id.empty()) parcel.id = absl::StrCat(number);
    const auto issue = [&](std::string problem, bool left_out) {
      set_.issues.push_back({number, parcel.id, std::move(problem), left_out});
    };
    if (!shape.problem.empty()) return issue(shape.problem, true);
    if (!shape.outside && shape.polygon.Area() < kSmallestArea) {
      // It stays among the parcels, without its shape: which polygons train must not depend on the tile.
      issue("its area is below 20 m2", true);
      shape.polygon = {};
    }
    if (columns_.crop >= 0) {
      const std::string text = FieldText(feature, columns_.crop);
      parcel.crop = ReadCrop(text);
      if (!parcel.crop) issue(absl::StrCat(options_.crop, " '", text, "' is neither 0 nor 1"), options_.need_crop);
      if (!parcel.crop && options_.need_crop) return;
    }
    parcel.label = FieldText(feature, columns_.code);
    const std::string cover = FieldText(feature, columns_.land_cover);
    if (parcel.crop.value_or(true)) {
      if (parcel.label.empty() && options_.need_code) issue(absl::StrCat(options_.code, " is empty"), false);
      if (!parcel.label.empty()) names_of_[parcel.label].insert(cover);
    } else if (parcel.label.empty()) {
      parcel.label = cover;
    }
    parcel.polygon = std::move(shape.polygon);
    set_.parcels.push_back(std::move(parcel));
  }

  absl::StatusOr<ParcelSet> Finish(const std::string& name, uint32_t rows) {
    set_.rows = rows;
    if (set_.parcels.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, rows == 0 ? " has no row" : absl::StrCat(" has no usable polygon; row ", set_.issues[0].number, " (id ",
                                                         set_.issues[0].id, "): ", set_.issues[0].problem)));
    }
    GiveCodes();
    MakeLegend();
    std::stable_sort(set_.issues.begin(), set_.issues.end(),
                     [](const RowIssue& a, const RowIssue& b) { return a.number < b.number; });
    return std::move(set_);
  }

 private:
  void GiveCodes() {
    std::vector<std::string> labels;
    for (const auto& [label, names] : names_of_) labels.push_back(label);
    codes_ = AssignCodes(labels, options_.legend);
    for (Parcel& parcel : set_.parcels) {
      if (!parcel.crop.value_or(true) || parcel.label.empty()) continue;
      const auto found = codes_.code_of.find(parcel.label);
      if (found == codes_.code_of.end()) {
        set_.issues.push_back({parcel.number, parcel.id,
                               absl::StrCat(options_.code, " '", parcel.label, "' is not in the legend"), false});
        continue;
      }
      parcel.code = found->second;
    }
  }

  void MakeLegend() {
    std::map<uint16_t, LegendClass> classes;
    for (const auto& [label, code] : codes_.code_of) {
      // A code's name: the legend's, else the land cover that all its rows share, else the label.
      const std::set<std::string>& covers = names_of_[label];
      const bool named = codes_.as_given && covers.size() == 1 && !covers.begin()->empty();
      classes[code] = {code, named ? *covers.begin() : label, ColourOf(code)};
    }
    for (const LegendClass& entry : options_.legend) {
      if (const auto found = classes.find(entry.code); found != classes.end()) found->second = entry;
    }
    for (const auto& [code, entry] : classes) set_.legend.push_back(entry);
  }

  const ParcelOptions& options_;
  const ColumnIndices columns_;
  std::map<std::string, std::set<std::string>> names_of_;  // land covers of each crop label
  LabelCodes codes_;
  ParcelSet set_;
};

// A number's place in a seeded random order (Steele et al. 2014, SplitMix64).
uint64_t ShuffleKey(uint64_t seed, uint64_t number) {
  uint64_t z = seed * 0x9E3779B97F4A7C15u + (number + 1) * 0xD1342543DE82EF95u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

absl::StatusOr<ParcelOptions> ParcelOptions::FromParameters(const Parameters& parameters) {
  ParcelOptions options;
  ARPENT_ASSIGN_OR_RETURN(options.layer, parameters.GetString("layer"));
  ARPENT_ASSIGN_OR_RETURN(options.id, parameters.GetString("column_id"));
  ARPENT_ASSIGN_OR_RETURN(options.crop, parameters.GetString("column_crop"));
  ARPENT_ASSIGN_OR_RETURN(options.land_cover, parameters.GetString("column_land_cover"));
  ARPENT_ASSIGN_OR_RETURN(options.code, parameters.GetString("column_code"));
  ARPENT_ASSIGN_OR_RETURN(options.irrigation, parameters.GetString("column_irrigation"));
  ARPENT_ASSIGN_OR_RETURN(options.columns_named, parameters.GetList("columns_named"));
  return options;
}

std::optional<uint16_t> Parcel::MaskClass() const {
  if (crop) return *crop ? 1 : 0;
  return code > 0 ? std::optional<uint16_t>(1) : std::nullopt;
}

absl::StatusOr<ParcelSet> ReadParcels(const storage::StoreSet& stores, const std::string& uri,
                                      const ParcelOptions& options, const geo::Grid& grid) {
  ARPENT_ASSIGN_OR_RETURN(VectorFile file, VectorFile::Open(stores, uri, options.layer));
  ARPENT_ASSIGN_OR_RETURN(const ColumnIndices columns, FindColumns(file, options));
  ARPENT_RETURN_IF_ERROR(file.AimAt(grid));
  ParcelReader reader(options, columns);
  uint32_t rows = 0;
  ARPENT_RETURN_IF_ERROR(file.ForEachRow([&](uint32_t number, const OGRFeature& feature) {
    reader.Add(number, feature, file.ShapeOf(feature));
    rows = number + 1;
    return absl::OkStatus();
  }));
  return reader.Finish(file.name(), rows);
}

void SplitParcels(uint64_t seed, double train_share, ParcelSet& parcels) {
  struct Class {
    std::vector<size_t> members;
    std::string name;
  };
  std::map<std::pair<uint16_t, std::string>, Class> classes;
  for (size_t i = 0; i < parcels.parcels.size(); ++i) {
    const Parcel& parcel = parcels.parcels[i];
    const bool crop = parcel.crop.value_or(true);
    Class& own = classes[{crop ? parcel.code : 0, crop ? "crop" : absl::StrCat("no crop ", parcel.label)}];
    own.members.push_back(i);
    own.name = crop ? absl::StrCat("class ", parcel.code, " (", parcel.label, ")")
                    : absl::StrCat("class no crop (", parcel.label, ")");
  }
  for (auto& [key, own] : classes) {
    const auto place = [&](size_t i) {
      const uint32_t number = parcels.parcels[i].number;
      return std::pair(ShuffleKey(seed, number), number);
    };
    std::sort(own.members.begin(), own.members.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
    const auto train = static_cast<size_t>(train_share * static_cast<double>(own.members.size()) + 0.5);
    const bool both = train == 0 || train >= own.members.size();
    for (size_t k = 0; k < own.members.size(); ++k) {
      Parcel& parcel = parcels.parcels[own.members[k]];
      parcel.train = both || k < train;
      parcel.validate = both || k >= train;
    }
    if (both) {
      parcels.warnings.push_back(absl::StrCat(own.name, " has only ", own.members.size(),
                                              own.members.size() == 1 ? " polygon" : " polygons",
                                              ": it both trains and validates"));
    }
  }
}

absl::Status CheckEnoughPolygons(const ParcelSet& parcels) {
  std::map<uint16_t, std::vector<const Parcel*>> of_class;
  for (const Parcel& parcel : parcels.parcels) {
    if (parcel.crop.value_or(true) && parcel.code > 0) of_class[parcel.code].push_back(&parcel);
  }
  for (const auto& [code, members] : of_class) {
    if (members.size() > 1) continue;
    const Parcel& lone = *members.front();
    return absl::InvalidArgumentError(absl::StrCat(
        "class ", code, " (", lone.label, ") has a single usable polygon, row ", lone.number, " (id ", lone.id,
        ") of the parcels: a class needs two, one to learn from and one to judge by; add polygons or leave it out"));
  }
  return absl::OkStatus();
}

ParcelRaster RasteriseParcels(const ParcelSet& parcels, const geo::Grid& grid, const geo::Window& window) {
  ParcelRaster raster;
  raster.window = window;
  raster.index = raster::Image<int32_t>(window.width, window.height, kNoParcel);
  // A shared pixel forgets its first parcel, so that it is looked up here for a third one.
  std::map<std::pair<int, int>, int32_t> first_of_shared;
  for (size_t p = 0; p < parcels.parcels.size(); ++p) {
    if (parcels.parcels[p].polygon.empty()) continue;
    const auto own = static_cast<int32_t>(p);
    ForEachSpan(parcels.parcels[p].polygon, grid, window, [&](int y, int first, int last) {
      for (int x = first; x < last; ++x) {
        int32_t& pixel = raster.index(x - window.x, y - window.y);
        if (pixel == kNoParcel) {
          pixel = own;
        } else if (pixel == kSharedPixel) {
          raster.overlaps.insert({first_of_shared[{x, y}], own});
        } else {
          raster.overlaps.insert({pixel, own});
          first_of_shared[{x, y}] = pixel;
          pixel = kSharedPixel;
        }
      }
    });
  }
  return raster;
}

void AddOverlapIssues(const std::set<std::pair<int32_t, int32_t>>& overlaps, ParcelSet& parcels) {
  for (const auto& [first, second] : overlaps) {
    const Parcel &a = parcels.parcels[first], &b = parcels.parcels[second];
    parcels.issues.push_back({b.number, b.id, absl::StrCat("it overlaps row ", a.number, " (id ", a.id,
                                                           "); the pixels of both are not used"), false});
  }
  std::stable_sort(parcels.issues.begin(), parcels.issues.end(),
                   [](const RowIssue& a, const RowIssue& b) { return a.number < b.number; });
}

std::string IssuesJson(const ParcelSet& parcels) {
  nlohmann::ordered_json issues = nlohmann::ordered_json::array();
  for (const RowIssue& issue : parcels.issues) {
    issues.push_back({{"row", issue.number}, {"id", issue.id}, {"problem", issue.problem}, {"left_out", issue.left_out}});
  }
  const nlohmann::ordered_json report = {
      {"rows", parcels.rows}, {"used", parcels.parcels.size()}, {"issues", issues}, {"warnings", parcels.warnings}};
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace arpent::insitu
