#include "services/cli/run_commands.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/stages/l2a/external_l2a.h"
#include "services/cli/all_in_one.h"
#include "services/cli/command.h"
#include "services/cli/run_explain.h"
#include "services/cli/run_progress.h"
#include "services/cli/run_report.h"
#include "services/cli/site_commands.h"
#include "services/cli/standalone.h"
#include "services/cli/standstill.h"
#include "services/cli/task_explain.h"
#include "services/worker/all_stages.h"
#include "services/worker/worker_factory.h"

namespace arpent::cli {
namespace {

using namespace arpent::run::v1;  // NOLINT: the messages of one service

constexpr absl::Duration kPatience = absl::Seconds(5);  // without news, before a watch tells what is waited for
constexpr size_t kLookedAt = 200;                        // open cells: enough to see what holds a run

struct RunArguments {
  ServerOptions server;
  std::string site, season, file, run_id, request_id;
  AllInOneOptions local;
  ReportRequest report;
  bool use_local = false, detach = false, all = false;
  int priority = 0;
};

std::string NewRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x-%08x-%08x", random(), random(), random());
}

int TerminalWidth() {
  winsize size = {};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

// With --local: an all-in-one that lives as long as the command, which then talks to it. Else null.
absl::StatusOr<std::unique_ptr<AllInOne>> StartIfLocal(RunArguments& arguments) {
  std::unique_ptr<AllInOne> all_in_one;
  if (!arguments.use_local) return all_in_one;
  ARPENT_ASSIGN_OR_RETURN(all_in_one, AllInOne::Start(arguments.local));
  arguments.server = all_in_one->client_options();
  return all_in_one;
}

absl::StatusOr<Run> Start(Connection& connection, const RunArguments& arguments, bool plan_only) {
  StartRunRequest request;
  request.set_request_id(arguments.request_id.empty() ? NewRequestId() : arguments.request_id);
  request.set_site(arguments.site);
  request.set_season(arguments.season);
  request.set_plan_only(plan_only);
  request.set_priority(arguments.priority);
  ARPENT_ASSIGN_OR_RETURN(
      const StartRunResponse response,
      connection.Call<StartRunResponse>(connection.runs(), &RunService::StubInterface::StartRun, request));
  return response.run();
}

absl::StatusOr<std::string> ApplyFile(Connection& connection, const std::string& file, bool local_inputs) {
  ARPENT_ASSIGN_OR_RETURN(const auto output, connection.Store("output"));
  arpent::site::v1::ApplySiteRequest request;
  ARPENT_ASSIGN_OR_RETURN(*request.mutable_site(), ReadSiteWithUploads(file, *output, local_inputs));
  ARPENT_RETURN_IF_ERROR(connection.Call<arpent::site::v1::ApplySiteResponse>(connection.sites(),
                                                                   &arpent::site::v1::SiteService::StubInterface::ApplySite,
                                                                   request)
                             .status());
  return request.site().name();
}

absl::StatusOr<int> PrintRun(Connection& connection, const Run& run, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    WatchRunResponse whole;
    *whole.mutable_run() = run;
    ARPENT_ASSIGN_OR_RETURN(const std::vector<Cell> cells, CellsOf(connection, run.run_id(), {}));
    for (const Cell& cell : cells) *whole.add_cells() = cell;
    std::cout << ToJson(whole) << "\n";
  }
  return ExitCodeOf(run.state());
}

// A run that an earlier process left unfinished is still the site's active one: it is finished first, whatever it was.
absl::Status FinishInterruptedRun(Connection& connection, const std::string& site, OutputFormat format) {
  ListRunsRequest request;
  request.set_site(site);
  ARPENT_ASSIGN_OR_RETURN(const ListRunsResponse response, connection.Call<ListRunsResponse>(
                                                               connection.runs(), &RunService::StubInterface::ListRuns, request));
  for (const Run& run : response.runs()) {
    if (run.state() != RUN_STATE_PLANNING && run.state() != RUN_STATE_RUNNING) continue;
    if (format == OutputFormat::kTable) std::cout << "Going on with run " << run.run_id() << ", which was interrupted\n";
    ARPENT_RETURN_IF_ERROR(WatchToTheEnd(connection, run.run_id(), format).status());
  }
  return absl::OkStatus();
}

absl::Status CheckProcessor(const std::string& processor, const std::string& processors_file) {
  if (processor.empty() || processor == "arpent") return absl::OkStatus();
  ARPENT_ASSIGN_OR_RETURN(const stages::StageRegistry registry, worker::AllStagesWith(processors_file));
  if (registry.count(stages::ProcessorStage(processor)) > 0) return absl::OkStatus();
  std::vector<std::string> known = {"arpent"};
  const std::string prefix = stages::ProcessorStage("");
  for (const auto& [name, function] : registry) {
    if (absl::StartsWith(name, prefix)) known.push_back(name.substr(prefix.size()));
  }
  return absl::FailedPreconditionError(absl::StrCat("l2a.processor: '", processor, "' is not known here; there are ", absl::StrJoin(known, ", "),
                                                    " (--processors FILE names more)"));
}

// No other worker comes to an all-in-one: what this process cannot do would be waited for without end.
absl::Status CheckAbilities(Connection& connection, const RunArguments& arguments) {
  arpent::site::v1::GetSiteRequest request;
  request.set_name(arguments.site);
  ARPENT_ASSIGN_OR_RETURN(const auto response, connection.Call<arpent::site::v1::GetSiteResponse>(
                                                   connection.sites(),
                                                   &arpent::site::v1::SiteService::StubInterface::GetSite, request));
  ARPENT_RETURN_IF_ERROR(CheckProcessor(response.site().l2a().processor(), arguments.local.processors));
  for (const auto& input : response.site().inputs()) {
    if (input.kind() != "arpent-l2a") return TablesInput(worker::TablesFolder(arguments.local.tables)).status();
  }
  return absl::OkStatus();
}

// Starts (or plans) and, unless detached, watches; on an all-in-one that lives as long as the command when --local is set.
absl::StatusOr<int> StartAndWatch(RunArguments arguments, bool plan_only, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto all_in_one, StartIfLocal(arguments));
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  if (!arguments.file.empty()) {
    ARPENT_ASSIGN_OR_RETURN(arguments.site, ApplyFile(*connection, arguments.file, arguments.use_local));
  }
  if (arguments.site.empty()) return absl::InvalidArgumentError("name a site, or give its file with -f");
  const bool wants_report = !arguments.report.file.empty() || !arguments.report.truth.empty();
  if (wants_report && !arguments.use_local) return absl::InvalidArgumentError("--report and --truth go with --local");
  if (arguments.use_local && !plan_only) ARPENT_RETURN_IF_ERROR(CheckAbilities(*connection, arguments));
  if (arguments.use_local) ARPENT_RETURN_IF_ERROR(FinishInterruptedRun(*connection, arguments.site, format));
  ARPENT_ASSIGN_OR_RETURN(Run run, Start(*connection, arguments, plan_only));
  if (arguments.detach && !arguments.use_local) {
    std::cout << (format == OutputFormat::kJson ? ToJson(run) : run.run_id()) << "\n";
    return kDone;
  }
  ARPENT_ASSIGN_OR_RETURN(run, WatchToTheEnd(*connection, run.run_id(), format));
  if (plan_only && format == OutputFormat::kTable) {
    ARPENT_ASSIGN_OR_RETURN(const auto cells, CellsOf(*connection, run.run_id(), {}));
    std::cout << PlanSummary(run, cells);
  }
  if (wants_report) {
    ARPENT_RETURN_IF_ERROR(WriteReport(*connection, all_in_one->stores(), run, arguments.report, format));
  }
  return PrintRun(*connection, run, format);
}

