// The storage gateway as an ObjectStore: what workers and clients read and write through. Waits for a gateway that is
// away, verifies every checksum, spreads objects over several shards.
#ifndef ARPENT_COMMON_RPC_REMOTE_STORE_H_
#define ARPENT_COMMON_RPC_REMOTE_STORE_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "arpent/cache/v1/cache_service.grpc.pb.h"
#include "common/base/clock.h"
#include "common/rpc/channel.h"
#include "common/rpc/retry.h"
#include "common/storage/object_store.h"
#include "common/storage/spool.h"

namespace arpent::rpc {

// The shards of one gateway. An object belongs to the shard whose name scores highest with it (rendezvous hashing):
// another shard more or less moves only that shard's share. Names are stable ("tile-cache-0"), addresses need not be.
class CacheShards {
 public:
  using Stub = arpent::cache::v1::CacheService::StubInterface;
  struct Shard {
    std::string name;
    std::shared_ptr<grpc::Channel> channel;
  };

  explicit CacheShards(const std::vector<Shard>& shards);

  // "host:port" or several with commas; each shard's name is the first label of its host, or the address itself where
  // the hosts are numbers.
  static absl::StatusOr<std::shared_ptr<CacheShards>> Connect(const std::string& addresses,
                                                              const ChannelOptions& options);

  Stub& ShardOf(const std::string& store, const std::string& path) const;
  // For listings, which any shard can answer.
  Stub& AnyShard(const std::string& store) const { return ShardOf(store, ""); }
  const std::string& ShardNameOf(const std::string& store, const std::string& path) const;

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Stub> stub;
  };
  const Entry& EntryOf(const std::string& store, const std::string& path) const;

  std::vector<Entry> shards_;
};

class RemoteStore final : public storage::ObjectStore {
 public:
  struct Options {
    RetryPolicy retry = {.give_up_after = absl::Minutes(10)};
    absl::Duration call_timeout = absl::Minutes(2);
  };

  // `store` is the name that the gateway knows it by. `clock` outlives the store.
  RemoteStore(std::string store, std::shared_ptr<const CacheShards> shards, const Options& options, Clock& clock)
      : store_(std::move(store)), shards_(std::move(shards)), options_(options), clock_(clock) {}

  absl::StatusOr<storage::ObjectInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<storage::ObjectInfo>> List(const std::string& prefix, bool recursive) override;
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override;
  // The producer gives its bytes once: they are kept in a temporary file until the gateway has them, so that a lost
  // connection can begin again.
  absl::StatusOr<storage::ObjectInfo> Write(const std::string& path, int64_t size_bytes,
                                            const storage::ByteProducer& producer) override;
  absl::Status Delete(const std::string& path) override;

 private:
  absl::Status Retry(const std::string& path, const std::function<absl::Status()>& call) const;
  absl::StatusOr<size_t> ReadOnce(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                                  char* buffer) const;
  absl::StatusOr<storage::ObjectInfo> WriteOnce(const std::string& path, int64_t size_bytes, storage::Spool& spool) const;

  const std::string store_;
  const std::shared_ptr<const CacheShards> shards_;
  const Options options_;
  Clock& clock_;
};

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_REMOTE_STORE_H_
