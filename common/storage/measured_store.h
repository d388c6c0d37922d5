// Counts what a store is asked: arpent_storage_requests_total{store,operation,code}, arpent_storage_bytes_total,
// arpent_storage_request_duration_seconds.
#ifndef ARPENT_COMMON_STORAGE_MEASURED_STORE_H_
#define ARPENT_COMMON_STORAGE_MEASURED_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "common/storage/object_store.h"
#include "common/telemetry/metrics.h"

namespace arpent::storage {

class MeasuredStore final : public ObjectStore {
 public:
  // `metrics` outlives the store.
  MeasuredStore(std::string name, std::shared_ptr<ObjectStore> inner, telemetry::Metrics& metrics);

  absl::StatusOr<ObjectInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, bool recursive) override;
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override;
  absl::StatusOr<ObjectInfo> Write(const std::string& path, int64_t size_bytes, const ByteProducer& producer) override;
  absl::Status Delete(const std::string& path) override;

 private:
  template <typename Call>
  auto Measure(const char* operation, const Call& call);

  const std::string name_;
  const std::shared_ptr<ObjectStore> inner_;
  const telemetry::CounterFamily requests_, bytes_;
  const telemetry::HistogramFamily duration_;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_MEASURED_STORE_H_
