#include "services/cli/task_explain.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "services/cli/command.h"
#include "services/cli/connection.h"
#include "services/cli/run_commands.h"
#include "services/cli/run_explain.h"
#include "services/cli/run_progress.h"

namespace arpent::cli {
namespace {

using namespace arpent::run::v1;  // NOLINT: the messages of one package

constexpr size_t kLeastDigits = 8;      // of a key's beginning
constexpr int kRunsSearched = 20;       // newest first
constexpr int kDeepest = 6;             // of the chain of cells that wait for each other
constexpr size_t kLinesShown = 40;

struct Arguments {
  ServerOptions server;
  std::string name, unit;
};

std::string StateOf(const Cell& cell) {
  std::string text = OutcomeName(cell.outcome());
  if (cell.outcome() == CELL_OUTCOME_RUNNING) {
    absl::StrAppend(&text, absl::StrFormat(", %.0f %% done", cell.progress() * 100), " on ", cell.worker());
  }
  if (cell.parts() > 0) absl::StrAppend(&text, ", ", cell.parts_done(), " of ", cell.parts(), " parts");
  if (cell.attempts() > 1) absl::StrAppend(&text, ", attempt ", cell.attempts());
  if (cell.reused()) absl::StrAppend(&text, ", the product was there already");
  if (cell.degraded()) absl::StrAppend(&text, ", degraded: an expected input failed");
  if (!cell.reason().empty()) absl::StrAppend(&text, ": ", cell.reason());
  if (!cell.error_code().empty()) absl::StrAppend(&text, "; last failure ", cell.error_code(), ": ", cell.error_message());
  return text;
}

std::string TimesOf(const Cell& cell) {
  double total = 0;
  for (const auto& [kind, seconds] : cell.time_seconds()) total += seconds;
  if (total <= 0) return "";
  Table table({"kind", "thread time", "share"});
  for (const char* const kind : {"cpu", "run_queue", "cache_wait", "storage_wait", "disk_wait", "other"}) {
    const auto found = cell.time_seconds().find(kind);
    const double seconds = found == cell.time_seconds().end() ? 0 : found->second;
    table.Add({kind, HumanSeconds(seconds), absl::StrFormat("%.0f %%", 100 * seconds / total)});
  }
  const double last = google::protobuf::util::TimeUtil::DurationToMilliseconds(cell.duration()) / 1e3;
  return absl::StrCat("\nWhere the time went (all attempts; the last took ", HumanSeconds(last), ")\n", table.ToString());
}

// The cells that hold up another one, each below what waits for it; shared ones once.
class Chain {
 public:
  explicit Chain(const std::vector<Cell>& cells) {
    for (const Cell& cell : cells) by_id_[cell.cell_id()] = &cell;
  }

  std::string Describe(const Cell& waiting) {
    Add(waiting, 1);
    return text_;
  }

 private:
  void Add(const Cell& waiting, int depth) {
    for (const std::string& id : waiting.waits_for_cells()) {
      const auto found = by_id_.find(id);
      if (found == by_id_.end() || !shown_.insert(id).second) continue;
      if (shown_.size() > kLinesShown) {
        if (shown_.size() == kLinesShown + 1) absl::StrAppend(&text_, "  ... and more\n");
        return;
      }
      const Cell& cell = *found->second;
      const bool waits_itself = cell.outcome() == CELL_OUTCOME_READY && !cell.waiting_for().empty();
      absl::StrAppend(&text_, std::string(2 * depth, ' '), id, ": ", StateOf(cell),
                      waits_itself ? absl::StrCat("; waits for ", cell.waiting_for()) : "", "\n");
      if (depth < kDeepest) Add(cell, depth + 1);
    }
  }

  std::map<std::string, const Cell*> by_id_;
  std::set<std::string> shown_;
  std::string text_;
};

absl::StatusOr<Run> RunOf(Connection& connection, const std::string& run_id) {
  GetRunRequest request;
  request.set_run_id(run_id);
  ARPENT_ASSIGN_OR_RETURN(
      const GetRunResponse response,
      connection.Call<GetRunResponse>(connection.runs(), &RunService::StubInterface::GetRun, request));
  return response.run();
}

struct Found {
  Run run;
  std::vector<Cell> cells;
  int task = -1;  // index; -1: the run itself is meant
};

int FindTask(const std::vector<Cell>& cells, const std::string& name) {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const Cell& cell) { return IsTask(cell, name); });
  return found == cells.end() ? -1 : static_cast<int>(found - cells.begin());
}

