#include "common/stages/map/area_table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

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

template <typename T>
void AreaTable::Count(const std::string& layer, const raster::Image<T>& codes, T none,
                      const raster::Image<uint16_t>& regions) {
  std::map<int, Codes> counts;
  for (size_t i = 0; i < codes.size();) {
    // Runs of equal code and region are counted at once.
    const T code = codes.data()[i];
    const uint16_t region = regions.empty() ? uint16_t{65535} : regions.data()[i];
    const size_t first = i;
    while (i < codes.size() && codes.data()[i] == code && (regions.empty() || regions.data()[i] == region)) ++i;
    if (code == none) continue;
    counts[kWhole][code] += static_cast<int64_t>(i - first);
    if (region < regions_.size()) counts[region][code] += static_cast<int64_t>(i - first);
  }
  absl::MutexLock lock(&mutex_);
  for (const auto& [region, by_code] : counts) {
    for (const auto& [code, pixels] : by_code) pixels_[layer][region][code] += pixels;
  }
}

template void AreaTable::Count(const std::string&, const raster::Image<uint8_t>&, uint8_t,
                               const raster::Image<uint16_t>&);
template void AreaTable::Count(const std::string&, const raster::Image<uint16_t>&, uint16_t,
                               const raster::Image<uint16_t>&);

std::string AreaTable::Csv(const std::map<std::string, std::vector<product::CodeClass>>& legends) const {
  absl::MutexLock lock(&mutex_);
  std::string csv = "layer,region,code,name,pixels,area_ha,share_percent\n";
  for (const auto& [layer, by_region] : pixels_) {
    const auto legend = legends.find(layer);
    for (const auto& [region, by_code] : by_region) {
      int64_t total = 0;
      for (const auto& [code, pixels] : by_code) total += pixels;
      for (const auto& [code, pixels] : by_code) {
        absl::StrAppend(&csv, layer, ",", CsvField(region == kWhole ? kWholeMap : regions_[region]), ",", code, ",",
                        CsvField(legend == legends.end() ? "" : NameOf(legend->second, code)), ",", pixels, ",",
                        absl::StrFormat("%.4f,%.4f\n", static_cast<double>(pixels) * pixel_area_m2_ * 1e-4,
                                        100.0 * static_cast<double>(pixels) / static_cast<double>(total)));
      }
    }
  }
  return csv;
}

}  // namespace arpent::stages
