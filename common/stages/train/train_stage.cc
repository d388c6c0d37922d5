#include "common/stages/train/train_stage.h"

#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/kernels/classify/classifier.h"
#include "common/kernels/classify/model_file.h"
#include "common/learn/learner.h"
#include "common/product/layout.h"
#include "common/product/publication.h"
#include "common/stages/train/training_data.h"

namespace arpent::stages {
namespace {

struct TrainParameters {
  TrainingDataOptions data;
  learn::LearnerOptions learner;
};

absl::StatusOr<TrainParameters> ReadParameters(const TaskSpec& task) {
  const Parameters& given = task.parameters;
  TrainParameters parameters;
  ARPENT_ASSIGN_OR_RETURN(parameters.data.purpose, given.GetString("purpose"));
  if (parameters.data.purpose != "crop-mask" && parameters.data.purpose != "crop-type") {
    return absl::InvalidArgumentError(
        absl::StrCat("purpose '", parameters.data.purpose, "': crop-mask or crop-type is expected"));
  }
  parameters.data.stratum = task.stratum.empty() ? "all" : task.stratum;
  ARPENT_ASSIGN_OR_RETURN(const int64_t samples_per_class, given.GetInt("samples_per_class"));
  ARPENT_ASSIGN_OR_RETURN(const int64_t seed, given.GetInt("seed"));
  ARPENT_ASSIGN_OR_RETURN(const std::string learner, given.GetString("learner"));
  ARPENT_ASSIGN_OR_RETURN(parameters.learner.learner, learn::ParseLearner(learner));
  // Two classes and many samples: comparing learners costs more than it gains.
  if (parameters.learner.learner == learn::Learner::kAuto && parameters.data.purpose == "crop-mask") {
    parameters.learner.learner = learn::Learner::kForest;
  }
  parameters.learner.second_is_known_whole = parameters.data.purpose == "crop-mask";
  ARPENT_ASSIGN_OR_RETURN(const int64_t trees, given.GetInt("trees"));
  ARPENT_ASSIGN_OR_RETURN(const int64_t max_depth, given.GetInt("max_depth"));
  ARPENT_ASSIGN_OR_RETURN(const int64_t min_samples, given.GetInt("min_samples"));
  if (samples_per_class < 0) return absl::InvalidArgumentError("samples_per_class is below 0");
  parameters.data.samples_per_class = static_cast<size_t>(samples_per_class);
  parameters.data.seed = parameters.learner.seed = static_cast<uint64_t>(seed);
  parameters.learner.trees = static_cast<int>(trees);
  parameters.learner.max_depth = static_cast<int>(max_depth);
  parameters.learner.min_samples = static_cast<int>(min_samples);
  return parameters;
}

// How many of the validation samples the model tells right; nothing when there are none.
std::optional<double> ValidationAccuracy(const kernels::Classifier& classifier, const TrainingData& data) {
  const size_t rows = data.validate.classes.size();
  if (rows == 0) return std::nullopt;
  std::vector<uint16_t> codes(rows);
  std::vector<uint8_t> confidence(rows);
  classifier.Predict(data.validate.PlanePointers(), rows, codes.data(), confidence.data());
  size_t right = 0;
  for (size_t i = 0; i < rows; ++i) right += codes[i] == data.legend[data.validate.classes[i]].code;
  return static_cast<double>(right) / static_cast<double>(rows);
}

nlohmann::json ClassesJson(const TrainingData& data) {
  nlohmann::json classes = nlohmann::json::array();
  for (size_t k = 0; k < data.legend.size(); ++k) {
    const auto tally = [k](const SampleColumns& columns) {
      size_t samples = 0;
      std::set<uint32_t> polygons;
      for (size_t i = 0; i < columns.classes.size(); ++i) {
        if (columns.classes[i] != k) continue;
        ++samples;
        polygons.insert(columns.polygons[i]);
      }
      return std::pair(samples, polygons.size());
    };
    const auto [train_samples, train_polygons] = tally(data.train);
    const auto [validate_samples, validate_polygons] = tally(data.validate);
    classes.push_back({{"code", data.legend[k].code},
                       {"name", data.legend[k].name},
                       {"train_samples", train_samples},
                       {"train_polygons", train_polygons},
                       {"validate_samples", validate_samples},
                       {"validate_polygons", validate_polygons}});
  }
  return classes;
}

std::string MetricsJson(const TrainingData& data, const learn::LearnedModel& model,
                        std::optional<double> validation_accuracy) {
  nlohmann::json json;
  json["classes"] = ClassesJson(data);
  json["training"] = model.about;
  if (model.out_of_bag_accuracy) json["out_of_bag_accuracy"] = *model.out_of_bag_accuracy;
  if (validation_accuracy) json["validation_sample_accuracy"] = *validation_accuracy;
  for (size_t f = 0; f < model.importance.size(); ++f) {
    json["importance"].push_back({{"feature", data.feature_names[f]}, {"importance", model.importance[f]}});
  }
  return json.dump(1) + "\n";
}

class TrainTask {
 public:
  TrainTask(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(const TrainParameters parameters, ReadParameters(task_));
    for (const TaskInput& input : task_.inputs) {
      if (input.role == "samples") tables_.push_back(input.uri + "/" + learn::SampleTableFile(parameters.data.purpose));
    }
    if (tables_.empty()) return absl::InvalidArgumentError("train needs at least one product of samples");
    const absl::StatusOr<TrainingData> gathered =
        GatherTrainingData(tables_.size(), [this](size_t i) { return ReadTable(i); }, parameters.data);
    if (!gathered.ok()) return NamePolygons(gathered.status());
    const TrainingData& data = *gathered;
    context_.progress(0.2);
    if (context_.cancelled()) return absl::CancelledError("train was cancelled");
    const std::vector<const float*> planes = data.train.PlanePointers();
    const learn::TrainingSamples samples{planes, data.train.classes, data.train.weights, data.legend.size(),
                                         data.train.polygons};
    ARPENT_ASSIGN_OR_RETURN(const learn::LearnedModel model,
                            learn::Learn(samples, parameters.learner, context_.threads));
    context_.progress(0.9);
    if (context_.cancelled()) return absl::CancelledError("train was cancelled");
    return Publish(parameters, data, model);
  }

