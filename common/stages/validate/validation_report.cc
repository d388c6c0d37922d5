#include "common/stages/validate/validation_report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace arpent::stages {
namespace {

using Json = nlohmann::ordered_json;

void PutMeasure(const std::string& name, const std::optional<double>& value,
                const std::optional<kernels::Interval>& interval, Json& json) {
  if (!value) return;
  json[name] = *value;
  if (interval) json[name + "_interval"] = {interval->low, interval->high};
}

// Accuracies lie in [0, 1], areas above 0: what the normal approximation adds beyond is cut off.
Json Limits(const kernels::Estimate& estimate, double highest) {
  return {std::max(0.0, estimate.value - estimate.half_width), std::min(highest, estimate.value + estimate.half_width)};
}

void PutEstimate(const std::string& name, const std::optional<kernels::Estimate>& estimate, Json& json) {
  if (!estimate) return;
  json[name] = estimate->value;
  json[name + "_interval"] = Limits(*estimate, 1);
}

Json AreaJson(const kernels::ClassAreaEstimate& area) {
  Json json = {{"mapped_ha", area.mapped_area}, {"estimate_ha", area.area.value}};
  json["interval_ha"] = Limits(area.area, area.area.value + area.area.half_width);
  PutEstimate("users_accuracy", area.users_accuracy, json);
  PutEstimate("producers_accuracy", area.producers_accuracy, json);
  return json;
}

std::string NameOf(const ValidationReport& report, uint16_t code) {
  const auto found = report.names.find(code);
  return found == report.names.end() || found->second.empty() ? absl::StrCat("class ", code) : found->second;
}

Json RegionJson(const ValidationReport& report, const RegionReport& region) {
  Json json;
  json["pixels"] = region.counts.matrix.Total();
  json["polygons"] = region.counts.polygons.size();
  json["pixels_without_map"] = region.reference_pixels_without_map;
  PutMeasure("overall_accuracy", region.measures.overall_accuracy, region.intervals.overall_accuracy, json);
  PutMeasure("kappa", region.measures.kappa, region.intervals.kappa, json);
  PutMeasure("macro_f", region.measures.macro_f, region.intervals.macro_f, json);
  json["classes"] = Json::array();
  json["confusion_matrix"] = Json::array();
  for (size_t k = 0; k < region.counts.codes.size(); ++k) {
    Json entry = {{"code", region.counts.codes[k]},
                  {"name", NameOf(report, region.counts.codes[k])},
                  {"reference_pixels", region.counts.matrix.ReferenceTotal(k)},
                  {"mapped_pixels", region.counts.matrix.MappedTotal(k)}};
    PutMeasure("precision", region.measures.classes[k].precision, region.intervals.classes[k].precision, entry);
    PutMeasure("recall", region.measures.classes[k].recall, region.intervals.classes[k].recall, entry);
    PutMeasure("f_score", region.measures.classes[k].f_score, region.intervals.classes[k].f_score, entry);
    if (region.areas) entry["area"] = AreaJson(region.areas->classes[k]);
    json["classes"].push_back(std::move(entry));
    Json row = Json::array();
    for (size_t j = 0; j < region.counts.codes.size(); ++j) row.push_back(region.counts.matrix(k, j));
    json["confusion_matrix"].push_back(std::move(row));
  }
  if (region.areas) {
    Json area;
    PutEstimate("overall_accuracy", region.areas->overall_accuracy, area);
    area["unsampled_ha"] = region.areas->unsampled_area;
    json["area"] = std::move(area);
  }
  return json;
}

// Quoted when it must be (RFC 4180).
std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

template <typename Body>
void ForEachRegion(const ValidationReport& report, const Body& body) {
  body(std::string("all"), report.overall);
  for (const auto& [name, region] : report.strata) body(name, region);
}

}  // namespace

RegionReport MeasureRegion(const RegionTally& tally, double pixel_hectares, int ignored_reference, uint64_t seed) {
  RegionReport report;
  report.counts = CountRegion(tally, ignored_reference);
  report.measures = kernels::Measure(report.counts.matrix);
  report.intervals = kernels::BootstrapIntervals(report.counts.polygons, report.counts.codes.size(), seed);
  std::vector<double> hectares;
  for (const uint64_t pixels : report.counts.mapped_pixels) {
    hectares.push_back(static_cast<double>(pixels) * pixel_hectares);
  }
  report.areas = kernels::EstimateAreas(report.counts.matrix, hectares);
  report.reference_pixels_without_map = tally.reference_pixels_without_map;
  return report;
}

std::string MetricsJson(const ValidationReport& report) {
  Json json;
  json["purpose"] = report.purpose;
  json["overall"] = RegionJson(report, report.overall);
  for (const auto& [name, region] : report.strata) json["strata"][name] = RegionJson(report, region);
  if (report.raw) json["raw"] = RegionJson(report, *report.raw);
  return json.dump(1) + "\n";
}

std::string ConfusionCsv(const ValidationReport& report) {
  std::string csv;
  ForEachRegion(report, [&](const std::string& name, const RegionReport& region) {
    absl::StrAppend(&csv, csv.empty() ? "" : "\n", "region,code,reference");
    for (const uint16_t code : region.counts.codes) absl::StrAppend(&csv, ",", CsvField(NameOf(report, code)));
    csv += "\n";
    for (size_t k = 0; k < region.counts.codes.size(); ++k) {
      absl::StrAppend(&csv, CsvField(name), ",", region.counts.codes[k], ",",
                      CsvField(NameOf(report, region.counts.codes[k])));
      for (size_t j = 0; j < region.counts.codes.size(); ++j) absl::StrAppend(&csv, ",", region.counts.matrix(k, j));
      csv += "\n";
    }
  });
  return csv;
}

std::string AreasCsv(const ValidationReport& report) {
  std::string csv = "region,code,name,mapped_ha,estimate_ha,low_ha,high_ha,users_accuracy,producers_accuracy\n";
  const auto accuracy = [](const std::optional<kernels::Estimate>& estimate) {
    return estimate ? absl::StrFormat("%.4f", estimate->value) : std::string();
  };
  ForEachRegion(report, [&](const std::string& name, const RegionReport& region) {
    if (!region.areas) return;
    for (size_t k = 0; k < region.counts.codes.size(); ++k) {
      const kernels::ClassAreaEstimate& area = region.areas->classes[k];
      absl::StrAppend(&csv, CsvField(name), ",", region.counts.codes[k], ",",
                      CsvField(NameOf(report, region.counts.codes[k])),
                      absl::StrFormat(",%.2f,%.2f,%.2f,%.2f,", area.mapped_area, area.area.value,
                                      std::max(0.0, area.area.value - area.area.half_width),
                                      area.area.value + area.area.half_width),
                      accuracy(area.users_accuracy), ",", accuracy(area.producers_accuracy), "\n");
    }
  });
  return csv;
}

}  // namespace arpent::stages
