#include "common/scene/scene.h"

#include "common/base/status.h"
#include "common/scene/safe_scene.h"

namespace arpent::scene {

int SceneMetadata::BandIndex(const std::string& name) const {
  for (size_t i = 0; i < bands.size(); ++i) {
    if (bands[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

const Band* SceneMetadata::FindBand(const std::string& name) const {
  const int index = BandIndex(name);
  return index < 0 ? nullptr : &bands[index];
}

absl::StatusOr<std::unique_ptr<Scene>> OpenScene(std::shared_ptr<const storage::StoreSet> stores, const std::string& uri) {
  const size_t mark = uri.rfind('#');
  const std::string product = uri.substr(0, mark);
  const std::string tile = mark == std::string::npos ? "" : uri.substr(mark + 1);
  ARPENT_ASSIGN_OR_RETURN(const ProductFolder folder, ProductFolder::Open(stores, product));
  return OpenSafe(folder, tile);
}

}  // namespace arpent::scene
