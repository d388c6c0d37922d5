#include "common/storage/block.h"

#include <xxhash.h>

namespace arpent::storage {

ObjectVersion::ObjectVersion(const std::string& store, const std::string& path, const std::string& etag)
    : text_(store + '\n' + path + '\n' + etag) {
  const XXH128_hash_t hash = XXH3_128bits(text_.data(), text_.size());
  hash_ = {hash.high64, hash.low64};
}

BlockId ObjectVersion::BlockAt(int64_t index) const {
  const uint64_t parts[3] = {hash_.high, hash_.low, static_cast<uint64_t>(index)};
  const XXH128_hash_t hash = XXH3_128bits(parts, sizeof(parts));
  return {hash.high64, hash.low64};
}

}  // namespace arpent::storage
