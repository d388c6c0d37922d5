#include "common/rpc/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <cerrno>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace arpent::rpc {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

absl::Status CheckReadable(const std::string& file) {
  if (std::ifstream(file).good()) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("TLS file ", file));
}

absl::Status CheckPair(const TlsOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("TLS needs both a certificate and its key");
  }
  if (!options.certificate_file.empty()) {
    ARPENT_RETURN_IF_ERROR(CheckReadable(options.certificate_file));
    ARPENT_RETURN_IF_ERROR(CheckReadable(options.key_file));
  }
  if (!options.authority_file.empty()) ARPENT_RETURN_IF_ERROR(CheckReadable(options.authority_file));
  return absl::OkStatus();
}

std::shared_ptr<FileWatcherCertificateProvider> Watch(const TlsOptions& options) {
  if (options.certificate_file.empty()) {
    return std::make_shared<FileWatcherCertificateProvider>(options.authority_file, options.reload_seconds);
  }
  return std::make_shared<FileWatcherCertificateProvider>(options.key_file, options.certificate_file,
                                                          options.authority_file, options.reload_seconds);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsOptions& options) {
  if (!options.enabled()) return grpc::InsecureServerCredentials();
  ARPENT_RETURN_IF_ERROR(CheckPair(options));
  if (options.certificate_file.empty()) {
    return absl::InvalidArgumentError("TLS of a server needs a certificate and its key");
  }
  grpc::experimental::TlsServerCredentialsOptions tls(Watch(options));
  tls.watch_identity_key_cert_pairs();
  if (!options.authority_file.empty()) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsOptions& options) {
  if (!options.enabled()) return grpc::InsecureChannelCredentials();
  ARPENT_RETURN_IF_ERROR(CheckPair(options));
  if (options.authority_file.empty()) {
    return absl::InvalidArgumentError("TLS of a client needs the authority that signed the servers' certificates");
  }
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(Watch(options));
  tls.watch_root_certs();
  if (!options.certificate_file.empty()) {
    tls.watch_identity_key_cert_pairs();
  }
  return grpc::experimental::TlsCredentials(tls);
}

}  // namespace arpent::rpc
