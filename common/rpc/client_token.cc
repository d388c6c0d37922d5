#include "common/rpc/client_token.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

namespace arpent::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;

constexpr absl::Duration kReread = absl::Seconds(1);

class TokenInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit TokenInterceptor(TokenFile& token) : token_(token) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", absl::StrCat("Bearer ", token_.Token()));
    }
    methods->Proceed();
  }

 private:
  TokenFile& token_;
};

class TokenInterceptorFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenInterceptorFactory(std::shared_ptr<TokenFile> token) : token_(std::move(token)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo*) override {
    return new TokenInterceptor(*token_);
  }

 private:
  const std::shared_ptr<TokenFile> token_;
};

bool IsLoopbackHost(absl::string_view address) {
  const std::string host(address.substr(0, address.rfind(':')));
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "[::1]" || (is_number && absl::StartsWith(host, "127."));
}

}  // namespace

absl::StatusOr<std::shared_ptr<TokenFile>> TokenFile::Open(const std::string& file) {
  std::shared_ptr<TokenFile> token(new TokenFile(file));
  absl::MutexLock lock(&token->mutex_);
  ARPENT_RETURN_IF_ERROR(token->Read());
  return token;
}

absl::Status TokenFile::Read() {
  std::ifstream stream(file_);
  if (!stream.good()) return ErrnoStatus(errno, absl::StrCat("token file ", file_));
  std::string line;
  std::getline(stream, line);
  absl::StripAsciiWhitespace(&line);
  const bool printable = std::all_of(line.begin(), line.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (line.empty() || !printable) {
    return absl::InvalidArgumentError(absl::StrCat("token file ", file_, ": its first line is no token"));
  }
  token_ = std::move(line);
  read_at_ = absl::Now();
  return absl::OkStatus();
}

std::string TokenFile::Token() {
  absl::MutexLock lock(&mutex_);
  if (absl::Now() >= read_at_ + kReread) Read().IgnoreError();  // a file that is being replaced is there a moment later
  return token_;
}

std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface> ShowToken(std::shared_ptr<TokenFile> token) {
  return std::make_unique<TokenInterceptorFactory>(std::move(token));
}

bool IsLoopback(const std::string& address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const std::vector<std::string> hosts = absl::StrSplit(address, ',');
  return std::all_of(hosts.begin(), hosts.end(), IsLoopbackHost);
}

}  // namespace arpent::rpc
