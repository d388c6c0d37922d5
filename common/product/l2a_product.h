// Our own L2A product (and an aligned Landsat one, which has the same shape) as surface reflectance of one date.
//
// What its item must say: folder "{acquisition}_{key12}", datetime, `grid` at the finest resolution, and as numbers the
// scene's mean angles: view:sun_elevation, view:sun_azimuth, view:off_nadir (taken as the zenith angle of the view),
// view:azimuth.
#ifndef ARPENT_COMMON_PRODUCT_L2A_PRODUCT_H_
#define ARPENT_COMMON_PRODUCT_L2A_PRODUCT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/scene/reflectance.h"
#include "common/storage/stores.h"

namespace arpent::product {

// `uri`: the product's folder. NOT_FOUND when it is not published, DATA_LOSS when the item is damaged or is of no L2A;
// damage of the rasters shows when they are read.
absl::StatusOr<std::unique_ptr<scene::Reflectance>> OpenL2aProduct(std::shared_ptr<const storage::StoreSet> stores,
                                                                   const std::string& uri);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_L2A_PRODUCT_H_
