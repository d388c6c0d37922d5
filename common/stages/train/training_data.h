// The samples of one stratum, gathered from the sample tables of all tiles.
#ifndef ARPENT_COMMON_STAGES_TRAIN_TRAINING_DATA_H_
#define ARPENT_COMMON_STAGES_TRAIN_TRAINING_DATA_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kernels/classify/classifier.h"
#include "common/learn/binned_samples.h"
#include "common/learn/sample_table.h"

namespace arpent::stages {

// Rows of equal split from any number of tables.
struct SampleColumns {
  std::vector<std::vector<float>> planes;  // per feature
  std::vector<uint16_t> classes;           // index into TrainingData::legend
  std::vector<uint32_t> polygons;
  std::vector<float> weights;

  std::vector<const float*> PlanePointers() const;
};

struct TrainingData {
  std::vector<std::string> feature_names;
  std::vector<kernels::LegendEntry> legend;  // classes with a training sample, ascending code
  SampleColumns train;
  SampleColumns validate;                    // of the same classes
  std::vector<std::string> notes;
};

struct TrainingDataOptions {
  std::string purpose;
  std::string stratum;             // "all": every sample, whatever its stratum
  size_t samples_per_class = 0;    // at most so many for training, chosen by the seed; 0: all
  uint64_t seed = 1;
};

// Gives table number `index`; called twice for each, so that no two of them are in memory at once.
using TableSource = std::function<absl::StatusOr<learn::SampleTable>(size_t index)>;

// INVALID_ARGUMENT, naming what is wrong where: no sample of the stratum, fewer than two classes, a crop
// whose samples all come from one polygon, tables that differ in features or legend.
absl::StatusOr<TrainingData> GatherTrainingData(size_t tables, const TableSource& source,
                                                const TrainingDataOptions& options);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_TRAIN_TRAINING_DATA_H_
