// Makes the report of a run: the ledger from the coordinator, pictures and accuracy from the products.
#ifndef ARPENT_SERVICES_CLI_RUN_REPORT_H_
#define ARPENT_SERVICES_CLI_RUN_REPORT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "arpent/run/v1/run.pb.h"
#include "common/storage/stores.h"
#include "services/cli/connection.h"
#include "services/cli/output.h"

namespace arpent::cli {

struct ReportRequest {
  std::string file;   // the HTML page to write
  std::string truth;  // folder of a simulated site's truth layers; empty: none
};

// Also prints the figures against truth, when there is truth, unless the format is JSON. `stores` can read the products
// ("output") and, for truth, the local file system ("input").
absl::Status WriteReport(Connection& connection, const std::shared_ptr<const storage::StoreSet>& stores,
                         const arpent::run::v1::Run& run, const ReportRequest& request, OutputFormat format);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_RUN_REPORT_H_