absl::StatusOr<int> List(RunArguments arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto all_in_one, StartIfLocal(arguments));
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ListRunsRequest request;
  request.set_site(arguments.site);
  request.set_page_size(100);
  ListRunsResponse all;
  do {
    ARPENT_ASSIGN_OR_RETURN(
        const ListRunsResponse page,
        connection->Call<ListRunsResponse>(connection->runs(), &RunService::StubInterface::ListRuns, request));
    for (const Run& run : page.runs()) *all.add_runs() = run;
    request.set_page_token(page.next_page_token());
  } while (arguments.all && !request.page_token().empty());
  if (format == OutputFormat::kJson) {
    std::cout << ToJson(all) << "\n";
    return kDone;
  }
  Table table({"run", "site", "season", "state", "started", "cells", "failed", "missing", "degraded"});
  std::string failures, warnings;
  for (const Run& run : all.runs()) {
    int64_t expected = 0, failed = 0, missing = 0, degraded = 0;
    for (const StageCounts& stage : run.stages()) {
      expected += stage.expected();
      failed += stage.failed();
      missing += stage.missing_input();
      degraded += stage.degraded();
    }
    table.Add({run.run_id(), run.site(), run.season(), StateName(run.state()),
               absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixSeconds(run.start_time().seconds()), absl::UTCTimeZone()),
               absl::StrCat(expected), absl::StrCat(failed), absl::StrCat(missing), absl::StrCat(degraded)});
    for (const std::string& warning : run.warnings()) absl::StrAppend(&warnings, run.run_id(), ": ", warning, "\n");
    if (failed == 0) continue;
    ARPENT_ASSIGN_OR_RETURN(const auto cells, CellsOf(*connection, run.run_id(), {CELL_OUTCOME_FAILED}));
    for (const Cell& cell : cells) {
      absl::StrAppend(&failures, run.run_id(), " ", cell.stage(), " ", cell.unit(), ": ", cell.error_code(), ": ",
                      cell.error_message(), "\n");
    }
  }
  std::cout << table.ToString();
  if (!failures.empty()) std::cout << "\nFailures:\n" << failures;
  if (!warnings.empty()) std::cout << "\nWarnings:\n" << warnings;
  return kDone;
}

