#include "common/kernels/atmosphere/sensor.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace arpent::kernels {
namespace {

constexpr std::array<absl::string_view, kSensorCount> kSensorNames = {"S2A", "S2B", "S2C", "LC08", "LC09"};
constexpr std::array<absl::string_view, kAerosolModelCount + 1> kModelNames = {"continental", "maritime", "urban",
                                                                               "desert",      "biomass",  "none"};

}  // namespace

absl::StatusOr<Sensor> SensorFromName(absl::string_view name) {
  if (name == "L8") return Sensor::kLC08;
  if (name == "L9") return Sensor::kLC09;
  for (size_t i = 0; i < kSensorNames.size(); ++i) {
    if (kSensorNames[i] == name) return static_cast<Sensor>(i);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("sensor \"", name, "\" is unknown; use S2A, S2B, S2C, LC08 (L8) or LC09 (L9)"));
}

absl::string_view NameOf(Sensor sensor) { return kSensorNames[static_cast<size_t>(sensor)]; }

absl::StatusOr<AerosolModel> AerosolModelFromName(absl::string_view name) {
  for (size_t i = 0; i < kModelNames.size(); ++i) {
    if (kModelNames[i] == name) return static_cast<AerosolModel>(i);
  }
  return absl::InvalidArgumentError(absl::StrCat("aerosol model \"", name,
                                                 "\" is unknown; use continental, maritime, urban, desert, biomass "
                                                 "or none"));
}

absl::string_view NameOf(AerosolModel model) { return kModelNames[static_cast<size_t>(model)]; }

}  // namespace arpent::kernels
