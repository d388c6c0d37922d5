#include "common/rpc/convert.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::rpc {

namespace product_pb = arpent::product::v1;
namespace worker_pb = arpent::worker::v1;

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  absl::Duration rest;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return proto;
}

void SetSpec(const stages::TaskSpec& spec, worker_pb::Task* task) {
  task->set_stage(spec.stage);
  task->set_algorithm_version(spec.algorithm_version);
  task->set_tile(spec.tile);
  task->set_acquisition(spec.acquisition);
  task->set_period(spec.period);
  task->set_site(spec.site);
  task->set_season(spec.season);
  task->set_stratum(spec.stratum);
  task->set_degraded(spec.degraded);
  if (spec.part.across > 1) {
    task->set_parts_across(spec.part.across);
    task->set_part(spec.part.index + 1);
  }
  for (const auto& [name, value] : spec.parameters.values()) {
    worker_pb::Parameter* const parameter = task->add_parameters();
    parameter->set_name(name);
    parameter->set_value(value);
  }
  for (const stages::TaskInput& input : spec.inputs) {
    worker_pb::TaskInput* const proto = task->add_inputs();
    proto->set_role(input.role);
    proto->set_key(input.key);
    proto->set_uri(input.uri);
  }
}

absl::StatusOr<stages::TaskSpec> SpecOf(const worker_pb::Task& task) {
  if (task.stage().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("task ", task.task_id(), ": `stage` is empty"));
  }
  stages::TaskSpec spec{.stage = task.stage(),
                        .algorithm_version = task.algorithm_version(),
                        .tile = task.tile(),
                        .acquisition = task.acquisition(),
                        .period = task.period(),
                        .site = task.site(),
                        .season = task.season(),
                        .stratum = task.stratum(),
                        .degraded = task.degraded()};
  if (task.parts_across() > 1) {
    spec.part = {.across = task.parts_across(), .index = task.part() - 1};
    if (task.part() < 0 || task.part() > spec.part.count()) {
      return absl::InvalidArgumentError(absl::StrCat("task ", task.task_id(), ": `part` ", task.part(), " is none of ",
                                                     spec.part.count()));
    }
  }
  for (const worker_pb::Parameter& parameter : task.parameters()) {
    if (parameter.name().empty() || spec.parameters.Has(parameter.name())) {
      return absl::InvalidArgumentError(
          absl::StrCat("task ", task.task_id(), ": `parameters` has '", parameter.name(), "' twice or without a name"));
    }
    spec.parameters.Set(parameter.name(), parameter.value());
  }
  for (const worker_pb::TaskInput& input : task.inputs()) {
    spec.inputs.push_back({.role = input.role(), .key = input.key(), .uri = input.uri()});
  }
  return spec;
}

std::string UnitOf(const stages::TaskSpec& spec) {
  if (!spec.acquisition.empty()) return spec.acquisition;
  if (!spec.period.empty()) return spec.period;
  return spec.season;
}

void SetResult(const stages::TaskSpec& spec, const stages::TaskResult& result, worker_pb::TaskOutcome* outcome) {
  outcome->mutable_usage()->set_pixels(result.pixels);
  outcome->mutable_usage()->set_area_km2(result.area_km2);
  if (result.outcome == stages::TaskResult::Outcome::kSkipped) {
    outcome->mutable_skipped()->set_reason(result.skip_reason);
    return;
  }
  worker_pb::TaskDone* const done = outcome->mutable_done();
  if (!result.product.uri.empty()) *done->mutable_product() = ToProto(spec, result.product);
  for (const scene::FoundScene& found : result.listing.scenes) *done->add_scenes() = ToProto(found);
  for (const scene::RejectedInput& rejected : result.listing.rejected) {
    worker_pb::RejectedInput* const proto = done->add_rejected();
    proto->set_uri(rejected.uri);
    proto->set_code(std::string(CodeName(rejected.status.code())));
    proto->set_message(std::string(rejected.status.message()));
  }
}

absl::StatusOr<stages::TaskResult> ResultOf(const worker_pb::TaskOutcome& outcome) {
  stages::TaskResult result;
  result.pixels = outcome.usage().pixels();
  result.area_km2 = outcome.usage().area_km2();
  if (outcome.has_skipped()) {
    result.outcome = stages::TaskResult::Outcome::kSkipped;
    result.skip_reason = outcome.skipped().reason();
    return result;
  }
  if (!outcome.has_done()) {
    return absl::InvalidArgumentError(absl::StrCat("task ", outcome.task_id(), ": `outcome` is neither done nor skipped"));
  }
  const worker_pb::TaskDone& done = outcome.done();
  if (done.has_product()) result.product = FromProto(done.product());
  for (const worker_pb::FoundScene& found : done.scenes()) result.listing.scenes.push_back(FromProto(found));
  for (const worker_pb::RejectedInput& rejected : done.rejected()) {
    result.listing.rejected.push_back({.uri = rejected.uri(),
                                       .status = absl::Status(CodeFromName(rejected.code()), rejected.message())});
  }
  return result;
}

