#include "common/stages/map/area_table.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/geo/geodesic_area.h"

namespace arpent::stages {
namespace {

constexpr int kWhole = -1;

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string NameOf(const std::vector<product::CodeClass>& legend, int code) {
  for (const product::CodeClass& entry : legend) {
    if (entry.value == code) return entry.name;
  }
  return "";
}

}  // namespace

double PixelArea_m2(const geo::Grid& grid, bool in_degrees, int y) {
  if (!in_degrees) return grid.pixel_m * grid.pixel_m;
  const double north = grid.north - y * grid.pixel_m;
  return geo::AreaBetweenParallels_m2(north - grid.pixel_m, north, grid.pixel_m);
}

template <typename T>
void AreaTable::Count(const std::string& layer, int top, const raster::Image<T>& codes, T none,
                      const raster::Image<uint16_t>& regions) {
  std::map<int, Codes> counts;
  for (int y = 0; y < codes.height(); ++y) {
    const int64_t pixel_cm2 = std::llround(PixelArea_m2(grid_, in_degrees_, top + y) * 1e4);
    for (int x = 0; x < codes.width();) {
      // Runs of equal code and region are counted at once.
      const T code = codes(x, y);
      const uint16_t region = regions.empty() ? uint16_t{65535} : regions(x, y);
      const int first = x;
      while (x < codes.width() && codes(x, y) == code && (regions.empty() || regions(x, y) == region)) ++x;
      if (code == none) continue;
      const auto add = [&](int place) {
        Size& size = counts[place][code];
        size.pixels += x - first;
        size.area_cm2 += (x - first) * pixel_cm2;
      };
      add(kWhole);
      if (region < regions_.size()) add(region);
    }
  }
  absl::MutexLock lock(&mutex_);
  for (const auto& [region, by_code] : counts) {
    for (const auto& [code, size] : by_code) {
      Size& sum = sizes_[layer][region][code];
      sum.pixels += size.pixels;
      sum.area_cm2 += size.area_cm2;
    }
  }
}

template void AreaTable::Count(const std::string&, int, const raster::Image<uint8_t>&, uint8_t,
                               const raster::Image<uint16_t>&);
template void AreaTable::Count(const std::string&, int, const raster::Image<uint16_t>&, uint16_t,
                               const raster::Image<uint16_t>&);

std::string AreaTable::Csv(const std::map<std::string, std::vector<product::CodeClass>>& legends) const {
  absl::MutexLock lock(&mutex_);
  std::string csv = "layer,region,code,name,pixels,area_ha,share_percent\n";
  for (const auto& [layer, by_region] : sizes_) {
    const auto legend = legends.find(layer);
    for (const auto& [region, by_code] : by_region) {
      int64_t total = 0;
      for (const auto& [code, size] : by_code) total += size.area_cm2;
      for (const auto& [code, size] : by_code) {
        absl::StrAppend(&csv, layer, ",", CsvField(region == kWhole ? kWholeMap : regions_[region]), ",", code, ",",
                        CsvField(legend == legends.end() ? "" : NameOf(legend->second, code)), ",", size.pixels, ",",
                        absl::StrFormat("%.4f,%.4f\n", static_cast<double>(size.area_cm2) * 1e-8,
                                        100.0 * static_cast<double>(size.area_cm2) / static_cast<double>(total)));
      }
    }
  }
  return csv;
}

}  // namespace arpent::stages
