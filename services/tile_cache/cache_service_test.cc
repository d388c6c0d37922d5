#include "services/tile_cache/cache_service.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/rpc/access_for_test.h"
#include "common/rpc/remote_store.h"
#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "common/storage/file_store.h"
#include "common/storage/object_store_contract.h"
#include "common/telemetry/time_account.h"

namespace arpent::tile_cache {
namespace {

namespace pb = arpent::cache::v1;
using rpc::CacheShards;
using rpc::RemoteStore;
using storage::FileStore;
using storage::ObjectStoreContract;
using storage::StoreMaker;
using testing::StatusIs;

Clock& TestClock() {
  static SystemClock clock;
  return clock;
}

// A gateway of `shards` servers over one folder, and the store that a client sees.
class Gateway {
 public:
  Gateway(const std::string& folder, int shards) {
    auto stores = std::make_shared<storage::StoreSet>();
    stores->Add("output", *FileStore::Open(folder + "/store", {.create_root = true}));
    std::vector<CacheShards::Shard> list;
    for (int i = 0; i < shards; ++i) {
      services_.push_back(std::make_unique<CacheService>(stores));
      servers_.push_back(*rpc::Server::Start({.listen = "127.0.0.1:0"}, {services_.back().get()}, metrics_));
      list.push_back({"tile-cache-" + std::to_string(i), *rpc::OpenChannel(servers_.back()->address(), {})});
    }
    remote_ = std::make_shared<RemoteStore>("output", std::make_shared<CacheShards>(list), RemoteStore::Options(),
                                            TestClock());
  }
  RemoteStore& remote() { return *remote_; }
  std::unique_ptr<pb::CacheService::Stub> Stub() {
    return pb::CacheService::NewStub(*rpc::OpenChannel(servers_[0]->address(), {}));
  }

 private:
  telemetry::Metrics metrics_;
  std::vector<std::unique_ptr<CacheService>> services_;
  std::vector<std::unique_ptr<rpc::Server>> servers_;
  std::shared_ptr<RemoteStore> remote_;
};

template <int kShards>
std::shared_ptr<storage::ObjectStore> MakeRemote(const std::string& folder) {
  auto gateway = std::make_shared<Gateway>(folder, kShards);
  return {gateway, &gateway->remote()};  // the store keeps its servers
}

}  // namespace
}  // namespace arpent::tile_cache

namespace arpent::storage {
INSTANTIATE_TEST_SUITE_P(Remote, ObjectStoreContract, ::testing::Values(StoreMaker(&tile_cache::MakeRemote<1>)));
INSTANTIATE_TEST_SUITE_P(RemoteShards, ObjectStoreContract, ::testing::Values(StoreMaker(&tile_cache::MakeRemote<3>)));
}  // namespace arpent::storage