absl::StatusOr<int> Watch(RunArguments arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto all_in_one, StartIfLocal(arguments));
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const Run run, WatchToTheEnd(*connection, arguments.run_id, format));
  return PrintRun(*connection, run, format);
}

absl::StatusOr<int> Cancel(const RunArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  CancelRunRequest request;
  request.set_run_id(arguments.run_id);
  ARPENT_ASSIGN_OR_RETURN(
      const CancelRunResponse response,
      connection->Call<CancelRunResponse>(connection->runs(), &RunService::StubInterface::CancelRun, request));
  std::cout << (format == OutputFormat::kJson ? ToJson(response.run()) : StateName(response.run().state())) << "\n";
  return kDone;
}

absl::StatusOr<int> Retry(const RunArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  RetryRunRequest request;
  request.set_run_id(arguments.run_id);
  request.set_request_id(NewRequestId());
  ARPENT_ASSIGN_OR_RETURN(
      const RetryRunResponse response,
      connection->Call<RetryRunResponse>(connection->runs(), &RunService::StubInterface::RetryRun, request));
  ARPENT_ASSIGN_OR_RETURN(const Run run, WatchToTheEnd(*connection, response.run().run_id(), format));
  return PrintRun(*connection, run, format);
}

void AddStart(CLI::App& group, bool plan_only, const OutputFormat& format, int& exit_code) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = group.add_subcommand(
      plan_only ? "plan" : "start",
      plan_only ? "Discover scenes and show what a run would do; starts nothing else"
                : "Compute what is new for a season of a site, and watch it");
  command->add_option("site", arguments->site, "Name of a site that was applied");
  command->add_option("-f,--file", arguments->file, "Site file: is applied first")->check(CLI::ExistingFile);
  command->add_option("--season", arguments->season, "Default: the site's only season");
  command->add_flag("--local", arguments->use_local, "On an all-in-one in this process; no server is needed");
  AddAllInOneOptions(*command, arguments->local);
  AddServerOptions(*command, arguments->server);
  command->add_option("--request-id", arguments->request_id, "The same id starts the same run, however often it is sent");
  if (!plan_only) {
    command->add_flag("--detach", arguments->detach, "Print the run's id and return");
    command->add_option("--priority", arguments->priority, "Higher goes first");
    command->add_option("--report", arguments->report.file, "With --local: write the run's page here (HTML)");
    command->add_option("--truth", arguments->report.truth, "With --local: compare with a simulated site's truth folder")
        ->check(CLI::ExistingDirectory);
  }
  command->footer(plan_only ? "Example:\n  arpent run plan -f site.yaml --local"
                            : "Examples:\n  arpent run start -f site.yaml --local --root products\n"
                              "  arpent run start ukraine-east --season 2021 --server coordinator:7070\n"
                              "Exit code: 0 done, 1 failed or cancelled, 2 usage, 3 finished with failed, missing or "
                              "degraded products.");
  OnCall(*command, exit_code, [=, &format] { return StartAndWatch(*arguments, plan_only, format); });
}

// A command about one run.
CLI::App* AddAboutRun(CLI::App& group, const std::string& name, const std::string& what,
                      const std::shared_ptr<RunArguments>& arguments) {
  CLI::App* command = group.add_subcommand(name, what);
  command->add_option("run", arguments->run_id, "Id of the run, as `arpent run list` shows it")->required();
  AddServerOptions(*command, arguments->server);
  command->footer("Example:\n  arpent run " + name + " RUN");
  return command;
}

}  // namespace

