#include "services/cli/run_report.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "common/base/status.h"
#include "common/report/collect.h"
#include "common/report/truth.h"
#include "services/cli/run_commands.h"
#include "services/cli/run_progress.h"

namespace arpent::cli {
namespace {

using arpent::run::v1::Cell;
using arpent::run::v1::Run;
using arpent::run::v1::StageCounts;

constexpr const char* kTimeKinds[] = {"cpu", "run_queue", "cache_wait", "storage_wait", "disk_wait", "other"};

report::Report Describe(const Run& run, const std::vector<Cell>& cells) {
  report::Report page;
  page.site = run.site();
  page.season = run.season();
  page.run_id = run.run_id();
  page.state = StateName(run.state());
  page.version = ARPENT_VERSION;
  page.wall_seconds = static_cast<double>(run.end_time().seconds() - run.start_time().seconds()) +
                      (run.end_time().nanos() - run.start_time().nanos()) * 1e-9;
  for (const StageCounts& stage : run.stages()) {
    report::StageRow row{stage.stage(),   stage.expected(), stage.done(),   stage.reused(),
                         stage.degraded(), stage.skipped(),  stage.failed(), stage.missing_input()};
    for (size_t kind = 0; kind < row.seconds.size(); ++kind) {
      const auto found = stage.time_seconds().find(kTimeKinds[kind]);
      if (found != stage.time_seconds().end()) row.seconds[kind] = found->second;
    }
    page.stages.push_back(std::move(row));
  }
  for (const Cell& cell : cells) {
    if (cell.outcome() == arpent::run::v1::CELL_OUTCOME_FAILED) {
      page.failures.push_back({cell.stage(), cell.unit(), absl::StrCat(cell.error_code(), ": ", cell.error_message())});
    } else if (cell.outcome() == arpent::run::v1::CELL_OUTCOME_MISSING_INPUT) {
      page.failures.push_back({cell.stage(), cell.unit(), absl::StrCat("missing input: ", cell.reason())});
    }
  }
  page.warnings.assign(run.warnings().begin(), run.warnings().end());
  return page;
}

std::vector<report::ProductRef> ProductsOf(const std::vector<Cell>& cells) {
  std::vector<report::ProductRef> products;
  for (const Cell& cell : cells) {
    if (cell.outcome() != arpent::run::v1::CELL_OUTCOME_DONE || cell.product_uri().empty()) continue;
    products.push_back({cell.stage(), cell.product_uri(), cell.tile(), cell.unit()});
  }
  std::sort(products.begin(), products.end(), [](const report::ProductRef& a, const report::ProductRef& b) {
    return std::tie(a.stage, a.tile, a.unit) < std::tie(b.stage, b.tile, b.unit);
  });
  return products;
}

}  // namespace

absl::Status WriteReport(Connection& connection, const std::shared_ptr<const storage::StoreSet>& stores, const Run& run,
                         const ReportRequest& request, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const std::vector<Cell> cells, CellsOf(connection, run.run_id(), {}));
  report::Report page = Describe(run, cells);
  const std::vector<report::ProductRef> products = ProductsOf(cells);
  ARPENT_RETURN_IF_ERROR(report::CollectProducts(stores, products, page));
  if (!request.truth.empty()) {
    const std::string truth = "input:" + std::filesystem::absolute(request.truth).string();
    ARPENT_ASSIGN_OR_RETURN(page.truth, report::CompareWithTruth(stores, products, truth));
    Table table({"against the simulated truth", "found", "aim"});
    for (const report::TruthRow& row : page.truth) table.Add({row.what, row.value, row.expected});
    if (format == OutputFormat::kTable) std::cout << "\n" << table.ToString();
  }
  if (request.file.empty()) return absl::OkStatus();
  std::ofstream file(request.file, std::ios::binary);
  file << report::RenderHtml(page);
  file.close();
  return file ? absl::OkStatus() : absl::PermissionDeniedError(absl::StrCat(request.file, ": cannot be written"));
}

}  // namespace arpent::cli