namespace arpent::tile_cache {
namespace {

class CacheServiceTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  Gateway gateway_{folder_.path(), 1};
};

TEST_F(CacheServiceTest, AWrongChecksumMakesNothingVisible) {
  const auto stub = gateway_.Stub();
  for (const bool send_checksum : {true, false}) {
    grpc::ClientContext context;
    pb::WriteResponse response;
    const auto writer = stub->Write(&context, &response);
    pb::WriteRequest request;
    request.mutable_header()->set_store("output");
    request.mutable_header()->set_path("object");
    request.mutable_header()->set_size_bytes(3);
    writer->Write(request);
    request.set_data("abc");
    writer->Write(request);
    request.set_checksum(1234);
    if (send_checksum) writer->Write(request);
    writer->WritesDone();
    EXPECT_THAT(rpc::FromGrpc(writer->Finish()), StatusIs(absl::StatusCode::kDataLoss, ""));
    EXPECT_THAT(gateway_.remote().Stat("object"), StatusIs(absl::StatusCode::kNotFound, "object"));
  }
}

TEST_F(CacheServiceTest, ReadsToTheEndWithoutALength) {
  ASSERT_OK(WriteAll(gateway_.remote(), "object", std::string(3000000, 'x')));
  grpc::ClientContext context;
  pb::ReadRequest request;
  request.set_store("output");
  request.set_path("object");
  request.set_offset(10);
  const auto stub = gateway_.Stub();
  const auto reader = stub->Read(&context, request);
  pb::ReadResponse response;
  size_t total = 0;
  while (reader->Read(&response)) total += response.data().size();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(total, 3000000u - 10);
}

TEST_F(CacheServiceTest, NamesAnUnknownStore) {
  grpc::ClientContext context;
  pb::StatRequest request;
  request.set_store("other");
  pb::StatResponse response;
  EXPECT_THAT(rpc::FromGrpc(gateway_.Stub()->Stat(&context, request, &response)),
              StatusIs(absl::StatusCode::kNotFound, "output"));
}

TEST_F(CacheServiceTest, ListsInPages) {
  for (int i = 0; i < 25; ++i) ASSERT_OK(WriteAll(gateway_.remote(), "many/" + std::to_string(100 + i), "x"));
  const auto stub = gateway_.Stub();
  pb::ListRequest request;
  request.set_store("output");
  request.set_prefix("many");
  request.set_page_size(10);
  std::vector<std::string> paths;
  int pages = 0;
  do {
    grpc::ClientContext context;
    pb::ListResponse response;
    ASSERT_TRUE(stub->List(&context, request, &response).ok());
    for (const auto& object : response.objects()) paths.push_back(object.path());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(paths.size(), 25u);
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  request.set_page_token("many/119");  // nobody kept this one
  grpc::ClientContext context;
  pb::ListResponse response;
  ASSERT_TRUE(stub->List(&context, request, &response).ok());
  EXPECT_EQ(response.objects_size(), 5);
}

TEST_F(CacheServiceTest, WaitsForTheGatewayAreCacheWaits) {
  telemetry::TimeAccount account;
  {
    ScopedTaskContext scope(&account);
    ASSERT_OK(WriteAll(gateway_.remote(), "object", std::string(100000, 'x')));
    ASSERT_OK(ReadAll(gateway_.remote(), "object"));
  }
  EXPECT_GT(account.Times()[telemetry::TimeKind::kCacheWait], absl::ZeroDuration());
  EXPECT_EQ(account.Times()[telemetry::TimeKind::kDiskWait], absl::ZeroDuration());
  EXPECT_EQ(account.bytes_read(), 100000);
  EXPECT_EQ(account.bytes_written(), 100000);
}

TEST(RemoteStore, WaitsForAGatewayThatComesBack) {
  testing::TemporaryFolder folder;
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("output", *FileStore::Open(folder.path()));
  telemetry::Metrics metrics;
  CacheService first(stores), second(stores);
  ASSERT_OK_AND_ASSIGN(auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, {&first}, metrics));
  const std::string address = server->address();
  ASSERT_OK_AND_ASSIGN(const auto shards, CacheShards::Connect(address, {}));
  RemoteStore remote("output", shards, {}, TestClock());
  ASSERT_OK(WriteAll(remote, "a", "before"));
  server.reset();
  std::thread restart([&] {
    absl::SleepFor(absl::Milliseconds(700));
    server = *rpc::Server::Start({.listen = address}, {&second}, metrics);
  });
  EXPECT_OK(WriteAll(remote, "b", "after"));
  restart.join();
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadAll(remote, "a"));
  EXPECT_EQ(bytes, "before");
}

