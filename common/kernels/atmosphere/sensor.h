// The sensors and aerosol models that the radiative-transfer tables know, and their names.
#ifndef ARPENT_COMMON_KERNELS_ATMOSPHERE_SENSOR_H_
#define ARPENT_COMMON_KERNELS_ATMOSPHERE_SENSOR_H_

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent::kernels {

enum class Sensor { kS2A, kS2B, kS2C, kLC08, kLC09 };
inline constexpr int kSensorCount = 5;

// "S2A", "S2B", "S2C", "LC08" (or "L8"), "LC09" (or "L9"): SceneMetadata::platform. INVALID_ARGUMENT for another.
absl::StatusOr<Sensor> SensorFromName(absl::string_view name);
absl::string_view NameOf(Sensor sensor);

// kNone is an atmosphere of molecules alone, whatever the AOT says.
enum class AerosolModel { kContinental, kMaritime, kUrban, kDesert, kBiomass, kNone };
inline constexpr int kAerosolModelCount = 5;  // kNone is not counted: it needs no table of its own
inline constexpr std::array<AerosolModel, kAerosolModelCount> kAerosolModels = {
    AerosolModel::kContinental, AerosolModel::kMaritime, AerosolModel::kUrban, AerosolModel::kDesert,
    AerosolModel::kBiomass};

// "continental", "maritime", "urban", "desert", "biomass", "none". INVALID_ARGUMENT for another.
absl::StatusOr<AerosolModel> AerosolModelFromName(absl::string_view name);
absl::string_view NameOf(AerosolModel model);

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_ATMOSPHERE_SENSOR_H_
