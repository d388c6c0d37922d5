#include "common/rpc/remote_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/rpc/cache_messages.h"
#include "common/rpc/status.h"
#include "common/telemetry/time_account.h"

namespace arpent::rpc {
namespace {

namespace pb = arpent::cache::v1;
using storage::ObjectInfo;
using telemetry::ScopedWait;
using telemetry::TimeKind;

bool NeverCancelled() { return false; }

uint64_t Score(const std::string& shard, const std::string& store, const std::string& path) {
  const std::string key = absl::StrCat(shard, "\n", store, "\n", path);
  return XXH3_64bits(key.data(), key.size());
}

std::string ShardName(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  const bool is_number = host.find_first_not_of("0123456789.:[]") == std::string::npos;
  return is_number ? address : host.substr(0, host.find('.'));
}

}  // namespace

CacheShards::CacheShards(const std::vector<Shard>& shards) {
  for (const Shard& shard : shards) shards_.push_back({shard.name, pb::CacheService::NewStub(shard.channel)});
}

absl::StatusOr<std::shared_ptr<CacheShards>> CacheShards::Connect(const std::string& addresses,
                                                                  const ChannelOptions& options) {
  std::vector<Shard> shards;
  for (const std::string& address : std::vector<std::string>(absl::StrSplit(addresses, ','))) {
    Shard shard{.name = ShardName(address)};
    ARPENT_ASSIGN_OR_RETURN(shard.channel, OpenChannel(address, options));
    shards.push_back(std::move(shard));
  }
  return std::make_shared<CacheShards>(shards);
}

const CacheShards::Entry& CacheShards::EntryOf(const std::string& store, const std::string& path) const {
  return *std::max_element(shards_.begin(), shards_.end(), [&](const Entry& a, const Entry& b) {
    return Score(a.name, store, path) < Score(b.name, store, path);
  });
}

CacheShards::Stub& CacheShards::ShardOf(const std::string& store, const std::string& path) const {
  return *EntryOf(store, path).stub;
}

const std::string& CacheShards::ShardNameOf(const std::string& store, const std::string& path) const {
  return EntryOf(store, path).name;
}

// A wrong checksum is worth one more try; it never becomes data.
absl::Status RemoteStore::Retry(const std::string& path, const std::function<absl::Status()>& call) const {
  bool tried_again = false;
  const absl::Status status = CallWithRetry(options_.retry, clock_, RandomFraction, NeverCancelled, [&] {
    absl::Status once = call();
    if (absl::IsDataLoss(once) && !std::exchange(tried_again, true)) once = call();
    return once;
  });
  if (status.ok() || absl::StrContains(status.message(), path)) return status;
  return Annotate(status, absl::StrCat(store_, ":/", path));
}

absl::StatusOr<ObjectInfo> RemoteStore::Stat(const std::string& path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string normal, storage::NormalisePath(path));
  const ScopedWait wait(TimeKind::kCacheWait);
  pb::StatRequest request;
  request.set_store(store_);
  request.set_path(normal);
  pb::StatResponse response;
  ARPENT_RETURN_IF_ERROR(Retry(path, [&] {
    grpc::ClientContext context;
    SetDeadline(&context, options_.call_timeout);
    return FromGrpc(shards_->ShardOf(store_, normal).Stat(&context, request, &response));
  }));
  return FromProto(response.object());
}

absl::StatusOr<std::vector<ObjectInfo>> RemoteStore::List(const std::string& prefix, bool recursive) {
  ARPENT_ASSIGN_OR_RETURN(const std::string normal, storage::NormalisePath(prefix));
  const ScopedWait wait(TimeKind::kCacheWait);
  pb::ListRequest request;
  request.set_store(store_);
  request.set_prefix(normal);
  request.set_recursive(recursive);
  request.set_page_size(kMaxListPage);
  std::vector<ObjectInfo> objects;
  do {
    pb::ListResponse response;
    ARPENT_RETURN_IF_ERROR(Retry(prefix, [&] {
      grpc::ClientContext context;
      SetDeadline(&context, options_.call_timeout);
      return FromGrpc(shards_->AnyShard(store_).List(&context, request, &response));
    }));
    for (const pb::ObjectInfo& object : response.objects()) objects.push_back(FromProto(object));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return objects;
}

absl::StatusOr<size_t> RemoteStore::Read(const std::string& path, const std::string& etag, int64_t offset,
                                         size_t length, char* buffer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string normal, storage::NormalisePath(path));
  if (offset < 0) return absl::InvalidArgumentError(absl::StrCat(path, ": offset ", offset, " is negative"));
  if (length == 0) return size_t{0};  // on the wire 0 means to the end
  ScopedWait wait(TimeKind::kCacheWait);
  size_t got = 0;
  ARPENT_RETURN_IF_ERROR(Retry(path, [&]() -> absl::Status {
    ARPENT_ASSIGN_OR_RETURN(got, ReadOnce(normal, etag, offset, length, buffer));
    return absl::OkStatus();
  }));
  wait.AddBytes(static_cast<int64_t>(got), 0);
  return got;
}