// "RUN", "RUN/TASK" or "TASK", which is looked for in the newest runs.
absl::StatusOr<Found> Find(Connection& connection, const std::string& name) {
  const std::string run_part = name.substr(0, name.find('/'));
  for (const std::string& run_id : {name, run_part}) {
    absl::StatusOr<Run> run = RunOf(connection, run_id);
    if (!run.ok() && !absl::IsNotFound(run.status())) return run.status();
    if (!run.ok()) continue;
    Found found{.run = *std::move(run)};
    ARPENT_ASSIGN_OR_RETURN(found.cells, CellsOf(connection, run_id, {}));
    if (run_id == name) return found;
    const std::string task = name.substr(run_part.size() + 1);
    found.task = FindTask(found.cells, task);
    if (found.task >= 0) return found;
    return absl::NotFoundError(absl::StrCat("run ", run_id, " has no task '", task, "'"));
  }
  ListRunsRequest request;
  request.set_page_size(kRunsSearched);
  ARPENT_ASSIGN_OR_RETURN(
      const ListRunsResponse newest,
      connection.Call<ListRunsResponse>(connection.runs(), &RunService::StubInterface::ListRuns, request));
  for (const Run& run : newest.runs()) {
    Found found{.run = run};
    ARPENT_ASSIGN_OR_RETURN(found.cells, CellsOf(connection, run.run_id(), {}));
    found.task = FindTask(found.cells, name);
    if (found.task >= 0) return found;
  }
  return absl::NotFoundError(absl::StrCat("'", name, "' is neither a run nor a task of the newest ", newest.runs_size(),
                                          " runs; `arpent run list` shows runs, `arpent run explain RUN` their tasks"));
}

absl::StatusOr<int> Explain(const Arguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const Found found, Find(*connection, arguments.name));
  if (format == OutputFormat::kJson) {
    WatchRunResponse whole;
    *whole.mutable_run() = found.run;
    for (size_t i = 0; i < found.cells.size(); ++i) {
      if (found.task < 0 || found.task == static_cast<int>(i)) *whole.add_cells() = found.cells[i];
    }
    std::cout << ToJson(whole) << "\n";
  } else if (found.task < 0) {
    std::cout << ExplainRun(found.run, found.cells, arguments.unit);
  } else {
    std::cout << ExplainTask(found.run, found.cells, found.cells[found.task]);
  }
  return kDone;
}

}  // namespace

bool IsTask(const Cell& cell, const std::string& name) {
  // Workers log a part of a product as KEY#3.
  const std::string key = name.substr(0, name.find('#'));
  return cell.cell_id() == name || cell.unit() == name || (key.size() >= kLeastDigits && absl::StartsWith(cell.key(), key));
}

std::string ExplainTask(const Run& run, const std::vector<Cell>& cells, const Cell& task) {
  std::string text = absl::StrCat("Task ", task.cell_id(), " of run ", run.run_id(), ": ", StateOf(task), "\n");
  if (!task.key().empty()) absl::StrAppend(&text, "  key     ", task.key(), "\n");
  if (!task.product_uri().empty()) absl::StrAppend(&text, "  product ", task.product_uri(), "\n");
  if (!task.worker().empty()) absl::StrAppend(&text, "  worker  ", task.worker(), "\n");
  if (!run.trace_id().empty()) absl::StrAppend(&text, "  trace   ", run.trace_id(), "\n");
  absl::StrAppend(&text, TimesOf(task));
  if (!task.waiting_for().empty()) {
    absl::StrAppend(&text, "\nIt waits for ", task.waiting_for(), "\n", Chain(cells).Describe(task));
  }
  const auto waiting = std::count_if(cells.begin(), cells.end(), [&](const Cell& cell) {
    const auto& ids = cell.waits_for_cells();
    return std::find(ids.begin(), ids.end(), task.cell_id()) != ids.end();
  });
  if (waiting > 0) absl::StrAppend(&text, "\n", waiting, waiting == 1 ? " task waits" : " tasks wait", " for it\n");
  return text;
}

void AddExplainCommand(CLI::App& group, const OutputFormat& format, int& exit_code) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command = group.add_subcommand("explain", "Where the time went, and why something waits");
  command->add_option("run-or-task", arguments->name, "Id of a run; or a task: its id (stage/unit), key or unit, or RUN/TASK")
      ->required();
  command->add_option("--task", arguments->unit, "Of a run: only cells whose unit contains this text");
  AddServerOptions(*command, arguments->server);
  command->footer("Examples:\n  arpent run explain RUN\n  arpent run explain composite/33TVL/2021-06\n"
                  "  arpent run explain 4b6af5110d5e");
  OnCall(*command, exit_code, [=, &format] { return Explain(*arguments, format); });
}

}  // namespace arpent::cli
