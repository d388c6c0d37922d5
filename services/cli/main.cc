// The `arpent` program: flags to commands, nothing else.
#include <iostream>

#include <CLI/CLI.hpp>

#include "common/base/resources.h"
#include "services/cli/atmosphere_command.h"
#include "services/cli/completion_command.h"
#include "services/cli/output.h"
#include "services/cli/prior_command.h"
#include "services/cli/product_commands.h"
#include "services/cli/run_commands.h"
#include "services/cli/simulate_command.h"
#include "services/cli/site_commands.h"
#include "services/cli/stage_commands.h"
#include "services/cli/up_command.h"
#include "services/cli/usage_error.h"

int main(int argc, char** argv) {
  arpent::LimitHeaps();
  using namespace arpent::cli;  // NOLINT
  CLI::App app("Arpent: country-scale crop maps from Sentinel-2 and Landsat", "arpent");
  app.set_version_flag("--version", "arpent " ARPENT_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  OutputFormat format = OutputFormat::kTable;
  app.add_option_function<std::string>(
         "--output", [&](const std::string& name) { format = name == "json" ? OutputFormat::kJson : OutputFormat::kTable; },
         "table for people, json for scripts")
      ->check(CLI::IsMember({"table", "json"}));
  int exit_code = kDone;
  AddL2aCommand(app, format, exit_code);
  AddPriorCommand(app, format, exit_code);
  AddCompositeCommand(app, format, exit_code);
  AddVegetationCommand(app, format, exit_code);
  AddCropMaskCommand(app, format, exit_code);
  AddCropTypeCommand(app, format, exit_code);
  AddMapCommand(app, format, exit_code);
  AddSiteCommands(app, format, exit_code);
  AddRunCommands(app, format, exit_code);
  AddProductCommands(app, format, exit_code);
  AddWorkerCommands(app, format, exit_code);
  AddStorageCommands(app, format, exit_code);
  AddUpCommand(app, exit_code);
  AddSimulateCommand(app, format, exit_code);
  AddAtmosphereCommand(app, exit_code);
  AddCompletionCommand(app, exit_code);
  app.footer("Examples:\n"
             "  arpent simulate site -o demo && arpent run start -f demo/site.yaml --local --root products\n"
             "  arpent l2a SCENE.SAFE -o products\n"
             "`arpent COMMAND --help` has examples of each.");
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    command->fallthrough();
    for (CLI::App* nested : command->get_subcommands(nullptr)) nested->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForAllHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::cerr << UsageError(app, {argv + 1, argv + argc}, e.what());
    return kUsage;
  }
  return exit_code;
}
