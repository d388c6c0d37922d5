// Models of a process: each is mapped into memory once, however many tasks use it at the same time, and given back when the
// last of them ends.
#ifndef ARPENT_COMMON_STAGES_SHARED_MODEL_H_
#define ARPENT_COMMON_STAGES_SHARED_MODEL_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/kernels/classify/classifier.h"
#include "common/storage/stores.h"

namespace arpent::stages {

// Thread-safe.
class SharedModels {
 public:
  // The model file `uri` of the product `key`; equal keys are equal models. What is not yet there is copied to the folder
  // `scratch` piece by piece, mapped, and its name removed: the pages go with the last user. NOT_FOUND; errors of
  // Classifier::Load; UNAVAILABLE when the scratch folder cannot be written.
  absl::StatusOr<std::shared_ptr<const kernels::Classifier>> Get(const storage::StoreSet& stores, const std::string& uri,
                                                                 const std::string& key, const std::string& scratch);

 private:
  absl::Mutex mutex_;  // held while a model is loaded: nobody loads it twice
  std::map<std::string, std::weak_ptr<const kernels::Classifier>> models_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SHARED_MODEL_H_
