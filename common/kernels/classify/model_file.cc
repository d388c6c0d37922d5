#include "common/kernels/classify/model_file.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/kernels/classify/section_file.h"

namespace arpent::kernels {
namespace {

// What keeps this forest from serving this description, or "".
std::string Mismatch(const ModelDescription& description, const ForestView& forest) {
  if (forest.features() != description.feature_names.size()) {
    return absl::StrCat("uses ", forest.features(), " features where ", description.feature_names.size(),
                        " are named");
  }
  if (forest.classes != description.classes.size()) {
    return absl::StrCat("tells ", forest.classes, " classes where ", description.classes.size(), " are named");
  }
  return "";
}

bool AscendingCodes(const std::vector<LegendEntry>& classes) {
  return std::adjacent_find(classes.begin(), classes.end(), [](const LegendEntry& a, const LegendEntry& b) {
           return a.code >= b.code;
         }) == classes.end();
}

bool FactorsFit(const ModelDescription& description) {
  const std::vector<double>& factors = description.class_factors;
  return (factors.empty() || factors.size() == description.classes.size()) &&
         std::all_of(factors.begin(), factors.end(), [](double f) { return f > 0 && std::isfinite(f); });
}

absl::StatusOr<ModelDescription> ReadDescription(const SectionFile& file) {
  ModelDescription description;
  ARPENT_ASSIGN_OR_RETURN(const std::vector<std::string> about, file.Strings("about"));
  if (about.empty()) return file.Damaged("about", "is empty");
  description.purpose = about[0];
  for (size_t i = 1; i < about.size(); ++i) {
    const size_t equals = about[i].find('=');
    if (equals == std::string::npos) return file.Damaged("about", "has a line without '='");
    description.training.emplace(about[i].substr(0, equals), about[i].substr(equals + 1));
  }
  ARPENT_ASSIGN_OR_RETURN(description.feature_names, file.Strings("features"));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, file.Strings("names"));
  ARPENT_ASSIGN_OR_RETURN(const std::span<const uint16_t> codes, file.Array<uint16_t>("codes"));
  if (codes.size() != names.size() || codes.empty()) return file.Damaged("codes", "does not fit the names");
  for (size_t k = 0; k < codes.size(); ++k) description.classes.push_back({codes[k], names[k]});
  if (!AscendingCodes(description.classes)) return file.Damaged("codes", "is not in order");
  if (file.Has("factors")) {
    ARPENT_ASSIGN_OR_RETURN(const std::span<const double> factors, file.Array<double>("factors"));
    description.class_factors.assign(factors.begin(), factors.end());
    if (!FactorsFit(description)) return file.Damaged("factors", "does not fit the classes");
  }
  return description;
}

}  // namespace

absl::StatusOr<std::string> WriteModel(const ModelDescription& description, const std::vector<Forest>& forests) {
  if (forests.empty() || forests.size() > kMostEnsembles) {
    return absl::InvalidArgumentError(absl::StrCat("a model has 1 to ", kMostEnsembles, " ensembles, not ",
                                                   forests.size()));
  }
  if (description.classes.empty() || !AscendingCodes(description.classes)) {
    return absl::InvalidArgumentError("a model's classes are in ascending order of code, at least one");
  }
  if (!FactorsFit(description)) {
    return absl::InvalidArgumentError("a model's class factors are above 0, one for each class or none");
  }
  SectionWriter writer(kModelMagic, description.class_factors.empty() ? 1 : kModelVersion);
  std::vector<std::string> about = {description.purpose};
  for (const auto& [name, value] : description.training) about.push_back(absl::StrCat(name, "=", value));
  std::vector<std::string> names;
  std::vector<uint16_t> codes;
  for (const LegendEntry& entry : description.classes) {
    codes.push_back(entry.code);
    names.push_back(entry.name);
  }
  writer.AddStrings("about", about);
  writer.AddStrings("features", description.feature_names);
  writer.AddArray("codes", codes);
  writer.AddStrings("names", names);
  if (!description.class_factors.empty()) writer.AddArray("factors", description.class_factors);
  writer.AddArray("count", std::vector<uint32_t>{static_cast<uint32_t>(forests.size())});
  for (size_t i = 0; i < forests.size(); ++i) {
    const ForestView view(forests[i]);
    std::string problem = view.Problem();
    if (problem.empty()) problem = Mismatch(description, view);
    if (!problem.empty()) return absl::InvalidArgumentError(absl::StrCat("ensemble ", i, " ", problem));
    AddForestSections(forests[i], static_cast<int>(i), writer);
  }
  return writer.Finish();
}

absl::StatusOr<Model> ReadModel(absl::string_view bytes, absl::string_view what) {
  ARPENT_ASSIGN_OR_RETURN(const SectionFile file, SectionFile::Parse(bytes, kModelMagic, kModelVersion, what));
  Model model;
  ARPENT_ASSIGN_OR_RETURN(model.description, ReadDescription(file));
  ARPENT_ASSIGN_OR_RETURN(const std::span<const uint32_t> count, file.Array<uint32_t>("count"));
  if (count.size() != 1 || count[0] < 1 || count[0] > kMostEnsembles) return file.Damaged("count", "is out of range");
  for (uint32_t i = 0; i < count[0]; ++i) {
    ARPENT_ASSIGN_OR_RETURN(ForestView forest, ReadForestSections(file, static_cast<int>(i)));
    if (const std::string problem = Mismatch(model.description, forest); !problem.empty()) {
      return file.Damaged("count", absl::StrCat("has an ensemble that ", problem));
    }
    model.forests.push_back(std::move(forest));
  }
  return model;
}

}  // namespace arpent::kernels
