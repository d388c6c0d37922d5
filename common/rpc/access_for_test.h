// For tests of who may call what: tokens in a folder, and calls of any method by its name.
#ifndef ARPENT_COMMON_RPC_ACCESS_FOR_TEST_H_
#define ARPENT_COMMON_RPC_ACCESS_FOR_TEST_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "common/testing/temporary_folder.h"

namespace arpent::rpc {

// A token of each role, as a mounted secret has them, and the file of a client that knows none of them.
class TokensForTest {
 public:
  TokensForTest() {
    for (const char* const role : {"operator", "reader", "worker"}) Write(role, TokenOf(role));
    Write("unknown-token", TokenOf("nobody"));
  }
  static std::string TokenOf(const std::string& role) { return absl::StrCat("secret-of-the-", role); }
  const std::string& folder() const { return folder_.path(); }
  std::string FileOf(const std::string& role) const { return folder_.File(role); }
  void Write(const std::string& role, const std::string& token) const { std::ofstream(folder_.File(role)) << token << "\n"; }

 private:
  testing::TemporaryFolder folder_;
};

// "/package.Service/Method" of every method of the service.
inline std::vector<std::string> MethodsOf(const google::protobuf::ServiceDescriptor& service) {
  std::vector<std::string> methods;
  for (int i = 0; i < service.method_count(); ++i) {
    methods.push_back(absl::StrCat("/", service.full_name(), "/", service.method(i)->name()));
  }
  return methods;
}

// Calls a method, a stream too, with one empty message; `role` is that of TokensForTest, or "" for no token.
inline grpc::StatusCode CallAs(const std::string& address, const TokensForTest& tokens, const std::string& role,
                               const std::string& method_name) {
  ChannelOptions options;
  if (!role.empty()) options.token_file = tokens.FileOf(role);
  const std::shared_ptr<grpc::Channel> channel = *OpenChannel(address, options);
  const grpc::internal::RpcMethod method(method_name.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::ClientContext context;
  SetDeadline(&context, absl::Seconds(20));
  google::protobuf::Empty request, response;
  grpc::internal::BlockingUnaryCallImpl<google::protobuf::MessageLite, google::protobuf::MessageLite> call(
      channel.get(), method, &context, request, &response);
  return call.status().error_code();
}

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_ACCESS_FOR_TEST_H_
