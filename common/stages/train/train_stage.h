// The stage `train`: the samples of all tiles of a stratum become one model (crop mask or crop type).
//
// Publishes models/{site}/{season}/{stratum}-{purpose}_{key12} with the assets
//   "model"    model.arpent   the file that kernels::Classifier::Load takes (kernels::kModelFile)
//   "metrics"  metrics.json   classes with their samples and polygons, out-of-bag and validation accuracy, importance
#ifndef ARPENT_COMMON_STAGES_TRAIN_TRAIN_STAGE_H_
#define ARPENT_COMMON_STAGES_TRAIN_TRAIN_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs: one or more of role `samples`. Parameters: catalog.cc. INVALID_ARGUMENT naming what is wrong with the samples or
// parameters (training_data.h), DATA_LOSS for a damaged table, NOT_FOUND for one that is not there. CANCELLED.
absl::StatusOr<TaskResult> RunTrain(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_TRAIN_TRAIN_STAGE_H_
