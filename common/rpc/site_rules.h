// What the fields of a site mean together: defaults, and the checks that need no file. The defaults are those that
// site.proto documents.
#ifndef ARPENT_COMMON_RPC_SITE_RULES_H_
#define ARPENT_COMMON_RPC_SITE_RULES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "arpent/site/v1/site.pb.h"

namespace arpent::rpc {

// Sets every field that is unset and has a default. Names of parcel columns stay unset: naming one demands that the file
// has it.
void FillSiteDefaults(arpent::site::v1::Site* site);

// INVALID_ARGUMENT naming the field ("seasons[0].end") and what is wrong with it. Takes sites with and without defaults.
absl::Status ValidateSite(const arpent::site::v1::Site& site);

// "30m", "12h", "5d" -> duration. INVALID_ARGUMENT for anything else, also for negative spans.
absl::StatusOr<absl::Duration> ParseSpan(absl::string_view text);

// "bbox:W,S,E,N" in degrees, with W < E and S < N. INVALID_ARGUMENT says what is wrong.
struct DegreeBox {
  double west = 0, south = 0, east = 0, north = 0;
  bool Touches(const DegreeBox& other) const {
    return west <= other.east && other.west <= east && south <= other.north && other.south <= north;
  }
};
absl::StatusOr<DegreeBox> ParseBoxArea(absl::string_view area);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_SITE_RULES_H_
