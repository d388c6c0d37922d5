#include "common/storage/measured_store.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/base/status.h"

namespace arpent::storage {
namespace {

// With which stores usually answer; others appear when they happen.
constexpr absl::StatusCode kCodes[] = {
    absl::StatusCode::kOk,          absl::StatusCode::kNotFound,          absl::StatusCode::kPermissionDenied,
    absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted, absl::StatusCode::kDeadlineExceeded,
    absl::StatusCode::kDataLoss,    absl::StatusCode::kAborted,           absl::StatusCode::kInternal};

absl::StatusCode CodeOf(const absl::Status& status) { return status.code(); }
template <typename T>
absl::StatusCode CodeOf(const absl::StatusOr<T>& value) {
  return value.status().code();
}

}  // namespace

MeasuredStore::MeasuredStore(std::string name, std::shared_ptr<ObjectStore> inner, telemetry::Metrics& metrics)
    : name_(std::move(name)),
      inner_(std::move(inner)),
      requests_(metrics.AddCounter("arpent_storage_requests_total", "Requests to a store, by code.",
                                   {"store", "operation", "code"})),
      bytes_(metrics.AddCounter("arpent_storage_bytes_total", "Bytes read from and written to a store.",
                                {"store", "operation"})),
      duration_(metrics.AddHistogram("arpent_storage_request_duration_seconds", "Seconds of a request to a store.",
                                     {"store", "operation"}, telemetry::ExponentialBuckets(0.0005, 4, 10))) {
  // From the start at 0: what first appears at 1 has no increase that an alert could see.
  for (const char* const operation : {"stat", "list", "read", "write", "delete"}) {
    for (const absl::StatusCode code : kCodes) (void)requests_.With({name_, operation, CodeName(code)});
    (void)duration_.With({name_, operation});
  }
  for (const char* const operation : {"read", "write"}) (void)bytes_.With({name_, operation});
}

template <typename Call>
auto MeasuredStore::Measure(const char* operation, const Call& call) {
  const absl::Time begin = absl::Now();
  auto result = call();
  duration_.With({name_, operation}).Observe(absl::ToDoubleSeconds(absl::Now() - begin));
  requests_.With({name_, operation, CodeName(CodeOf(result))}).Increment();
  return result;
}

absl::StatusOr<ObjectInfo> MeasuredStore::Stat(const std::string& path) {
  return Measure("stat", [&] { return inner_->Stat(path); });
}

absl::StatusOr<std::vector<ObjectInfo>> MeasuredStore::List(const std::string& prefix, bool recursive) {
  return Measure("list", [&] { return inner_->List(prefix, recursive); });
}

absl::StatusOr<size_t> MeasuredStore::Read(const std::string& path, const std::string& etag, int64_t offset,
                                           size_t length, char* buffer) {
  absl::StatusOr<size_t> got = Measure("read", [&] { return inner_->Read(path, etag, offset, length, buffer); });
  if (got.ok()) bytes_.With({name_, "read"}).Increment(static_cast<double>(*got));
  return got;
}

absl::StatusOr<ObjectInfo> MeasuredStore::Write(const std::string& path, int64_t size_bytes,
                                                const ByteProducer& producer) {
  absl::StatusOr<ObjectInfo> info = Measure("write", [&] { return inner_->Write(path, size_bytes, producer); });
  if (info.ok()) bytes_.With({name_, "write"}).Increment(static_cast<double>(info->size_bytes));
  return info;
}

absl::Status MeasuredStore::Delete(const std::string& path) {
  return Measure("delete", [&] { return inner_->Delete(path); });
}

}  // namespace arpent::storage
