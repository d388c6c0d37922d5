#include "common/learn/boosting_trainer.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/parameters.h"
#include "common/base/status.h"
#include "common/learn/xgboost_model.h"

namespace arpent::learn {
namespace {

constexpr size_t kRowsAtOnce = 8192;
constexpr size_t kSamplesPerBin = 8;

absl::Status Check(int result, absl::string_view what) {
  if (result == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("XGBoost, ", what, ": ", XGBGetLastError()));
}

class Matrix {
 public:
  ~Matrix() {
    if (handle_ != nullptr) XGDMatrixFree(handle_);
  }
  Matrix() = default;
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;
  DMatrixHandle* out() { return &handle_; }
  DMatrixHandle get() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

class Booster {
 public:
  ~Booster() {
    if (handle_ != nullptr) XGBoosterFree(handle_);
  }
  Booster() = default;
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;
  BoosterHandle* out() { return &handle_; }
  BoosterHandle get() const { return handle_; }

 private:
  BoosterHandle handle_ = nullptr;
};

std::string ArrayInterface(const void* data, absl::string_view type, const std::string& shape) {
  return absl::StrCat("{\"data\":[", reinterpret_cast<uintptr_t>(data), ",true],\"shape\":[", shape,
                      "],\"typestr\":\"", type, "\",\"version\":3}");
}

// Hands the samples over in batches of rows.
class BatchIterator {
 public:
  BatchIterator(const TrainingSamples& samples, std::span<const uint32_t> rows, DMatrixHandle proxy, float scale)
      : samples_(samples), rows_(rows), proxy_(proxy), features_(samples.planes.size()), scale_(scale) {}

  static void Reset(DataIterHandle self) { static_cast<BatchIterator*>(self)->next_ = 0; }
  static int Next(DataIterHandle self) { return static_cast<BatchIterator*>(self)->Next(); }

 private:
  // 1 when there was a batch, 0 at the end.
  int Next() {
    const size_t count = std::min(kRowsAtOnce, rows_.size() - next_);
    if (count == 0) return 0;
    values_.resize(count * features_);
    labels_.resize(count);
    weights_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t row = rows_[next_ + i];
      for (size_t f = 0; f < features_; ++f) values_[i * features_ + f] = samples_.planes[f][row];
      labels_[i] = samples_.classes[row];
      weights_[i] = scale_ * (samples_.weights.empty() ? 1 : samples_.weights[row]);
    }
    next_ += count;
    const std::string vector_shape = absl::StrCat(count);
    const bool ok =
        XGProxyDMatrixSetDataDense(
            proxy_, ArrayInterface(values_.data(), "<f4", absl::StrCat(count, ",", features_)).c_str()) == 0 &&
        XGDMatrixSetInfoFromInterface(proxy_, "label", ArrayInterface(labels_.data(), "<f4", vector_shape).c_str()) == 0 &&
        XGDMatrixSetInfoFromInterface(proxy_, "weight", ArrayInterface(weights_.data(), "<f4", vector_shape).c_str()) == 0;
    return ok ? 1 : 0;
  }

  const TrainingSamples& samples_;
  const std::span<const uint32_t> rows_;
  const DMatrixHandle proxy_;
  const size_t features_;
  const float scale_;
  size_t next_ = 0;
  std::vector<float> values_, labels_, weights_;
};

absl::Status SetParameters(BoosterHandle booster, const TrainingSamples& samples, const BoostingOptions& options) {
  const std::vector<std::pair<const char*, std::string>> parameters = {
      {"objective", "multi:softprob"},
      {"num_class", absl::StrCat(samples.class_count)},
      {"tree_method", "hist"},
      {"grow_policy", "lossguide"},
      {"max_depth", "0"},
      {"max_leaves", absl::StrCat(options.max_leaves)},
      {"max_bin", absl::StrCat(options.bins)},
      {"eta", CanonicalNumber(options.learning_rate)},
      {"min_child_weight", CanonicalNumber(options.min_child_weight)},
      {"colsample_bytree", CanonicalNumber(options.column_share)},
      {"subsample", CanonicalNumber(options.row_share)},
      {"seed", absl::StrCat(options.seed % 2147483647)},
      {"nthread", absl::StrCat(kBoostingThreads)},
      {"verbosity", "0"}};
  for (const auto& [name, value] : parameters) {
    ARPENT_RETURN_IF_ERROR(Check(XGBoosterSetParam(booster, name, value.c_str()), name));
  }
  return absl::OkStatus();
}

}  // namespace

int BoostingBins(size_t independent) {
  return static_cast<int>(std::clamp<size_t>(independent / kSamplesPerBin, kLeastBoostingBins, kMostBoostingBins));
}

absl::StatusOr<std::string> TrainBoostingJson(const TrainingSamples& samples, const BoostingOptions& options,
                                              std::span<const uint32_t> rows) {
  std::vector<uint32_t> all;
  if (rows.empty()) {
    all.resize(samples.rows());
    std::iota(all.begin(), all.end(), 0u);
    rows = all;
  }
  Matrix proxy, matrix;
  ARPENT_RETURN_IF_ERROR(Check(XGProxyDMatrixCreate(proxy.out()), "proxy"));
  BatchIterator batches(samples, rows, proxy.get(), options.weight_scale);
  const std::string config = absl::StrCat("{\"missing\":NaN,\"nthread\":", kBoostingThreads, ",\"max_bin\":", options.bins, "}");
  ARPENT_RETURN_IF_ERROR(
      Check(XGQuantileDMatrixCreateFromCallback(&batches, proxy.get(), nullptr, &BatchIterator::Reset,
                                                &BatchIterator::Next, config.c_str(), matrix.out()),
            "quantising the samples"));
  Booster booster;
  const DMatrixHandle handle = matrix.get();
  ARPENT_RETURN_IF_ERROR(Check(XGBoosterCreate(&handle, 1, booster.out()), "booster"));
  ARPENT_RETURN_IF_ERROR(SetParameters(booster.get(), samples, options));
  for (int round = 0; round < options.rounds; ++round) {
    ARPENT_RETURN_IF_ERROR(Check(XGBoosterUpdateOneIter(booster.get(), round, matrix.get()), "training"));
  }
  bst_ulong length = 0;
  const char* bytes = nullptr;
  ARPENT_RETURN_IF_ERROR(
      Check(XGBoosterSaveModelToBuffer(booster.get(), "{\"format\":\"json\"}", &length, &bytes), "saving"));
  return std::string(bytes, length);
}

absl::StatusOr<kernels::Forest> TrainBoosting(const TrainingSamples& samples, const BoostingOptions& options,
                                              std::span<const uint32_t> rows) {
  ARPENT_ASSIGN_OR_RETURN(const std::string json, TrainBoostingJson(samples, options, rows));
  ARPENT_ASSIGN_OR_RETURN(ImportedModel model, ReadXgboostModel(json, "the boosted model"));
  return std::move(model.forest);
}

}  // namespace arpent::learn
