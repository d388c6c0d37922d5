// The stage `samples`: feature values of labelled pixels of a tile, for every purpose from one pass over its L2A.
//
// Publishes samples/{site}/{season}/{tile}_{key12}: "{purpose}" = learn::SampleTableFile(purpose), and with parcels
// "parcel-report" = parcels.json: what was wrong, row by row.
#ifndef ARPENT_COMMON_STAGES_SAMPLES_SAMPLES_STAGE_H_
#define ARPENT_COMMON_STAGES_SAMPLES_SAMPLES_STAGE_H_

#include "absl/status/statusor.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// Inputs and parameters: docs/task-contract.md, catalog.cc. A tile without parcels, or never clear, publishes empty tables
// with a note. INVALID_ARGUMENT naming parameter, file or column; NOT_FOUND and DATA_LOSS naming the file; CANCELLED.
absl::StatusOr<TaskResult> RunSamples(const TaskSpec& task, const StageContext& context);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SAMPLES_SAMPLES_STAGE_H_