// A client that does not check its paths, as ours does.
TEST_F(CacheServiceTest, NoPathLeavesTheStore) {
  std::ofstream(folder_.File("secret")) << "secret";
  std::filesystem::create_symlink(folder_.File("secret"), folder_.File("store/link"));
  std::filesystem::create_directory_symlink(folder_.path(), folder_.File("store/up"));
  const auto stub = gateway_.Stub();
  const auto expect_refused = [&](const std::string& path, absl::StatusCode code) {
    pb::StatRequest stat;
    stat.set_store("output");
    stat.set_path(path);
    pb::StatResponse stat_response;
    grpc::ClientContext stat_context;
    EXPECT_EQ(rpc::FromGrpc(stub->Stat(&stat_context, stat, &stat_response)).code(), code) << path;
    pb::ReadRequest read;
    read.set_store("output");
    read.set_path(path);
    grpc::ClientContext read_context;
    const auto reader = stub->Read(&read_context, read);
    pb::ReadResponse read_response;
    EXPECT_FALSE(reader->Read(&read_response)) << path;
    EXPECT_EQ(rpc::FromGrpc(reader->Finish()).code(), code) << path;
    pb::ListRequest list;
    list.set_store("output");
    list.set_prefix(path);
    pb::ListResponse list_response;
    grpc::ClientContext list_context;
    EXPECT_FALSE(stub->List(&list_context, list, &list_response).ok()) << path;
    pb::DeleteRequest erase;
    erase.set_store("output");
    erase.set_path(path);
    pb::DeleteResponse erase_response;
    grpc::ClientContext erase_context;
    // Of what is not there, nothing is to be deleted; of a link, the link.
    const bool harmless = code == absl::StatusCode::kNotFound || path == "link";
    const absl::StatusCode erased = harmless ? absl::StatusCode::kOk : code;
    EXPECT_EQ(rpc::FromGrpc(stub->Delete(&erase_context, erase, &erase_response)).code(), erased) << path;
  };
  for (const std::string path : {"../secret", "a/../../secret", "..", "./x", "a//b", "/../secret"}) {
    expect_refused(path, absl::StatusCode::kInvalidArgument);
  }
  expect_refused(std::string("a\0b", 3), absl::StatusCode::kInvalidArgument);
  expect_refused("up/secret", absl::StatusCode::kPermissionDenied);
  expect_refused(folder_.File("secret"), absl::StatusCode::kNotFound);  // absolute: counted from the store's root
  expect_refused("link", absl::StatusCode::kPermissionDenied);
  for (const std::string path : {"../planted", "up/planted"}) {
    grpc::ClientContext context;
    pb::WriteResponse response;
    const auto writer = stub->Write(&context, &response);
    pb::WriteRequest request;
    request.mutable_header()->set_store("output");
    request.mutable_header()->set_path(path);
    writer->Write(request);
    writer->WritesDone();
    EXPECT_FALSE(writer->Finish().ok()) << path;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_.File("secret")));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("planted")));
}