product_pb::Product ToProto(const stages::TaskSpec& spec, const product::PublishedProduct& product) {
  product_pb::Product proto;
  proto.set_stage(spec.stage);
  proto.set_key(product.key);
  proto.set_uri(product.uri);
  proto.set_tile(spec.tile);
  proto.set_unit(UnitOf(spec));
  proto.set_site(spec.site);
  proto.set_degraded(product.degraded);
  for (const auto& [name, value] : product.numbers) (*proto.mutable_numbers())[name] = value;
  for (const product::PublishedAsset& asset : product.assets) {
    product_pb::Asset* const added = proto.add_assets();
    added->set_name(asset.name);
    added->set_file(asset.file);
    added->set_size_bytes(asset.size_bytes);
    added->set_sha256(asset.sha256);
    added->set_pixel_digest(asset.pixel_digest);
  }
  return proto;
}

product::PublishedProduct FromProto(const product_pb::Product& proto) {
  product::PublishedProduct product{.uri = proto.uri(), .key = proto.key(), .degraded = proto.degraded()};
  product.numbers.insert(proto.numbers().begin(), proto.numbers().end());
  for (const product_pb::Asset& asset : proto.assets()) {
    product.assets.push_back({.name = asset.name(),
                              .file = asset.file(),
                              .size_bytes = asset.size_bytes(),
                              .sha256 = asset.sha256(),
                              .pixel_digest = asset.pixel_digest()});
  }
  return product;
}

worker_pb::FoundScene ToProto(const scene::FoundScene& found) {
  worker_pb::FoundScene proto;
  proto.set_uri(found.uri);
  proto.set_kind(found.kind);
  proto.set_product_id(found.product_id);
  proto.set_platform(found.platform);
  proto.set_acquisition(found.acquisition);
  proto.set_tile(found.tile);
  *proto.mutable_sensing_start() = ToProto(found.sensing_start);
  *proto.mutable_generation_time() = ToProto(found.generation_time);
  proto.set_processing_baseline(found.processing_baseline);
  proto.set_digest(found.digest);
  proto.set_cloud_percent(found.cloud_percent);
  proto.set_west_deg(found.west_deg);
  proto.set_south_deg(found.south_deg);
  proto.set_east_deg(found.east_deg);
  proto.set_north_deg(found.north_deg);
  return proto;
}

scene::FoundScene FromProto(const worker_pb::FoundScene& proto) {
  return {.uri = proto.uri(),
          .kind = proto.kind(),
          .product_id = proto.product_id(),
          .platform = proto.platform(),
          .acquisition = proto.acquisition(),
          .tile = proto.tile(),
          .sensing_start = FromProto(proto.sensing_start()),
          .generation_time = FromProto(proto.generation_time()),
          .processing_baseline = proto.processing_baseline(),
          .digest = proto.digest(),
          .cloud_percent = proto.cloud_percent(),
          .west_deg = proto.west_deg(),
          .south_deg = proto.south_deg(),
          .east_deg = proto.east_deg(),
          .north_deg = proto.north_deg()};
}

void SetTimes(const telemetry::TaskTimes& times, worker_pb::TaskUsage* usage) {
  for (int kind = 0; kind < telemetry::kTimeKinds; ++kind) {
    const std::string name(telemetry::TimeKindName(static_cast<telemetry::TimeKind>(kind)));
    (*usage->mutable_time_seconds())[name] = absl::ToDoubleSeconds(times.by_kind[kind]);
  }
}

telemetry::TaskTimes TimesOf(const worker_pb::TaskUsage& usage) {
  telemetry::TaskTimes times;
  for (int kind = 0; kind < telemetry::kTimeKinds; ++kind) {
    const std::string name(telemetry::TimeKindName(static_cast<telemetry::TimeKind>(kind)));
    const auto found = usage.time_seconds().find(name);
    if (found != usage.time_seconds().end()) times.by_kind[kind] = absl::Seconds(found->second);
  }
  return times;
}

}  // namespace arpent::rpc