 private:
  absl::StatusOr<learn::SampleTable> ReadTable(size_t index) const {
    ARPENT_ASSIGN_OR_RETURN(const std::string bytes, context_.stores->ReadAll(tables_[index]));
    return learn::ReadSampleTable(bytes, tables_[index]);
  }

  // Says of what file the polygons are and where it is told what became of each, when samples are not enough.
  absl::Status NamePolygons(const absl::Status& status) const {
    if (!absl::IsInvalidArgument(status)) return status;
    for (const TaskInput& samples : task_.inputs) {
      if (samples.role != "samples") continue;
      const auto made = product::ReadDescription(*context_.stores, samples.uri);
      if (!made.ok()) continue;
      for (const product::InputRecord& input : made->inputs) {
        if (input.role != "parcels") continue;
        return absl::InvalidArgumentError(absl::StrCat(status.message(), " (polygons of ",
                                                       input.uri.substr(input.uri.find_last_of('/') + 1),
                                                       ", row by row in ", samples.uri, "/parcels.json)"));
      }
    }
    return status;
  }

  absl::StatusOr<TaskResult> Publish(const TrainParameters& parameters, const TrainingData& data,
                                     const learn::LearnedModel& model) const {
    kernels::ModelDescription description;
    description.purpose = parameters.data.purpose;
    description.feature_names = data.feature_names;
    description.classes = data.legend;
    description.training = model.about;
    description.class_factors = model.class_factors;
    ARPENT_ASSIGN_OR_RETURN(const std::string bytes, kernels::WriteModel(description, model.forests));
    ARPENT_ASSIGN_OR_RETURN(const auto classifier, kernels::Classifier::Load(bytes, "the new model"));
    const std::optional<double> accuracy = ValidationAccuracy(*classifier, data);
    product::Publication publication(context_.stores, context_.scratch, Describe(parameters, data, model, accuracy));
    ARPENT_RETURN_IF_ERROR(publication.AddFile("model", std::string(kernels::kModelFile),
                                               std::string(kernels::kModelMediaType), "data", bytes));
    ARPENT_RETURN_IF_ERROR(publication.AddFile("metrics", "metrics.json", "application/json", "metadata",
                                               MetricsJson(data, model, accuracy)));
    TaskResult result;
    ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
    context_.progress(1);
    return result;
  }

  product::ProductDescription Describe(const TrainParameters& parameters, const TrainingData& data,
                                       const learn::LearnedModel& model, std::optional<double> accuracy) const {
    product::ProductDescription description;
    description.stage = task_.stage;
    description.algorithm_version = task_.algorithm_version;
    description.key = task_.Key();
    description.folder =
        product::ModelFolder(task_.site, task_.season, parameters.data.stratum + "-" + parameters.data.purpose,
                             description.key);
    description.parameters = task_.parameters;
    for (const TaskInput& input : task_.inputs) description.inputs.push_back({input.role, input.key, input.uri});
    description.texts["arpent:site"] = task_.site;
    description.texts["arpent:season"] = task_.season;
    description.texts["arpent:stratum"] = parameters.data.stratum;
    description.numbers["arpent:training_samples"] = static_cast<double>(data.train.classes.size());
    if (model.out_of_bag_accuracy) description.numbers["arpent:out_of_bag_accuracy"] = *model.out_of_bag_accuracy;
    if (accuracy) description.numbers["arpent:validation_sample_accuracy"] = *accuracy;
    description.notes = data.notes;
    description.degraded = task_.degraded;
    return description;
  }

  const TaskSpec& task_;
  const StageContext& context_;
  std::vector<std::string> tables_;  // URIs of the sample tables
};

}  // namespace

absl::StatusOr<TaskResult> RunTrain(const TaskSpec& task, const StageContext& context) {
  return TrainTask(task, context).Run();
}

}  // namespace arpent::stages
