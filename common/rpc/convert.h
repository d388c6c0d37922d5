// Between the domain's structs and the messages that carry them. Nothing is decided here; what a message lacks or
// garbles is INVALID_ARGUMENT naming the field.
#ifndef ARPENT_COMMON_RPC_CONVERT_H_
#define ARPENT_COMMON_RPC_CONVERT_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "arpent/product/v1/product.pb.h"
#include "arpent/worker/v1/worker.pb.h"
#include "common/scene/scene.h"
#include "common/stages/stage.h"
#include "common/telemetry/time_account.h"

namespace arpent::rpc {

absl::Time FromProto(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Duration FromProto(const google::protobuf::Duration& duration);
google::protobuf::Duration ToProto(absl::Duration duration);

// Fills the fields of `task` that say what is to be done; lease and run are the caller's.
void SetSpec(const stages::TaskSpec& spec, arpent::worker::v1::Task* task);
absl::StatusOr<stages::TaskSpec> SpecOf(const arpent::worker::v1::Task& task);

// `unit` as in Product.unit: acquisition, period or season, by stage.
std::string UnitOf(const stages::TaskSpec& spec);

// The outcome (done or skipped) and the pixels and area of the usage; identity and times are the caller's.
void SetResult(const stages::TaskSpec& spec, const stages::TaskResult& result, arpent::worker::v1::TaskOutcome* outcome);
// INVALID_ARGUMENT when the outcome is neither done nor skipped.
absl::StatusOr<stages::TaskResult> ResultOf(const arpent::worker::v1::TaskOutcome& outcome);

arpent::product::v1::Product ToProto(const stages::TaskSpec& spec, const product::PublishedProduct& product);
product::PublishedProduct FromProto(const arpent::product::v1::Product& product);

arpent::worker::v1::FoundScene ToProto(const scene::FoundScene& found);
scene::FoundScene FromProto(const arpent::worker::v1::FoundScene& found);

// Kind by name -> seconds.
void SetTimes(const telemetry::TaskTimes& times, arpent::worker::v1::TaskUsage* usage);
telemetry::TaskTimes TimesOf(const arpent::worker::v1::TaskUsage& usage);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_CONVERT_H_
