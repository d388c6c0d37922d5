// Counts the calls of a server in the names that existing dashboards know: grpc_server_started_total,
// grpc_server_handled_total{grpc_type,grpc_service,grpc_method,grpc_code}, grpc_server_handling_seconds.
#ifndef ARPENT_COMMON_RPC_SERVER_METRICS_H_
#define ARPENT_COMMON_RPC_SERVER_METRICS_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "common/telemetry/metrics.h"

namespace arpent::rpc {

// Methods that no linked service has are counted as service and method "unknown": the labels stay a closed set.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CountCalls(telemetry::Metrics& metrics);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_SERVER_METRICS_H_