absl::StatusOr<size_t> RemoteStore::ReadOnce(const std::string& path, const std::string& etag, int64_t offset,
                                             size_t length, char* buffer) const {
  grpc::ClientContext context;
  SetDeadline(&context, options_.call_timeout);
  pb::ReadRequest request;
  request.set_store(store_);
  request.set_path(path);
  request.set_etag(etag);
  request.set_offset(offset);
  request.set_length(static_cast<int64_t>(length));
  const auto reader = shards_->ShardOf(store_, path).Read(&context, request);
  pb::ReadResponse response;
  size_t got = 0;
  absl::Status damage;
  while (damage.ok() && reader->Read(&response)) {
    const std::string& data = response.data();
    if (data.size() > length - got) {
      damage = absl::InternalError("the gateway sent more bytes than it was asked for");
    } else if (ChunkChecksum(data.data(), data.size()) != response.checksum()) {
      damage = absl::DataLossError("bytes changed on the way from the gateway");
    } else {
      std::memcpy(buffer + got, data.data(), data.size());
      got += data.size();
    }
  }
  if (!damage.ok()) context.TryCancel();
  const absl::Status status = FromGrpc(reader->Finish());
  if (!damage.ok()) return damage;
  if (!status.ok()) return status;
  return got;
}

absl::StatusOr<ObjectInfo> RemoteStore::Write(const std::string& path, int64_t size_bytes,
                                              const storage::ByteProducer& producer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string normal, storage::NormalisePath(path));
  if (normal.empty()) return absl::InvalidArgumentError("an object needs a path");
  ScopedWait wait(TimeKind::kCacheWait);
  ARPENT_ASSIGN_OR_RETURN(const std::unique_ptr<storage::Spool> spool, storage::Spool::Fill(path, size_bytes, producer));
  ObjectInfo written;
  ARPENT_RETURN_IF_ERROR(Retry(path, [&]() -> absl::Status {
    ARPENT_ASSIGN_OR_RETURN(written, WriteOnce(normal, size_bytes, *spool));
    return absl::OkStatus();
  }));
  wait.AddBytes(0, size_bytes);
  return written;
}

absl::StatusOr<ObjectInfo> RemoteStore::WriteOnce(const std::string& path, int64_t size_bytes,
                                                  storage::Spool& spool) const {
  grpc::ClientContext context;
  SetDeadline(&context, options_.call_timeout + absl::Microseconds(size_bytes));  // at least 1 MB/s
  pb::WriteResponse response;
  const auto writer = shards_->ShardOf(store_, path).Write(&context, &response);
  pb::WriteRequest request;
  request.mutable_header()->set_store(store_);
  request.mutable_header()->set_path(path);
  request.mutable_header()->set_size_bytes(size_bytes);
  bool open = writer->Write(request);
  XXH3_state_t* const checksum = XXH3_createState();
  const absl::Cleanup free_checksum = [checksum] { XXH3_freeState(checksum); };
  XXH3_64bits_reset(checksum);
  spool.Rewind();
  absl::Status trouble;
  while (open) {
    request.mutable_data()->resize(kCacheChunkBytes);
    const absl::StatusOr<size_t> length = spool.Next(request.mutable_data()->data(), kCacheChunkBytes);
    if (!length.ok()) trouble = length.status();
    if (!length.ok() || *length == 0) break;
    request.mutable_data()->resize(*length);
    XXH3_64bits_update(checksum, request.data().data(), *length);
    open = writer->Write(request);
  }
  if (!trouble.ok()) context.TryCancel();
  request.set_checksum(XXH3_64bits_digest(checksum));
  if (open && trouble.ok()) writer->Write(request);
  writer->WritesDone();
  const absl::Status status = FromGrpc(writer->Finish());
  ARPENT_RETURN_IF_ERROR(trouble);
  ARPENT_RETURN_IF_ERROR(status);
  return FromProto(response.object());
}

absl::Status RemoteStore::Delete(const std::string& path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string normal, storage::NormalisePath(path));
  if (normal.empty()) return absl::InvalidArgumentError("an object needs a path");
  const ScopedWait wait(TimeKind::kCacheWait);
  pb::DeleteRequest request;
  request.set_store(store_);
  request.set_path(normal);
  pb::DeleteResponse response;
  return Retry(path, [&] {
    grpc::ClientContext context;
    SetDeadline(&context, options_.call_timeout);
    return FromGrpc(shards_->ShardOf(store_, normal).Delete(&context, request, &response));
  });
}

}  // namespace arpent::rpc