absl::StatusOr<std::vector<Cell>> CellsOf(Connection& connection, const std::string& run_id,
                                          const std::vector<CellOutcome>& outcomes, size_t most) {
  ListCellsRequest request;
  request.set_run_id(run_id);
  request.set_page_size(static_cast<int>(std::min<size_t>(most, 1000)));
  for (const CellOutcome outcome : outcomes) request.add_outcomes(outcome);
  std::vector<Cell> cells;
  do {
    ARPENT_ASSIGN_OR_RETURN(
        const ListCellsResponse page,
        connection.Call<ListCellsResponse>(connection.runs(), &RunService::StubInterface::ListCells, request));
    cells.insert(cells.end(), page.cells().begin(), page.cells().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cells.size() < most);
  return cells;
}

absl::StatusOr<Run> WatchToTheEnd(Connection& connection, const std::string& run_id, OutputFormat format) {
  RunProgress progress(std::cout, isatty(STDOUT_FILENO) != 0, TerminalWidth());
  std::optional<Standstill> standstill;
  if (format == OutputFormat::kTable) {
    standstill.emplace(
        kPatience,
        [&] { return CellsOf(connection, run_id, {CELL_OUTCOME_READY, CELL_OUTCOME_WAITING}, kLookedAt); },
        [&](const std::string& awaited) { progress.Note(awaited); });
  }
  WatchRunRequest request;
  request.set_run_id(run_id);
  Run run;
  for (bool heard = true; heard;) {
    heard = false;
    // A broken watch is resumed behind the last change that was seen.
    const absl::Status status = connection.Retry([&] {
      grpc::ClientContext context;
      const auto stream = connection.runs().WatchRun(&context, request);
      WatchRunResponse response;
      while (stream->Read(&response)) {
        heard = true;
        request.set_after_sequence(response.sequence());
        run = response.run();
        if (format == OutputFormat::kTable) progress.Update(response, absl::Now());
        if (standstill) standstill->Heard(run);
      }
      return rpc::FromGrpc(stream->Finish());
    });
    if (status.ok()) break;
    if (!absl::IsUnavailable(status) || !heard) return status;
  }
  standstill.reset();
  if (format == OutputFormat::kTable) progress.Finish(run);
  return run;
}

void AddRunCommands(CLI::App& app, const OutputFormat& format, int& exit_code) {
  CLI::App* group = app.add_subcommand("run", "Runs: plan, start, watch, cancel, retry, explain");
  group->require_subcommand(1);
  AddStart(*group, /*plan_only=*/true, format, exit_code);
  AddStart(*group, /*plan_only=*/false, format, exit_code);

  auto arguments = std::make_shared<RunArguments>();
  CLI::App* list = group->add_subcommand("list", "Runs, newest first, with the causes of their failures");
  list->add_option("--site", arguments->site, "Only this site's");
  list->add_flag("--all", arguments->all, "All pages; default: the newest 100");
  list->add_flag("--local", arguments->use_local, "Of the all-in-one under --root; no server is needed");
  AddAllInOneOptions(*list, arguments->local);
  AddServerOptions(*list, arguments->server);
  list->footer("Example:\n  arpent run list --site ukraine-east");
  OnCall(*list, exit_code, [=, &format] { return List(*arguments, format); });

  arguments = std::make_shared<RunArguments>();
  CLI::App* watch = AddAboutRun(*group, "watch", "Watch a run until it ends", arguments);
  watch->add_flag("--local", arguments->use_local, "Of the all-in-one under --root: goes on with a run that was interrupted");
  AddAllInOneOptions(*watch, arguments->local);
  OnCall(*watch, exit_code, [=, &format] { return Watch(*arguments, format); });
  arguments = std::make_shared<RunArguments>();
  OnCall(*AddAboutRun(*group, "cancel", "Cancel a run; what other runs need goes on", arguments), exit_code,
         [=, &format] { return Cancel(*arguments, format); });
  arguments = std::make_shared<RunArguments>();
  OnCall(*AddAboutRun(*group, "retry", "Try the failed and missing cells of an ended run again", arguments), exit_code,
         [=, &format] { return Retry(*arguments, format); });
  AddExplainCommand(*group, format, exit_code);
}

}  // namespace arpent::cli
