// `arpent run explain RUN|TASK`: what a run or one of its tasks did with its time, and what it waits for.
#ifndef ARPENT_SERVICES_CLI_TASK_EXPLAIN_H_
#define ARPENT_SERVICES_CLI_TASK_EXPLAIN_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "arpent/run/v1/run.pb.h"
#include "services/cli/output.h"

namespace arpent::cli {

void AddExplainCommand(CLI::App& group, const OutputFormat& format, int& exit_code);

// Whether `name` means this cell: its id, its key or the beginning of it (8 digits or more), or what its unit is called.
bool IsTask(const arpent::run::v1::Cell& cell, const std::string& name);

// One cell: state, worker, time by kind, and the chain of cells that it waits for down to those that hold it up.
std::string ExplainTask(const arpent::run::v1::Run& run, const std::vector<arpent::run::v1::Cell>& cells,
                        const arpent::run::v1::Cell& task);

}  // namespace arpent::cli

#endif  // ARPENT_SERVICES_CLI_TASK_EXPLAIN_H_
