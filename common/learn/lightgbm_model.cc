#include "common/learn/lightgbm_model.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"

namespace arpent::learn {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

// decision_type of a node.
constexpr int kCategorical = 1, kDefaultLeft = 2;
enum MissingType { kMissingNone = 0, kMissingZero = 1, kMissingNan = 2 };

absl::Status Lacks(absl::string_view field) {
  return absl::DataLossError(absl::StrCat("no whole LightGBM model: '", field, "' is absent or broken"));
}

absl::StatusOr<std::string> Text(const Fields& fields, absl::string_view name) {
  const auto found = fields.find(std::string(name));
  if (found == fields.end()) return Lacks(name);
  return found->second;
}

absl::StatusOr<std::vector<double>> Numbers(const Fields& fields, absl::string_view name, size_t count) {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, Text(fields, name));
  std::vector<double> numbers;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    double number = 0;
    if (!absl::SimpleAtod(word, &number)) return Lacks(name);
    numbers.push_back(number);
  }
  if (numbers.size() != count) return Lacks(name);
  return numbers;
}

absl::StatusOr<size_t> Count(const Fields& fields, absl::string_view name) {
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> numbers, Numbers(fields, name, 1));
  if (!(numbers[0] >= 0 && numbers[0] < 1e9)) return Lacks(name);
  return static_cast<size_t>(numbers[0]);
}

// The smallest float above a threshold t: for floats, "value <= t" is "value < edge".
float EdgeAbove(double threshold) {
  const auto nearest = static_cast<float>(threshold);
  return nearest > threshold ? nearest : std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

absl::StatusOr<ImportedTree> TreeOf(const Fields& fields, size_t klass) {
  ImportedTree tree;
  tree.klass = klass;
  ARPENT_ASSIGN_OR_RETURN(const size_t leaves, Count(fields, "num_leaves"));
  if (leaves < 1) return Lacks("num_leaves");
  if (const auto linear = fields.find("is_linear"); linear != fields.end() && linear->second != "0") {
    return absl::InvalidArgumentError("linear leaves are not supported");
  }
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> values, Numbers(fields, "leaf_value", leaves));
  const size_t splits = leaves - 1;
  tree.nodes.resize(splits + leaves);
  for (size_t i = 0; i < leaves; ++i) tree.nodes[splits + i].value = values[i];
  if (splits == 0) return tree;
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> feature, Numbers(fields, "split_feature", splits));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> threshold, Numbers(fields, "threshold", splits));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> decision, Numbers(fields, "decision_type", splits));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> left, Numbers(fields, "left_child", splits));
  ARPENT_ASSIGN_OR_RETURN(const std::vector<double> right, Numbers(fields, "right_child", splits));
  for (size_t i = 0; i < splits; ++i) {
    const int type = static_cast<int>(decision[i]);
    const int missing = type >> 2 & 3;
    if ((type & kCategorical) != 0) return absl::InvalidArgumentError("splits by category are not supported");
    if (missing == kMissingZero) return absl::InvalidArgumentError("zero as missing is not supported");
    // A negative child is the complement of a leaf's number.
    const auto child = [splits](double number) {
      return static_cast<int>(number < 0 ? static_cast<double>(splits) - number - 1 : number);
    };
    ImportedNode& node = tree.nodes[i];
    node.left = child(left[i]);
    node.right = child(right[i]);
    node.feature = static_cast<int>(feature[i]);
    node.edge = EdgeAbove(threshold[i]);
    // Where training met no missing value, the library takes it for 0.
    node.missing_left = missing == kMissingNan ? (type & kDefaultLeft) != 0 : 0 <= threshold[i];
  }
  return tree;
}

// Splits the text into the header's fields and those of each tree.
struct Sections {
  Fields header;
  std::vector<Fields> trees;
  bool ended = false;  // the line that stands behind the last tree was there
};

Sections ReadSections(absl::string_view text) {
  Sections sections;
  Fields* current = &sections.header;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line == "end of trees") {
      sections.ended = true;
      break;
    }
    if (absl::StartsWith(line, "Tree=")) {
      current = &sections.trees.emplace_back();
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {
      if (!line.empty()) current->emplace(line, "");
    } else {
      current->emplace(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  return sections;
}

absl::StatusOr<ImportedModel> ModelOf(absl::string_view text) {
  const Sections sections = ReadSections(text);
  if (!sections.header.contains("tree")) return Lacks("tree");
  if (!sections.ended) return Lacks("end of trees");
  if (sections.header.contains("average_output")) {
    return absl::InvalidArgumentError("averaged output (boosting=rf) is not supported");
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string objective, Text(sections.header, "objective"));
  const bool binary = absl::StartsWith(objective, "binary");
  if (!binary && !absl::StartsWith(objective, "multiclass ")) {
    return absl::InvalidArgumentError(absl::StrCat("objective '", objective, "' is not supported: multiclass, binary are"));
  }
  if (binary && objective.find("sigmoid:1") == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("objective '", objective, "': only sigmoid:1 is supported"));
  }
  ARPENT_ASSIGN_OR_RETURN(const size_t last_feature, Count(sections.header, "max_feature_idx"));
  ARPENT_ASSIGN_OR_RETURN(const size_t per_round, Count(sections.header, "num_tree_per_iteration"));
  ARPENT_ASSIGN_OR_RETURN(const std::string names, Text(sections.header, "feature_names"));
  if (per_round < 1 || per_round > 65535) return Lacks("num_tree_per_iteration");
  std::vector<ImportedTree> trees;
  for (size_t t = 0; t < sections.trees.size(); ++t) {
    ARPENT_ASSIGN_OR_RETURN(ImportedTree tree, TreeOf(sections.trees[t], binary ? 1 : t % per_round));
    trees.push_back(std::move(tree));
  }
  ImportedModel imported;
  ARPENT_ASSIGN_OR_RETURN(imported.forest,
                          ForestOfTrees(trees, last_feature + 1, std::vector<double>(binary ? 2 : per_round),
                                        kernels::EnsembleKind::kMargins));
  imported.feature_names = absl::StrSplit(names, ' ', absl::SkipEmpty());
  return imported;
}

}  // namespace

absl::StatusOr<ImportedModel> ReadLightgbmModel(absl::string_view text, absl::string_view what) {
  absl::StatusOr<ImportedModel> model = ModelOf(text);
  if (!model.ok()) return Annotate(model.status(), what);
  return model;
}

}  // namespace arpent::learn
