#include "services/cli/stage_commands.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/product/raster_reader.h"
#include "services/cli/command.h"

namespace arpent::cli {
namespace {

using stages::TaskInput;
using stages::TaskResult;
using stages::TaskSpec;

struct L2aArguments {
  StandaloneOptions standalone;
  std::string scene, dem, cams, prior, aerosol = "continental";
  double cloud_limit = 0.9;
  bool no_adjacency = false, no_terrain = false, cirrus = false;
};

absl::StatusOr<int> RunL2aCommand(const L2aArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(auto standalone, Standalone::Create(arguments.standalone));
  ARPENT_ASSIGN_OR_RETURN(const std::string uri, LocalInput(arguments.scene));
  ARPENT_ASSIGN_OR_RETURN(const auto scene, scene::OpenScene(standalone->stores(), uri));
  const scene::SceneMetadata& metadata = scene->metadata();
  ARPENT_ASSIGN_OR_RETURN(TaskSpec task, standalone->NewTask("l2a"));
  task.tile = metadata.tile;
  task.acquisition = metadata.acquisition;
  task.parameters.Set("aerosol", arguments.aerosol);
  task.parameters.Set("cloud_limit", arguments.cloud_limit);
  task.parameters.Set("adjacency", !arguments.no_adjacency);
  task.parameters.Set("terrain", !arguments.no_terrain);
  task.parameters.Set("cirrus", arguments.cirrus);
  task.inputs.push_back({"scene", metadata.digest, uri});
  const std::pair<const char*, std::string> files[] = {{"dem", arguments.dem}, {"cams", arguments.cams}, {"prior", arguments.prior}};
  for (const auto& [role, path] : files) {
    if (path.empty()) continue;
    ARPENT_ASSIGN_OR_RETURN(TaskInput file, standalone->FileInput(role, path));
    task.inputs.push_back(std::move(file));
  }
  ARPENT_ASSIGN_OR_RETURN(TaskInput tables, standalone->TablesInput());
  task.inputs.push_back(std::move(tables));
  ARPENT_ASSIGN_OR_RETURN(const TaskResult result, standalone->Run(task));
  return PrintResult(result, arguments.standalone, format);
}

struct ProductsArguments {
  StandaloneOptions standalone;
  std::vector<std::string> products;
  std::string period, method = "weighted-average", crs, regions, region_column = "name";
  std::string site = "site", season;
  std::vector<std::string> indices = {"ndvi", "ndwi", "brightness"};
  bool brdf = false;
};

absl::StatusOr<int> RunCompositeCommand(const ProductsArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(auto standalone, Standalone::Create(arguments.standalone));
  ARPENT_RETURN_IF_ERROR(geo::Period::Parse(arguments.period).status());
  ARPENT_ASSIGN_OR_RETURN(const auto products, OpenL2aProducts(*standalone, arguments.products));
  std::map<std::string, TaskSpec> tasks;  // by tile
  for (const GivenProduct& product : products) {
    if (!tasks.contains(product.tile)) {
      ARPENT_ASSIGN_OR_RETURN(tasks[product.tile], standalone->NewTask("composite"));
    }
    tasks[product.tile].inputs.push_back(product.input);
  }
  int code = kDone;
  for (auto& [tile, task] : tasks) {
    task.tile = tile;
    task.period = arguments.period;
    task.parameters.Set("method", arguments.method);
    task.parameters.Set("brdf", arguments.brdf);
    ARPENT_ASSIGN_OR_RETURN(const TaskResult result, standalone->Run(task));
    code = std::max(code, PrintResult(result, arguments.standalone, format));
  }
  return code;
}

absl::StatusOr<int> RunVegetationCommand(const ProductsArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(auto standalone, Standalone::Create(arguments.standalone));
  int code = kDone;
  for (const std::string& path : arguments.products) {
    ARPENT_ASSIGN_OR_RETURN(TaskSpec task, standalone->NewTask("vegetation"));
    ARPENT_ASSIGN_OR_RETURN(const std::string uri, LocalInput(path));
    const auto description = product::ReadDescription(*standalone->stores(), uri);
    std::string period;
    if (description.ok() && description->stage == "composite") {
      task.tile = description->tile;
      period = path.substr(0, path.find_last_not_of('/') + 1);
      period = period.substr(period.rfind('/') + 1);
      task.period = period.substr(0, period.rfind('_'));
      task.inputs = {{"composite", description->key, uri}};
    } else {
      ARPENT_ASSIGN_OR_RETURN(const auto products, OpenL2aProducts(*standalone, {path}));
      task.tile = products.front().tile;
      task.acquisition = products.front().acquisition;
      task.inputs = {products.front().input};
    }
    task.parameters.Set("indices", arguments.indices);
    ARPENT_ASSIGN_OR_RETURN(const TaskResult result, standalone->Run(task));
    code = std::max(code, PrintResult(result, arguments.standalone, format));
  }
  return code;
}

absl::StatusOr<int> RunMapCommand(const ProductsArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(auto standalone, Standalone::Create(arguments.standalone));
  ARPENT_ASSIGN_OR_RETURN(TaskSpec task, standalone->NewTask("map"));
  task.site = arguments.site;
  task.season = arguments.season;
  task.parameters.Set("crs", arguments.crs);
  ARPENT_ASSIGN_OR_RETURN(const auto products, OpenProducts(*standalone, "", arguments.products));
  for (const GivenProduct& product : products) task.inputs.push_back(product.input);
  if (!arguments.regions.empty()) {
    ARPENT_ASSIGN_OR_RETURN(TaskInput regions, standalone->FileInput("regions", arguments.regions));
    task.inputs.push_back(std::move(regions));
    task.parameters.Set("region_column", arguments.region_column);
  }
  ARPENT_ASSIGN_OR_RETURN(const TaskResult result, standalone->Run(task));
  return PrintResult(result, arguments.standalone, format);
}

}  // namespace

void AddStandaloneOptions(CLI::App& command, StandaloneOptions& options) {
  command.add_option("-o,--output-folder", options.output_folder, "Folder for the products (made when absent)")
      ->required()
      ->type_name("DIR");
  command.add_option("--threads", options.threads, "Threads; 0: as many as the cgroup allows")->check(CLI::Range(0, 1024));
  command.add_option("--tables", options.tables, "Folder of the look-up tables (default: $ARPENT_TABLES, else beside the program)");
  command.add_flag("--quiet", options.quiet, "No progress display");
}

absl::StatusOr<std::vector<GivenProduct>> OpenL2aProducts(Standalone& standalone,
                                                          const std::vector<std::string>& paths) {
  std::vector<GivenProduct> products;
  for (const std::string& path : paths) {
    ARPENT_ASSIGN_OR_RETURN(const std::string uri, LocalInput(path));
    const auto reflectance = product::OpenReflectance(standalone.stores(), uri);
    if (!reflectance.ok()) return Annotate(reflectance.status(), path);
    const scene::ReflectanceMetadata& metadata = (*reflectance)->metadata();
    std::string key = Sha256Of(metadata.acquisition + uri);  // other people's products have no key of ours
    if (const auto published = product::ReadPublished(*standalone.stores(), uri); published.ok()) key = published->key;
    products.push_back({{"l2a", key, uri}, metadata.tile, metadata.acquisition, metadata.day});
  }
  std::sort(products.begin(), products.end(),
            [](const GivenProduct& a, const GivenProduct& b) { return a.acquisition < b.acquisition; });
  return products;
}

absl::StatusOr<std::vector<GivenProduct>> OpenProducts(Standalone& standalone, const std::string& role,
                                                       const std::vector<std::string>& paths) {
  std::vector<GivenProduct> products;
  for (const std::string& path : paths) {
    ARPENT_ASSIGN_OR_RETURN(const std::string uri, LocalInput(path));
    const auto description = product::ReadDescription(*standalone.stores(), uri);
    if (!description.ok()) return Annotate(description.status(), path);
    products.push_back({{role.empty() ? description->stage : role, description->key, uri}, description->tile, "", {}});
  }
  std::sort(products.begin(), products.end(), [](const GivenProduct& a, const GivenProduct& b) {
    return std::tie(a.input.role, a.tile) < std::tie(b.input.role, b.tile);
  });
  return products;
}

int PrintResult(const TaskResult& result, const StandaloneOptions& options, OutputFormat format) {
  const bool skipped = result.outcome == TaskResult::Outcome::kSkipped;
  std::string folder = result.product.uri;
  if (const size_t colon = folder.find(":/"); colon != std::string::npos) {
    folder = options.output_folder + "/" + folder.substr(colon + 2);
  }
  if (format == OutputFormat::kJson) {
    nlohmann::ordered_json json = {{"outcome", skipped ? "SKIPPED" : "DONE"}};
    if (skipped) json["reason"] = result.skip_reason;
    if (!skipped) {
      json["product"] = folder;
      json["key"] = result.product.key;
      json["degraded"] = result.product.degraded;
      for (const auto& asset : result.product.assets) json["assets"][asset.name] = asset.sha256;
      for (const auto& [name, value] : result.product.numbers) json["properties"][name] = value;
    }
    std::cout << json.dump(2) << "\n";
  } else if (skipped) {
    std::cout << "skipped: " << result.skip_reason << "\n";
  } else {
    std::cout << folder << "\n";
    for (const auto& [name, value] : result.product.numbers) std::cout << "  " << name << " " << value << "\n";
  }
  return result.product.degraded ? kDegraded : kDone;
}

void AddL2aCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  auto arguments = std::make_shared<L2aArguments>();
  CLI::App* command = app.add_subcommand("l2a", "Surface reflectance and masks of one L1C scene");
  command->add_option("scene", arguments->scene, "SAFE folder or .zip, or a Landsat Level 1 folder")->required();
  AddStandaloneOptions(*command, arguments->standalone);
  command->add_option("--dem", arguments->dem, "Elevation above sea level in m (any GDAL raster)");
  command->add_option("--cams", arguments->cams, "Aerosol of CAMS (NetCDF): AOT where the scene does not tell it");
  command->add_option("--prior", arguments->prior, "Ground of clear dates (GeoTIFF of `arpent prior`)");
  command->add_option("--aerosol", arguments->aerosol, "continental, maritime, urban, desert, biomass; auto: by the scene; cams: by --cams")
      ->check(CLI::IsMember({"continental", "maritime", "urban", "desert", "biomass", "auto", "cams"}));
  command->add_option("--cloud-limit", arguments->cloud_limit, "Skip a scene with more cloud than this share")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--no-adjacency", arguments->no_adjacency, "Leave the adjacency correction out");
  command->add_flag("--no-terrain", arguments->no_terrain, "Leave the illumination correction out");
  command->add_flag("--cirrus", arguments->cirrus, "Correct thin cirrus");
  command->footer("Example:\n  arpent l2a S2A_MSIL1C_20150711T100008_N0204_R122_T33TVL_20150711T140008.SAFE -o products");
  OnCall(*command, exit_code, [=, &format] { return RunL2aCommand(*arguments, format); });
}

void AddCompositeCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  auto arguments = std::make_shared<ProductsArguments>();
  CLI::App* command = app.add_subcommand("composite", "Cloud-free composite of L2A products over a period");
  command->add_option("l2a", arguments->products, "L2A product folders")->required();
  AddStandaloneOptions(*command, arguments->standalone);
  command->add_option("--period", arguments->period, "2021-06, 2021-06-D2 or 20210601_20210630")->required();
  command->add_option("--method", arguments->method, "How dates become one")
      ->check(CLI::IsMember({"weighted-average", "median", "medoid", "geometric-median", "best-pixel"}));
  command->add_flag("--brdf", arguments->brdf, "Normalise directional effects first");
  command->footer("Example:\n  arpent composite products/l2a/33TVL/2015/* -o products --period 2015-08");
  OnCall(*command, exit_code, [=, &format] { return RunCompositeCommand(*arguments, format); });
}

void AddVegetationCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  auto arguments = std::make_shared<ProductsArguments>();
  CLI::App* command = app.add_subcommand("vegetation", "Vegetation indices of L2A products or composites");
  command->add_option("products", arguments->products, "L2A or composite product folders")->required();
  AddStandaloneOptions(*command, arguments->standalone);
  command->add_option("--indices", arguments->indices, "Of ndvi, ndwi, evi2, brightness, ndre, s2rep, psri")
      ->delimiter(',');
  command->footer("Example:\n  arpent vegetation products/composite/33TVL/2015-08_* -o products --indices ndvi,evi2");
  OnCall(*command, exit_code, [=, &format] { return RunVegetationCommand(*arguments, format); });
}

void AddMapCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  auto arguments = std::make_shared<ProductsArguments>();
  CLI::App* command = app.add_subcommand("map", "One map of many tiles, each pixel from the tile that owns it");
  command->add_option("products", arguments->products, "Crop-mask and crop-type product folders")->required();
  AddStandaloneOptions(*command, arguments->standalone);
  command->add_option("--crs", arguments->crs, "EPSG:N of the map")->required();
  command->add_option("--regions", arguments->regions, "Polygon file: area of each class per region as CSV");
  command->add_option("--region-column", arguments->region_column, "Column with a region's name");
  command->add_option("--site", arguments->site, "Name of the site in the product's path");
  command->add_option("--season", arguments->season, "Name of the season in the product's path")->default_val("season");
  command->footer("Example:\n  arpent map products/crop-type/site/season/* --crs EPSG:32633 -o products");
  OnCall(*command, exit_code, [=, &format] { return RunMapCommand(*arguments, format); });
}

}  // namespace arpent::cli
