// A site as a YAML file and back. The file has the fields of the message, by the same names, and nothing else: unknown,
// repeated and mistyped keys are INVALID_ARGUMENT naming file and line.
#ifndef ARPENT_COMMON_RPC_SITE_FILE_H_
#define ARPENT_COMMON_RPC_SITE_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "arpent/site/v1/site.pb.h"

namespace arpent::rpc {

// The site as it is written, without defaults. `file` is for messages. What the fields mean together is checked by
// ValidateSite (site_rules.h).
absl::StatusOr<arpent::site::v1::Site> ParseSiteYaml(const std::string& yaml, const std::string& file);

// Reads, parses and validates. NOT_FOUND and PERMISSION_DENIED name the file.
absl::StatusOr<arpent::site::v1::Site> ReadSiteFile(const std::string& path);

// Every field that is set, in the order of the message; ParseSiteYaml gives the same site again.
std::string SiteToYaml(const arpent::site::v1::Site& site);

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_SITE_FILE_H_
