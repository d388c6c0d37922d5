#include "services/cli/simulate_command.h"

#include <unistd.h>

#include <iostream>
#include <memory>

#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/simulate/site.h"
#include "services/cli/command.h"

namespace arpent::cli {
namespace {

struct SimulateArguments {
  simulate::SiteOptions site;
  std::string level = "l1c", start = "2021-03-20", end = "2021-10-10";
  bool no_truth = false;
};

absl::Status Run(SimulateArguments& arguments) {
  simulate::SiteOptions& site = arguments.site;
  site.level_l2a = arguments.level == "l2a";
  site.truth = !arguments.no_truth;
  ARPENT_ASSIGN_OR_RETURN(site.first, geo::ParseDay(arguments.start));
  ARPENT_ASSIGN_OR_RETURN(site.last, geo::ParseDay(arguments.end));
  if (site.threads <= 0) site.threads = DetectResourceLimits().Threads();
  if (isatty(STDERR_FILENO)) {
    site.progress = [](const std::string& what, double done) {
      std::cerr << "\r" << what << " " << static_cast<int>(done * 100) << " %  " << std::flush;
    };
  }
  const absl::Status status = simulate::SimulateSite(site);
  if (isatty(STDERR_FILENO)) std::cerr << "\r\033[K" << std::flush;
  return status;
}

}  // namespace

void AddSimulateCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  CLI::App* group = app.add_subcommand("simulate", "Simulated scenes with known truth");
  group->require_subcommand(1);
  auto arguments = std::make_shared<SimulateArguments>();
  simulate::SiteOptions& site = arguments->site;
  site.threads = 0;
  CLI::App* command = group->add_subcommand("site", "A whole site: scenes, truth, parcels and its site file");
  command->add_option("-o,--output-folder", site.folder, "Folder to write (made when absent)")->required()->type_name("DIR");
  command->add_option("--name", site.name, "Name of the site")->capture_default_str();
  command->add_option("--tiles", site.tiles, "Sentinel-2 tiles")->delimiter(',')->capture_default_str();
  command->add_option("--size", site.size, "10 m pixels a side of each tile, a multiple of 6, at most 10980")->capture_default_str();
  command->add_option("--dates", site.dates, "Overpasses, spread evenly over the season")->capture_default_str();
  command->add_option("--start", arguments->start, "First day of the season")->capture_default_str();
  command->add_option("--end", arguments->end, "Last day of the season")->capture_default_str();
  command->add_option("--seed", site.seed, "Same seed, same bytes")->capture_default_str();
  command->add_option("--level", arguments->level, "l1c: SAFE products; l2a: surface reflectance")
      ->check(CLI::IsMember({"l1c", "l2a"}))
      ->capture_default_str();
  command->add_option("--baseline", site.baseline, "Processing baseline; from 04.00 on with radiometric offset")->capture_default_str();
  command->add_option("--orbits", site.orbits, "2: two swaths that overlap, in turn")->capture_default_str();
  command->add_option("--clouds", site.cloud_cover, "Mean cloud cover, 0 to 1")->capture_default_str();
  command->add_option("--aot", site.aot_550, "Mean aerosol optical thickness at 550 nm")->capture_default_str();
  command->add_option("--aerosol", site.aerosol, "Aerosol model: continental, maritime, urban, desert, biomass or none")
      ->capture_default_str();
  command->add_option("--atmosphere-data", site.radiative_data, "Folder of the solver's input files (default: as installed)");
  command->add_option("--water-vapour", site.water_vapour_gcm2, "Mean water vapour column, g/cm2")->capture_default_str();
  command->add_option("--relief", site.relief_m, "Height of hills in m; 0 is flat")->capture_default_str();
  command->add_option("--parcel", site.parcel_m, "Mean distance between neighbouring fields, m")->capture_default_str();
  command->add_option("--noise", site.noise_dn, "Deviation of the sensor's noise, digital numbers")->capture_default_str();
  command->add_flag("--no-truth", arguments->no_truth, "Leave the truth layers out");
  command->add_option("--threads", site.threads, "0: as many as the cgroup allows")->capture_default_str();
  command->footer("Examples:\n  arpent simulate site -o demo\n"
                  "  arpent simulate site -o full --size 10980 --dates 1 --no-truth\n"
                  "  arpent simulate site -o border --tiles 32UQV,33UUQ --size 1200");
  OnCall(*command, exit_code, [arguments, &format]() -> absl::StatusOr<int> {
    ARPENT_RETURN_IF_ERROR(Run(*arguments));
    const std::string site_file = arguments->site.folder + "/site.yaml";
    if (format == OutputFormat::kJson) {
      PrintJson({{"site_file", site_file}});
    } else {
      std::cout << site_file << std::endl;
    }
    return kDone;
  });
}

}  // namespace arpent::cli
