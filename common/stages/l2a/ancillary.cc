#include "common/stages/l2a/ancillary.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "common/base/status.h"
#include "common/geo/transform.h"
#include "common/scene/cams_aerosol.h"

namespace arpent::stages {
namespace {

struct Place {
  double longitude_deg = 0, latitude_deg = 0;
};

std::optional<Place> MiddleOf(const scene::SceneMetadata& metadata) {
  constexpr int kWgs84 = 4326;
  const geo::Extent extent = metadata.grid.extent();
  auto transform = geo::Transform::Create(metadata.grid.epsg, kWgs84);
  if (!transform.ok()) return std::nullopt;
  Place place{(extent.west + extent.east) / 2, (extent.south + extent.north) / 2};
  transform->Forward(place.longitude_deg, place.latitude_deg);
  return place;
}

std::string NameOf(const std::string& uri) { return uri.substr(uri.rfind('/') + 1); }

}  // namespace

double OzoneOf(const scene::SceneMetadata& metadata, std::vector<std::string>& notes) {
  if (metadata.ozone_atmcm > 0) return metadata.ozone_atmcm;
  constexpr double kMeanOzone = 0.3;
  const std::optional<Place> place = MiddleOf(metadata);
  if (!place.has_value()) {
    notes.push_back("ozone: 0.3 atm-cm, neither metadata nor place are known");
    return kMeanOzone;
  }
  const int day = absl::GetYearDay(absl::ToCivilDay(metadata.sensing_start, absl::UTCTimeZone()));
  const double ozone = OzoneClimatology(place->latitude_deg, place->longitude_deg, day);
  if (!std::isfinite(ozone)) return kMeanOzone;
  notes.push_back(absl::StrFormat("ozone: climatology, %.3f atm-cm (van Heuklon 1979)", ozone));
  return ozone;
}

absl::Status TakeCams(const scene::SceneMetadata& metadata, const TaskInput& cams, const StageContext& context, bool choose_model,
                      Air& air) {
  constexpr double kLeastUncertainty = 0.06, kRelativeUncertainty = 0.4;  // against AERONET: Inness et al. 2019
  constexpr double kMostAot = 2;                                          // of the tables
  const std::optional<Place> place = MiddleOf(metadata);
  if (!place.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(metadata.product_id, ": EPSG:", metadata.grid.epsg, " is not known: CAMS needs a place"));
  }
  ARPENT_ASSIGN_OR_RETURN(const scene::CamsAerosol aerosol,
                          scene::ReadCamsAerosol(*context.stores, cams.uri, context.scratch, place->longitude_deg, place->latitude_deg,
                                                 metadata.sensing_start, choose_model));
  air.aot_guess = {.aot = std::min(aerosol.total, kMostAot),
                   .uncertainty = std::max(kLeastUncertainty, kRelativeUncertainty * aerosol.total),
                   .source = absl::StrFormat("%.3f of CAMS (%s)", aerosol.total, NameOf(cams.uri))};
  air.aot.constant = air.aot_guess.aot;
  if (!choose_model) return absl::OkStatus();
  const std::string model = scene::AerosolModelOf(aerosol);
  ARPENT_ASSIGN_OR_RETURN(const kernels::AerosolModel known, kernels::AerosolModelFromName(model));
  air.set_aerosol(known);
  air.notes.push_back(absl::StrFormat("aerosol: %s, by CAMS (%s): dust %.3f, sea salt %.3f, organic %.3f, black carbon %.3f, inorganic %.3f", model,
                                      NameOf(cams.uri), aerosol.dust, aerosol.sea_salt, aerosol.organic, aerosol.black_carbon,
                                      aerosol.inorganic));
  return absl::OkStatus();
}

}  // namespace arpent::stages
