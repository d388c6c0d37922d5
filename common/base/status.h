// Error handling: absl::Status everywhere, two macros, one way to add context. No exception leaves the call that can
// throw it. The meaning of each code, and what a task does about it, is in CONTRIBUTING.md ("Errors").
#ifndef ARPENT_COMMON_BASE_STATUS_H_
#define ARPENT_COMMON_BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace arpent {

// Returns `status` with "`context`: " before its message; OK stays OK. Use it to name the file, field or product.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

// The code's canonical name, as "DATA_LOSS".
absl::string_view CodeName(absl::StatusCode code);

// The inverse of CodeName; kUnknown for a name that is none.
absl::StatusCode CodeFromName(absl::string_view name);

// Whether a task that ended with `code` is worth another attempt (the only place that decides it).
bool IsRetryable(absl::StatusCode code);

// An absl::Status from errno.
absl::Status ErrnoStatus(int error_number, absl::string_view what);

}  // namespace arpent

#define ARPENT_CONCAT_INNER(a, b) a##b
#define ARPENT_CONCAT(a, b) ARPENT_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` (a Status) is not OK.
#define ARPENT_RETURN_IF_ERROR(expression)                 \
  do {                                                     \
    if (absl::Status arpent_status = (expression); !arpent_status.ok()) return arpent_status; \
  } while (false)

// ARPENT_ASSIGN_OR_RETURN(auto x, F()) declares x from a StatusOr or returns its error.
#define ARPENT_ASSIGN_OR_RETURN(declaration, expression) \
  ARPENT_ASSIGN_OR_RETURN_IMPL(ARPENT_CONCAT(arpent_statusor_, __LINE__), declaration, expression)
#define ARPENT_ASSIGN_OR_RETURN_IMPL(statusor, declaration, expression) \
  auto statusor = (expression);                                         \
  if (!statusor.ok()) return std::move(statusor).status();              \
  declaration = *std::move(statusor)

#endif  // ARPENT_COMMON_BASE_STATUS_H_
