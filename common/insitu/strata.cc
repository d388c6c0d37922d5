#include "common/insitu/strata.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/insitu/vector_file.h"

namespace arpent::insitu {
namespace {

absl::Status TooMany(const std::string& name, size_t count) {
  return absl::InvalidArgumentError(absl::StrCat(name, " has ", count, " strata; at most 65535 can be told apart"));
}

}  // namespace

Strata Strata::Whole() {
  Strata strata;
  strata.names_ = {kWholeSite};
  return strata;
}

absl::StatusOr<Strata> Strata::Read(const storage::StoreSet& stores, const std::string& uri, const std::string& column,
                                    const geo::Grid& grid) {
  Strata strata;
  strata.grid_ = grid;
  auto file = VectorFile::Open(stores, uri, "");
  if (absl::IsInvalidArgument(file.status())) {
    auto map = ReferenceMap::Open(stores, uri, grid);
    if (absl::IsInvalidArgument(map.status())) return file.status();
    ARPENT_RETURN_IF_ERROR(map.status());
    strata.map_ = *std::move(map);
    ARPENT_ASSIGN_OR_RETURN(strata.codes_, strata.map_->AllCodes());
    if (strata.codes_.size() >= kNoStratum) return TooMany(uri, strata.codes_.size());
    std::sort(strata.codes_.begin(), strata.codes_.end(),
              [](int32_t a, int32_t b) { return absl::StrCat(a) < absl::StrCat(b); });
    for (int32_t code : strata.codes_) strata.names_.push_back(absl::StrCat(code));
    return strata;
  }
  ARPENT_RETURN_IF_ERROR(file.status());
  ARPENT_ASSIGN_OR_RETURN(const int index, file->RequireColumn(column));
  ARPENT_RETURN_IF_ERROR(file->AimAt(grid));
  std::vector<std::pair<std::string, Polygon>> rows;
  ARPENT_RETURN_IF_ERROR(file->ForEachRow([&](uint32_t number, const OGRFeature& feature) -> absl::Status {
    VectorFile::Shape shape = file->ShapeOf(feature);
    std::string name = FieldText(feature, index);
    // Unlike a parcel, a stratum cannot be left out: its pixels would silently have no model.
    if (!shape.problem.empty() || name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(file->name(), " row ", number, ": ",
                                                     name.empty() ? column + " is empty" : shape.problem));
    }
    rows.emplace_back(std::move(name), std::move(shape.polygon));
    return absl::OkStatus();
  }));
  for (const auto& [name, polygon] : rows) strata.names_.push_back(name);
  std::sort(strata.names_.begin(), strata.names_.end());
  strata.names_.erase(std::unique(strata.names_.begin(), strata.names_.end()), strata.names_.end());
  if (strata.names_.empty()) return absl::InvalidArgumentError(file->name() + " has no row");
  if (strata.names_.size() >= kNoStratum) return TooMany(file->name(), strata.names_.size());
  for (auto& [name, polygon] : rows) {
    if (polygon.empty()) continue;
    const auto place = std::lower_bound(strata.names_.begin(), strata.names_.end(), name);
    strata.regions_.push_back({static_cast<uint16_t>(place - strata.names_.begin()), std::move(polygon)});
  }
  return strata;
}

absl::StatusOr<raster::Image<uint16_t>> Strata::Read(const geo::Window& window) const {
  const bool whole = regions_.empty() && map_ == nullptr && names_.size() == 1 && names_[0] == kWholeSite;
  raster::Image<uint16_t> image(window.width, window.height, whole ? uint16_t{0} : kNoStratum);
  if (map_ != nullptr) {
    ARPENT_ASSIGN_OR_RETURN(const raster::Image<int32_t> codes, map_->Read(window));
    for (int y = 0; y < window.height; ++y) {
      for (int x = 0; x < window.width; ++x) {
        const auto found = std::find(codes_.begin(), codes_.end(), codes(x, y));
        if (found != codes_.end()) image(x, y) = static_cast<uint16_t>(found - codes_.begin());
      }
    }
    return image;
  }
  // Backwards, so that earlier rows overwrite later ones.
  for (auto region = regions_.rbegin(); region != regions_.rend(); ++region) {
    ForEachSpan(region->polygon, grid_, window, [&](int y, int first, int last) {
      std::fill_n(image.row(y - window.y).begin() + (first - window.x), last - first, region->stratum);
    });
  }
  return image;
}

}  // namespace arpent::insitu
