#include "common/rpc/server_metrics.h"

#include <google/protobuf/descriptor.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

namespace arpent::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

struct CallFamilies {
  telemetry::CounterFamily started, handled;
  telemetry::HistogramFamily seconds;
};

const char* TypeName(ServerRpcInfo::Type type) {
  switch (type) {
    case ServerRpcInfo::Type::UNARY:
      return "unary";
    case ServerRpcInfo::Type::CLIENT_STREAMING:
      return "client_stream";
    case ServerRpcInfo::Type::SERVER_STREAMING:
      return "server_stream";
    case ServerRpcInfo::Type::BIDI_STREAMING:
      return "bidi_stream";
  }
  return "unknown";
}

// "/package.Service/Method" -> ("package.Service", "Method").
std::pair<std::string, std::string> SplitMethod(absl::string_view path) {
  const std::pair<std::string, std::string> unknown = {"unknown", "unknown"};
  if (path.empty() || path.front() != '/') return unknown;
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == absl::string_view::npos) return unknown;
  const std::string service(path.substr(0, slash)), method(path.substr(slash + 1));
  const auto* const descriptor = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  if (descriptor == nullptr || descriptor->FindMethodByName(method) == nullptr) return unknown;
  return {service, method};
}

class CallCounter final : public grpc::experimental::Interceptor {
 public:
  CallCounter(const CallFamilies& families, const ServerRpcInfo& info) : families_(families), type_(TypeName(info.type())) {
    std::tie(service_, method_) = SplitMethod(info.method());
    families_.started.With({type_, service_, method_}).Increment();
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const auto code = static_cast<absl::StatusCode>(methods->GetSendStatus().error_code());
      families_.handled.With({type_, service_, method_, CodeName(code)}).Increment();
      families_.seconds.With({type_, service_, method_}).Observe(absl::ToDoubleSeconds(absl::Now() - begin_));
    }
    methods->Proceed();
  }

 private:
  const CallFamilies& families_;
  const char* const type_;
  std::string service_, method_;
  const absl::Time begin_ = absl::Now();
};

class CallCounterFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallCounterFactory(telemetry::Metrics& metrics)
      : families_{metrics.AddCounter("grpc_server_started_total", "Calls begun.",
                                     {"grpc_type", "grpc_service", "grpc_method"}),
                  metrics.AddCounter("grpc_server_handled_total", "Calls ended, by code.",
                                     {"grpc_type", "grpc_service", "grpc_method", "grpc_code"}),
                  metrics.AddHistogram("grpc_server_handling_seconds", "Seconds from a call's begin to its end.",
                                       {"grpc_type", "grpc_service", "grpc_method"},
                                       telemetry::ExponentialBuckets(0.0005, 4, 10))} {}

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallCounter(families_, *info);
  }

 private:
  const CallFamilies families_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CountCalls(telemetry::Metrics& metrics) {
  return std::make_unique<CallCounterFactory>(metrics);
}

}  // namespace arpent::rpc
