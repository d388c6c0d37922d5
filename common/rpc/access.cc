#include "common/rpc/access.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/server.h"
#include "common/telemetry/log.h"

namespace arpent::rpc {
namespace {

constexpr char kHeader[] = "authorization";
constexpr absl::string_view kScheme = "Bearer ";

// As long for a match as for none, wherever the difference is.
bool SameDigest(const HexDigest& a, const HexDigest& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

bool Contains(const std::vector<HexDigest>& tokens, const HexDigest& token) {
  bool found = false;
  for (const HexDigest& known : tokens) found |= SameDigest(known, token);
  return found;
}

// The digests of the tokens in `file`; none when it is absent. A line that is too short is left out and reported.
std::vector<HexDigest> ReadTokens(const std::string& file, absl::Status* status) {
  std::vector<HexDigest> tokens;
  std::ifstream stream(file);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const absl::string_view token = absl::StripAsciiWhitespace(line);
    if (token.empty() || token.front() == '#') continue;
    if (token.size() < AccessControl::kShortestToken) {
      status->Update(absl::InvalidArgumentError(absl::StrCat(file, ":", number, ": a token needs at least ",
                                                             AccessControl::kShortestToken, " characters")));
      continue;
    }
    tokens.push_back(Sha256Of(token));
  }
  return tokens;
}

// As HTTP/2 counts them: 32 bytes each besides name and value.
size_t MetadataBytes(const grpc::ServerContext& context) {
  size_t bytes = 0;
  for (const auto& [name, value] : context.client_metadata()) bytes += name.size() + value.size() + 32;
  return bytes;
}

}  // namespace

AccessControl::AccessControl(std::string folder, const Clock& clock)
    : folder_(std::move(folder)),
      clock_(clock),
      roles_{{"operator", {Right::kRead, Right::kReadObjects, Right::kWriteObjects, Right::kOperate}, {}},
             {"reader", {Right::kRead, Right::kReadObjects}, {}},
             {"worker", {Right::kReadObjects, Right::kWriteObjects, Right::kWork}, {}}} {}

absl::StatusOr<std::shared_ptr<const AccessControl>> AccessControl::Open(const std::string& folder, const Clock& clock) {
  std::shared_ptr<const AccessControl> access(new AccessControl(folder, clock));
  if (folder.empty()) return access;
  absl::MutexLock lock(&access->mutex_);
  ARPENT_RETURN_IF_ERROR(access->Read());
  return access;
}

absl::Status AccessControl::Read() const {
  absl::Status status;
  bool any = false;
  for (Role& role : roles_) {
    role.tokens = ReadTokens(absl::StrCat(folder_, "/", role.name), &status);
    any = any || !role.tokens.empty();
  }
  read_at_ = clock_.Now();
  if (!any) {
    status.Update(absl::NotFoundError(
        absl::StrCat(folder_, ": no token; expected files named operator, reader or worker with a token a line")));
  }
  return status;
}

absl::Status AccessControl::Check(const grpc::ServerContext& context, Right right) const {
  if (folder_.empty()) return absl::OkStatus();
  const auto header = context.client_metadata().find(kHeader);
  if (header == context.client_metadata().end()) return CheckHeader("", right);
  return CheckHeader({header->second.data(), header->second.size()}, right);
}

absl::Status AccessControl::CheckHeader(absl::string_view authorization, Right right) const {
  if (folder_.empty()) return absl::OkStatus();
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return absl::UnauthenticatedError("this server wants a token; name its file with --token-file");
  }
  const HexDigest token = Sha256Of(absl::StripAsciiWhitespace(authorization.substr(kScheme.size())));
  absl::MutexLock lock(&mutex_);
  if (clock_.Now() >= read_at_ + kReread) {
    if (const absl::Status status = Read(); !status.ok()) {
      telemetry::Log(telemetry::LogLevel::kWarning, "tokens cannot be read", {{"error", std::string(status.message())}});
    }
  }
  bool allowed = false;
  std::vector<std::string> has, needs;
  for (const Role& role : roles_) {
    const bool may = std::find(role.rights.begin(), role.rights.end(), right) != role.rights.end();
    if (may) needs.push_back(role.name);
    if (!Contains(role.tokens, token)) continue;
    has.push_back(role.name);
    allowed = allowed || may;
  }
  if (allowed) return absl::OkStatus();
  if (has.empty()) return absl::UnauthenticatedError("this server does not know the token");
  return absl::PermissionDeniedError(absl::StrCat("the role ", absl::StrJoin(has, ", "),
                                                  " does not allow this call; it needs ", absl::StrJoin(needs, " or ")));
}

absl::Status Admit(const AccessControl* access, const grpc::ServerContext& context, Right right) {
  // gRPC counts each frame for itself, and metadata may come in many.
  if (const size_t bytes = MetadataBytes(context); bytes > size_t{kMaxMetadataBytes}) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the call has ", bytes, " bytes of metadata; this server takes ", kMaxMetadataBytes));
  }
  return access == nullptr ? absl::OkStatus() : access->Check(context, right);
}

}  // namespace arpent::rpc
