// What the block cache keeps: a run of an object's bytes, named by the object's version and its place in it.
#ifndef ARPENT_COMMON_STORAGE_BLOCK_H_
#define ARPENT_COMMON_STORAGE_BLOCK_H_

#include <cstdint>
#include <memory>
#include <string>

namespace arpent::storage {

// Immutable and shared. Shorter than the cache's block size only at the object's end.
using Block = std::shared_ptr<const std::string>;

// 128 bits of XXH3 over version and place.
struct BlockId {
  uint64_t high = 0, low = 0;
  friend bool operator==(const BlockId&, const BlockId&) = default;
};

struct BlockIdHash {
  size_t operator()(const BlockId& id) const { return id.low; }
};

// One version of one object: store, path and ETag. A new version is another object.
class ObjectVersion {
 public:
  ObjectVersion(const std::string& store, const std::string& path, const std::string& etag);

  BlockId BlockAt(int64_t index) const;
  // What a block on disk says that it is.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  BlockId hash_;
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_BLOCK_H_
