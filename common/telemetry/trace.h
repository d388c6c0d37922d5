// Trace ids as OpenTelemetry and W3C "Trace Context" write them: one run is one trace, and its id is in the log lines of
// everyone who works for it. Spans are not recorded.
#ifndef ARPENT_COMMON_TELEMETRY_TRACE_H_
#define ARPENT_COMMON_TELEMETRY_TRACE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace arpent::telemetry {

// The metadata key and the environment variable that carry a traceparent.
inline constexpr char kTraceparentKey[] = "traceparent";
inline constexpr char kTraceparentVariable[] = "TRACEPARENT";

// A random trace id: 32 hex digits, not all 0.
std::string NewTraceId();

// The same id for the same text: for a trace that nobody began (a run that a site's poll started).
std::string TraceIdOf(absl::string_view text);

// "00-TRACE-SPAN-01" with a random span.
std::string MakeTraceparent(absl::string_view trace_id);

// The trace id of a traceparent; empty when it is none (Trace Context level 1: lower case, neither id all 0).
std::string ParseTraceparent(absl::string_view traceparent);

}  // namespace arpent::telemetry

#endif  // ARPENT_COMMON_TELEMETRY_TRACE_H_
