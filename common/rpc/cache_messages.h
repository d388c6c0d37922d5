// What both ends of the gateway's conversation agree on beyond the messages themselves.
#ifndef ARPENT_COMMON_RPC_CACHE_MESSAGES_H_
#define ARPENT_COMMON_RPC_CACHE_MESSAGES_H_

#include <xxhash.h>

#include <cstddef>

#include "arpent/cache/v1/cache_service.pb.h"
#include "common/storage/object_store.h"

namespace arpent::rpc {

// Bytes per message of a stream.
inline constexpr size_t kCacheChunkBytes = size_t{1} << 20;
inline constexpr int kMaxListPage = 1000;

inline uint64_t ChunkChecksum(const char* bytes, size_t length) { return XXH3_64bits(bytes, length); }

inline void ToProto(const storage::ObjectInfo& info, arpent::cache::v1::ObjectInfo* proto) {
  proto->set_path(info.path);
  proto->set_size_bytes(info.size_bytes);
  proto->set_etag(info.etag);
  proto->set_is_folder(info.is_folder);
  if (info.modified < absl::InfiniteFuture()) proto->set_modify_time_us(absl::ToUnixMicros(info.modified));
}

inline storage::ObjectInfo FromProto(const arpent::cache::v1::ObjectInfo& proto) {
  return {.path = proto.path(),
          .size_bytes = proto.size_bytes(),
          .etag = proto.etag(),
          .is_folder = proto.is_folder(),
          .modified = proto.has_modify_time_us() ? absl::FromUnixMicros(proto.modify_time_us()) : absl::InfiniteFuture()};
}

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_CACHE_MESSAGES_H_
