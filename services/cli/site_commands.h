// `arpent site apply|get|list|delete`.
#ifndef ARPENT_SERVICES_CLI_SITE_COMMANDS_H_
#define ARPENT_SERVICES_CLI_SITE_COMMANDS_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "arpent/site/v1/site.pb.h"
#include "common/storage/object_store.h"
#include "services/cli/output.h"

namespace arpent::cli {

void AddSiteCommands(CLI::App& app, const OutputFormat& format, int& exit_code);

// Reads a site file; every auxiliary file that is local (parcels, strata, DEM, ...) goes up to `output` as
// inputs/{digest}/{name}, with the files that belong to it (.dbf, .shx, .prj of a Shapefile), and its field then names
// that place. Paths are relative to the site file. Scenes (`inputs`) stay where they are: a local folder becomes
// "input:/absolute/path" when `local_inputs` is set, else it is an error that says what to write.
absl::StatusOr<arpent::site::v1::Site> ReadSiteWithUploads(const std::string& site_file, storage::ObjectStore& output,
                                                           bool local_inputs);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_SITE_COMMANDS_H_
