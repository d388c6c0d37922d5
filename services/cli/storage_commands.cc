// `arpent storage copy` and `arpent storage sweep`.
#include <filesystem>
#include <iostream>
#include <memory>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/storage/file_store.h"
#include "common/storage/open_store.h"
#include "common/storage/stores.h"
#include "services/cli/command.h"
#include "services/cli/connection.h"
#include "services/cli/product_commands.h"
#include "services/cli/product_verify.h"
#include "services/cli/storage_copy.h"
#include "services/coordinator/sweep/sweep_plan.h"

namespace arpent::cli {
namespace {

struct StorageArguments {
  ServerOptions server;
  std::string from, to;
  bool dry_run = false;
};

// Runs that have not ended, with the products that their ledgers name.
absl::Status AddRunsInProgress(Connection& connection, coordinator::SweepState& state) {
  using arpent::run::v1::RunService;
  arpent::run::v1::ListRunsRequest list;
  do {
    ARPENT_ASSIGN_OR_RETURN(const auto runs, connection.Call<arpent::run::v1::ListRunsResponse>(
                                                 connection.runs(), &RunService::StubInterface::ListRuns, list));
    for (const auto& run : runs.runs()) {
      if (run.has_end_time()) continue;
      state.runs_in_progress = true;
      arpent::run::v1::ListCellsRequest cells;
      cells.set_run_id(run.run_id());
      do {
        ARPENT_ASSIGN_OR_RETURN(const auto page, connection.Call<arpent::run::v1::ListCellsResponse>(
                                                     connection.runs(), &RunService::StubInterface::ListCells, cells));
        for (const auto& cell : page.cells()) {
          if (!cell.product_uri().empty()) state.in_use.insert(cell.product_uri());
          if (!cell.key().empty()) state.open_keys.insert(cell.key());
        }
        cells.set_page_token(page.next_page_token());
      } while (!cells.page_token().empty());
    }
    list.set_page_token(runs.next_page_token());
  } while (!list.page_token().empty());
  return absl::OkStatus();
}

absl::Status AddSites(Connection& connection, coordinator::SweepState& state) {
  arpent::site::v1::ListSitesRequest list;
  do {
    ARPENT_ASSIGN_OR_RETURN(const auto page,
                            connection.Call<arpent::site::v1::ListSitesResponse>(
                                connection.sites(), &arpent::site::v1::SiteService::StubInterface::ListSites, list));
    state.sites.insert(state.sites.end(), page.sites().begin(), page.sites().end());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<int> SweepStorage(const StorageArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  coordinator::SweepState state;
  state.now = absl::Now();
  // Runs first: a product that one of them publishes meanwhile is then in the list or fresh.
  ARPENT_RETURN_IF_ERROR(AddRunsInProgress(*connection, state));
  arpent::product::v1::ListProductsRequest all;
  all.set_include_old(true);
  ARPENT_ASSIGN_OR_RETURN(const auto products, ListProducts(*connection, all));
  state.products.assign(products.products().begin(), products.products().end());
  ARPENT_RETURN_IF_ERROR(AddSites(*connection, state));
  ARPENT_ASSIGN_OR_RETURN(const auto output, connection->Store("output"));
  storage::StoreSet stores;
  stores.Add("output", output);
  ARPENT_ASSIGN_OR_RETURN(const coordinator::SweepPlan plan, coordinator::PlanSweep(stores, state));
  if (!arguments.dry_run) {
    ARPENT_RETURN_IF_ERROR(coordinator::Sweep(*output, plan, [&](const std::string& key) { return ForgetProduct(*connection, key); }));
  }
  if (format == OutputFormat::kJson) {
    Json removals = Json::array();
    for (const coordinator::SweepPlan::Removal& removal : plan.removals) {
      removals.push_back({{"folder", removal.folder}, {"reason", removal.reason}, {"objects", removal.objects.size()}});
    }
    PrintJson({{"products", plan.removals.size()}, {"bytes", plan.bytes}, {"dry_run", arguments.dry_run},
               {"removals", removals}});
    return kDone;
  }
  Table table({arguments.dry_run ? "would go" : "gone", "why", "objects"});
  for (const coordinator::SweepPlan::Removal& removal : plan.removals) {
    table.Add({removal.folder, removal.reason, absl::StrCat(removal.objects.size())});
  }
  if (!plan.removals.empty()) std::cout << table.ToString();
  std::cout << plan.removals.size() << (plan.removals.size() == 1 ? " product, " : " products, ") << HumanBytes(plan.bytes)
            << (arguments.dry_run ? " (dry run)" : "") << "\n";
  return kDone;
}

struct Place {
  std::shared_ptr<storage::ObjectStore> store;
  std::string path;
};

// "output:/l2a" is behind the tile cache, anything else a folder or a file of this machine.
absl::StatusOr<Place> FindPlace(Connection& connection, const std::string& text, bool is_folder) {
  if (const auto uri = storage::StoreUri::Parse(text); uri.ok()) {
    ARPENT_ASSIGN_OR_RETURN(auto store, connection.Store(uri->store));
    return Place{std::move(store), uri->path};
  }
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(text, error).lexically_normal();
  const std::filesystem::path folder = is_folder ? path : path.parent_path();
  ARPENT_ASSIGN_OR_RETURN(auto store, storage::OpenStore(folder.string() + "?create=true"));
  return Place{std::move(store), is_folder ? "" : path.filename().string()};
}

absl::StatusOr<int> Copy(const StorageArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  std::error_code absent;
  ARPENT_ASSIGN_OR_RETURN(const Place from, FindPlace(*connection, arguments.from,
                                                      std::filesystem::is_directory(arguments.from, absent)));
  const absl::StatusOr<storage::ObjectInfo> object =
      from.path.empty() ? absl::NotFoundError("a root is a folder") : from.store->Stat(from.path);
  ARPENT_ASSIGN_OR_RETURN(const Place to, FindPlace(*connection, arguments.to, !object.ok() || object->is_folder));
  ARPENT_ASSIGN_OR_RETURN(const CopyResult result, CopyObjects(*from.store, from.path, *to.store, to.path));
  if (const auto folder = std::dynamic_pointer_cast<storage::FileStore>(to.store)) {
    // Nobody wants it among copied products. One that somebody else writes to is not empty and stays.
    std::error_code not_empty;
    std::filesystem::remove(std::filesystem::path(folder->root()) / storage::FileStore::kUnfinished, not_empty);
  }
  if (format == OutputFormat::kJson) {
    PrintJson({{"objects", result.objects}, {"bytes", result.bytes}});
  } else {
    std::cout << result.objects << " objects, " << HumanBytes(result.bytes) << "\n";
  }
  return kDone;
}

}  // namespace

void AddStorageCommands(CLI::App& app, const OutputFormat& format, int& exit_code) {
  CLI::App* group = app.add_subcommand("storage", "Storage: copy, sweep");
  group->require_subcommand(1);
  auto arguments = std::make_shared<StorageArguments>();
  CLI::App* sweep = group->add_subcommand("sweep", "Remove old versions and what is past its retention from the output store");
  sweep->add_flag("--dry-run", arguments->dry_run, "Only say what would go");
  AddServerOptions(*sweep, arguments->server);
  sweep->footer("Example:\n  arpent storage sweep --dry-run");
  OnCall(*sweep, exit_code, [=, &format] { return SweepStorage(*arguments, format); });

  arguments = std::make_shared<StorageArguments>();
  CLI::App* copy = group->add_subcommand("copy", "Copy objects into a store, out of one, or between two");
  copy->add_option("from", arguments->from, "File or folder, or STORE:/PATH")->required();
  copy->add_option("to", arguments->to, "Where it is to be, by the same rules; what is there is replaced")->required();
  AddServerOptions(*copy, arguments->server);
  copy->footer("Examples:\n  arpent storage copy scenes input:/l1c\n  arpent storage copy output:/map maps");
  OnCall(*copy, exit_code, [=, &format] { return Copy(*arguments, format); });
}

}  // namespace arpent::cli
