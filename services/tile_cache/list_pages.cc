#include "services/tile_cache/list_pages.h"

#include <algorithm>

#include "common/base/status.h"

namespace arpent::tile_cache {
namespace {

// Listings under way at once; an abandoned one is forgotten when newer ones push it out.
constexpr size_t kKeptListings = 16;

}  // namespace

absl::StatusOr<ListPages::Page> ListPages::Next(storage::ObjectStore& store, const std::string& prefix, bool recursive,
                                                size_t page_size, const std::string& token) {
  Objects objects = token.empty() ? nullptr : Take(store, prefix, recursive, token);
  if (objects == nullptr) {
    ARPENT_ASSIGN_OR_RETURN(std::vector<storage::ObjectInfo> fresh, store.List(prefix, recursive));
    objects = std::make_shared<const std::vector<storage::ObjectInfo>>(std::move(fresh));
  }
  const auto begin = token.empty() ? objects->begin()
                                   : std::upper_bound(objects->begin(), objects->end(), token,
                                                      [](const std::string& path, const storage::ObjectInfo& object) {
                                                        return path < object.path;
                                                      });
  const auto end = begin + std::min<ptrdiff_t>(static_cast<ptrdiff_t>(page_size), objects->end() - begin);
  Page page{.objects = {begin, end}};
  if (end == objects->end()) return page;
  page.next_token = page.objects.back().path;
  absl::MutexLock lock(&mutex_);
  kept_.push_front({&store, prefix, recursive, page.next_token, std::move(objects)});
  if (kept_.size() > kKeptListings) kept_.pop_back();
  return page;
}

ListPages::Objects ListPages::Take(storage::ObjectStore& store, const std::string& prefix, bool recursive,
                                   const std::string& token) {
  absl::MutexLock lock(&mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.store == &store && kept.prefix == prefix && kept.recursive == recursive && kept.token == token;
  });
  if (found == kept_.end()) return nullptr;
  Objects objects = std::move(found->objects);
  kept_.erase(found);
  return objects;
}

}  // namespace arpent::tile_cache
