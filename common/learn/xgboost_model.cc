#include "common/learn/xgboost_model.h"

#include <cmath>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::learn {
namespace {

using Json = nlohmann::json;

// XGBoost writes numbers of its parameter lists as text.
double NumberOf(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  double number = 0;
  if (!absl::SimpleAtod(value.get<std::string>(), &number)) throw std::invalid_argument("not a number");
  return number;
}

// Where the classes start: one number for all, since version 3.1 a list in brackets.
std::vector<double> BaseScores(const Json& value, size_t classes) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.empty() || text[0] != '[') return std::vector<double>(classes, NumberOf(value));
  const auto scores = Json::parse(text).get<std::vector<double>>();
  if (scores.size() != classes) throw std::invalid_argument("base_score does not fit the classes");
  return scores;
}

bool AsBool(const Json& value) { return value.is_boolean() ? value.get<bool>() : value.get<int>() != 0; }

ImportedTree TreeOf(const Json& json, size_t klass) {
  ImportedTree tree;
  tree.klass = klass;
  const Json &left = json.at("left_children"), &right = json.at("right_children"), &missing = json.at("default_left");
  const Json &feature = json.at("split_indices"), &condition = json.at("split_conditions");
  for (size_t i = 0; i < left.size(); ++i) {
    ImportedNode node;
    node.left = left.at(i).get<int>();
    node.right = right.at(i).get<int>();
    node.feature = feature.at(i).get<int>();
    node.edge = condition.at(i).get<float>();  // of a leaf: its value
    node.missing_left = AsBool(missing.at(i));
    node.value = node.edge;
    tree.nodes.push_back(node);
  }
  return tree;
}

// Throws what nlohmann::json throws when the document is not as expected.
absl::StatusOr<ImportedModel> ModelOf(const Json& document) {
  const Json& learner = document.at("learner");
  const Json& booster = learner.at("gradient_booster");
  if (booster.at("name") != "gbtree") {
    return absl::InvalidArgumentError(absl::StrCat("booster '", booster.at("name").get<std::string>(),
                                                   "' is not supported, only gbtree"));
  }
  const std::string objective = learner.at("objective").at("name");
  const bool binary = objective == "binary:logistic";
  if (!binary && objective != "multi:softprob" && objective != "multi:softmax") {
    return absl::InvalidArgumentError(
        absl::StrCat("objective '", objective, "' is not supported: multi:softprob, multi:softmax, binary:logistic are"));
  }
  const Json& parameters = learner.at("learner_model_param");
  const auto features = static_cast<size_t>(NumberOf(parameters.at("num_feature")));
  const Json& model = booster.at("model");
  std::vector<ImportedTree> trees;
  for (size_t t = 0; t < model.at("trees").size(); ++t) {
    const Json& tree = model.at("trees").at(t);
    if (tree.contains("categories") && !tree.at("categories").empty()) {
      return absl::InvalidArgumentError(absl::StrCat("tree ", t, " splits by category, which is not supported"));
    }
    trees.push_back(TreeOf(tree, binary ? 1 : model.at("tree_info").at(t).get<size_t>()));
  }
  std::vector<double> base = BaseScores(parameters.at("base_score"),
                                        binary ? 1 : static_cast<size_t>(NumberOf(parameters.at("num_class"))));
  if (binary) base = {0, static_cast<float>(-std::log(1 / base[0] - 1))};
  ImportedModel imported;
  ARPENT_ASSIGN_OR_RETURN(imported.forest, ForestOfTrees(trees, features, std::move(base),
                                                         kernels::EnsembleKind::kFloatMargins));
  if (learner.contains("feature_names")) {
    for (const Json& name : learner.at("feature_names")) imported.feature_names.push_back(name.get<std::string>());
  }
  return imported;
}

}  // namespace

absl::StatusOr<ImportedModel> ReadXgboostModel(absl::string_view bytes, absl::string_view what) {
  try {
    // JSON has a quote or white space behind its first brace, UBJ the length of a name.
    const bool text = bytes.size() > 1 && (bytes[1] == '"' || bytes[1] == ' ' || bytes[1] == '\n');
    const Json document = text ? Json::parse(bytes.begin(), bytes.end()) : Json::from_ubjson(bytes.begin(), bytes.end());
    absl::StatusOr<ImportedModel> model = ModelOf(document);
    if (!model.ok()) return Annotate(model.status(), what);
    return model;
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat(what, ": not a whole XGBoost model (", error.what(), ")"));
  }
}

}  // namespace arpent::learn
