#include "common/scene/scene.h"

#include "common/base/status.h"
#include "common/scene/landsat_scene.h"
#include "common/scene/maja_l2a.h"
#include "common/scene/safe_scene.h"
#include "common/scene/sen2cor_l2a.h"

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
  if (IsLandsat(folder)) return OpenLandsat(folder);
  return OpenSafe(folder, tile);
}

absl::StatusOr<std::unique_ptr<Reflectance>> OpenForeignReflectance(std::shared_ptr<const storage::StoreSet> stores,
                                                                    const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(const ProductFolder folder, ProductFolder::Open(stores, uri));
  if (IsSen2CorL2a(folder)) return OpenSen2Cor(folder);
  if (IsMajaL2a(folder)) return OpenMaja(folder);
  return absl::InvalidArgumentError(absl::StrCat(uri, ": is no Level-2A product: it has neither item.json, MTD_MSIL2A.xml nor *_MTD_ALL.xml"));
}

}  // namespace arpent::scene