// Both directions: one who writes nothing, one who reads nothing.
TEST_F(CacheServiceTest, ASilentClientDoesNotHoldTheGateway) {
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("output", *FileStore::Open(folder_.path()));
  ASSERT_OK(stores->WriteAll("output:/large", std::string(64 << 20, 'x')));
  CacheService service(stores, nullptr, {.idle = absl::Milliseconds(300), .longest = absl::Minutes(1)});
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(const auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  const auto stub = pb::CacheService::NewStub(*rpc::OpenChannel(server->address(), {}));
  grpc::ClientContext write_context, read_context;
  pb::WriteResponse response;
  const auto writer = stub->Write(&write_context, &response);
  pb::WriteRequest header;
  header.mutable_header()->set_store("output");
  header.mutable_header()->set_path("object");
  header.mutable_header()->set_size_bytes(1 << 20);
  ASSERT_TRUE(writer->Write(header));
  pb::ReadRequest read;
  read.set_store("output");
  read.set_path("large");
  const auto reader = stub->Read(&read_context, read);
  const auto count = [&](const std::string& method) {
    return metrics.Text().find(absl::StrCat("{grpc_code=\"DEADLINE_EXCEEDED\",grpc_method=\"", method, "\"")) !=
           std::string::npos;
  };
  for (int i = 0; i < 1000 && !(count("Write") && count("Read")); ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(count("Write"));
  EXPECT_TRUE(count("Read"));
  EXPECT_THAT(stores->Stat("output:/object"), StatusIs(absl::StatusCode::kNotFound, "object"));
  EXPECT_FALSE(writer->Finish().ok());
  pb::ReadResponse chunk;
  while (reader->Read(&chunk)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST(CacheAccess, EveryMethodAsksForItsRole) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"/arpent.cache.v1.CacheService/Stat", {"operator", "reader", "worker"}},
      {"/arpent.cache.v1.CacheService/List", {"operator", "reader", "worker"}},
      {"/arpent.cache.v1.CacheService/Read", {"operator", "reader", "worker"}},
      {"/arpent.cache.v1.CacheService/Write", {"operator", "worker"}},
      {"/arpent.cache.v1.CacheService/Delete", {"operator"}}};
  const rpc::TokensForTest tokens;
  telemetry::Metrics metrics;
  ASSERT_OK_AND_ASSIGN(const auto access, rpc::AccessControl::Open(tokens.folder(), TestClock()));
  CacheService service(std::make_shared<storage::StoreSet>(), access);
  ASSERT_OK_AND_ASSIGN(const auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  for (const std::string& method : rpc::MethodsOf(*pb::StatRequest::descriptor()->file()->service(0))) {
    ASSERT_EQ(allowed.count(method), 1u) << method;
    for (const char* const nobody : {"", "unknown-token"}) {
      EXPECT_EQ(rpc::CallAs(server->address(), tokens, nobody, method), grpc::StatusCode::UNAUTHENTICATED) << method;
    }
    for (const char* const role : {"operator", "reader", "worker"}) {
      const grpc::StatusCode code = rpc::CallAs(server->address(), tokens, role, method);
      EXPECT_EQ(code == grpc::StatusCode::PERMISSION_DENIED, allowed.at(method).count(role) == 0) << method << " " << role;
      EXPECT_NE(code, grpc::StatusCode::UNAUTHENTICATED) << method << " " << role;
    }
  }
  EXPECT_THAT(metrics.Text(), ::testing::HasSubstr("grpc_code=\"UNAUTHENTICATED\",grpc_method=\"Write\""));
  EXPECT_THAT(metrics.Text(), ::testing::HasSubstr("grpc_code=\"PERMISSION_DENIED\",grpc_method=\"Delete\""));
}

TEST(CacheAccess, WorkersRemovePartsOnly) {
  const rpc::TokensForTest tokens;
  telemetry::Metrics metrics;
  const ::arpent::testing::TemporaryFolder folder;
  auto stores = std::make_shared<storage::StoreSet>();
  ASSERT_OK_AND_ASSIGN(auto store, storage::FileStore::Open(folder.path(), {.create_root = true}));
  for (const char* const name : {"input", "output"}) stores->Add(name, store);
  ASSERT_OK_AND_ASSIGN(const auto access, rpc::AccessControl::Open(tokens.folder(), TestClock()));
  CacheService service(stores, access);
  ASSERT_OK_AND_ASSIGN(const auto server, rpc::Server::Start({.listen = "127.0.0.1:0"}, {&service}, metrics));
  rpc::ChannelOptions options;
  options.token_file = tokens.FileOf("worker");
  const auto stub = pb::CacheService::NewStub(*rpc::OpenChannel(server->address(), options));
  const auto erase = [&](const std::string& name, const std::string& path) {
    pb::DeleteRequest request;
    request.set_store(name);
    request.set_path(path);
    pb::DeleteResponse response;
    grpc::ClientContext context;
    return rpc::FromGrpc(stub->Delete(&context, request, &response)).code();
  };
  ASSERT_OK(storage::WriteAll(*store, "work/key/2x2-0/item.json", "{}"));
  ASSERT_OK(storage::WriteAll(*store, "l2a/item.json", "{}"));
  EXPECT_EQ(erase("output", "work/key/2x2-0/item.json"), absl::StatusCode::kOk);
  EXPECT_FALSE(store->Stat("work/key/2x2-0/item.json").ok());
  EXPECT_EQ(erase("output", "l2a/item.json"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(erase("input", "work/key"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(erase("output", "work/../l2a/item.json"), absl::StatusCode::kInvalidArgument);
  EXPECT_OK(store->Stat("l2a/item.json").status());
}

TEST(CacheShards, AnotherShardMovesOnlyItsShare) {
  const auto shards_of = [](int count) {
    std::vector<CacheShards::Shard> list;
    for (int i = 0; i < count; ++i) list.push_back({"tile-cache-" + std::to_string(i), *rpc::OpenChannel("127.0.0.1:1", {})});
    return CacheShards(list);
  };
  const CacheShards four = shards_of(4), five = shards_of(5);
  int moved = 0;
  std::map<std::string, int> load;
  for (int i = 0; i < 5000; ++i) {
    const std::string path = "l2a/33TVL/object-" + std::to_string(i);
    const std::string before = four.ShardNameOf("output", path), after = five.ShardNameOf("output", path);
    ++load[after];
    if (before == after) continue;
    ++moved;
    EXPECT_EQ(after, "tile-cache-4");  // nothing moves between the old ones
  }
  EXPECT_NEAR(moved, 1000, 120);
  for (const auto& [name, count] : load) EXPECT_NEAR(count, 1000, 120) << name;
}

}  // namespace
}  // namespace arpent::tile_cache
