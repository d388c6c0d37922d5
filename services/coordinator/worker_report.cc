#include "services/coordinator/worker_report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/storage/stores.h"
#include "common/telemetry/time_account.h"

namespace arpent::coordinator {
namespace {

constexpr size_t kMostSentenceBytes = 4096;
constexpr size_t kMostNameBytes = 256;
constexpr int kMostStages = 1000;

absl::Status CheckName(const char* field, const std::string& name) {
  if (name.size() <= kMostNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": at most ", kMostNameBytes, " bytes"));
}

bool IsTimeKind(const std::string& name) {
  for (int kind = 0; kind < telemetry::kTimeKinds; ++kind) {
    if (telemetry::TimeKindName(static_cast<telemetry::TimeKind>(kind)) == name) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckCaller(const worker::v1::SynchronizeRequest& request) {
  if (request.worker_id().empty()) return absl::InvalidArgumentError("worker_id: is required");
  absl::Status status = CheckName("worker_id", request.worker_id());
  status.Update(CheckName("host", request.host()));
  status.Update(CheckName("version", request.version()));
  if (request.stages_size() > kMostStages) status.Update(absl::InvalidArgumentError(absl::StrCat("stages: at most ", kMostStages)));
  for (const std::string& stage : request.stages()) status.Update(CheckName("stages", stage));
  return status;
}

absl::Status CheckProduct(const std::string& key, const worker::v1::TaskDone& done) {
  const auto uri = storage::StoreUri::Parse(done.product().uri());
  if (done.product().key() == key && uri.ok() && uri->store == "output" && !uri->path.empty()) return absl::OkStatus();
  return absl::InternalError(Clipped(absl::StrCat("the worker published '", done.product().uri(), "' under key '",
                                                  done.product().key(), "' for task ", key)));
}

std::string Clipped(const std::string& sentence) {
  if (sentence.size() <= kMostSentenceBytes) return sentence;
  size_t end = kMostSentenceBytes;
  while (end > 0 && (static_cast<unsigned char>(sentence[end]) & 0xc0) == 0x80) --end;  // not within a character
  return absl::StrCat(sentence.substr(0, end), "... (", sentence.size(), " bytes in all)");
}

double Fraction(double done_fraction) { return done_fraction >= 0 ? std::min(done_fraction, 1.0) : 0; }

void AddUsage(const worker::v1::TaskUsage& usage, run::v1::Cell* cell) {
  *cell->mutable_duration() = usage.duration();
  // Of all attempts: what was spent was spent.
  for (const auto& [kind, seconds] : usage.time_seconds()) {
    if (!IsTimeKind(kind) || !std::isfinite(seconds) || seconds < 0) continue;
    (*cell->mutable_time_seconds())[kind] += seconds;
  }
}

}  // namespace arpent::coordinator
