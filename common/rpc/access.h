// Who may do what. A caller shows a token (`authorization: Bearer ...`); the token's role decides what it may call. Tokens are
// the lines of up to three files in one folder, a mounted secret for example; the files' names are the roles.
#ifndef ARPENT_COMMON_RPC_ACCESS_H_
#define ARPENT_COMMON_RPC_ACCESS_H_

#include <grpcpp/server_context.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/digest.h"

namespace arpent::rpc {

// What a call does.
enum class Right {
  kRead,          // sites, runs, cells, products, workers: get, list, watch            reader, operator
  kReadObjects,   // the bytes of stores                                                reader, operator, worker
  kWriteObjects,  // new objects                                                        operator, worker
  kOperate,       // apply, start, cancel, delete: all that changes what the system does  operator
  kWork,          // lease tasks and report how they ended                              worker
};

// Thread-safe.
class AccessControl {
 public:
  // Shorter tokens can be guessed; the line that holds one is refused.
  static constexpr size_t kShortestToken = 16;
  // How soon a changed file counts.
  static constexpr absl::Duration kReread = absl::Seconds(1);

  // `folder` holds any of the files `operator`, `reader`, `worker`: a token a line, empty lines and # lines aside. An empty
  // `folder` name lets everyone do everything. NOT_FOUND when no file is there or none has a token, INVALID_ARGUMENT naming
  // the line of a token that is too short. `clock` outlives the result.
  static absl::StatusOr<std::shared_ptr<const AccessControl>> Open(const std::string& folder, const Clock& clock);

  // OK, UNAUTHENTICATED (no token, or an unknown one) or PERMISSION_DENIED (the role lacks the right).
  absl::Status Check(const grpc::ServerContext& context, Right right) const;
  // The same for the value of the header `authorization`.
  absl::Status CheckHeader(absl::string_view authorization, Right right) const;

 private:
  // A file's tokens are kept as digests: memory holds none, and comparing tells nothing about them.
  struct Role {
    std::string name;
    std::vector<Right> rights;
    std::vector<HexDigest> tokens;
  };

  AccessControl(std::string folder, const Clock& clock);
  // Takes what the files say now; what cannot be read gives no right. Returns the first error.
  absl::Status Read() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string folder_;
  const Clock& clock_;
  mutable absl::Mutex mutex_;
  mutable std::vector<Role> roles_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Time read_at_ ABSL_GUARDED_BY(mutex_);
};

// Whether a call may go on: the errors of AccessControl::Check (without `access` everyone may everything), and
// RESOURCE_EXHAUSTED for more metadata than kMaxMetadataBytes.
absl::Status Admit(const AccessControl* access, const grpc::ServerContext& context, Right right);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_ACCESS_H_
