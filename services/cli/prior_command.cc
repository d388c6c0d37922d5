#include "services/cli/prior_command.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/base/status.h"
#include "common/product/publication.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/raster/resample.h"
#include "common/scene/prior_file.h"
#include "services/cli/stage_commands.h"
#include "services/cli/standalone.h"

namespace arpent::cli {
namespace {

using raster::Image;

constexpr double kPixel_m = 60;
constexpr int kFactor = 6;  // from 10 m
constexpr int kStripRows = 64;
constexpr uint16_t kUnclear = raster::kQaNoData | raster::kQaCloud | raster::kQaCirrus | raster::kQaCloudShadow | raster::kQaSnow;

// One product as blue and red at 60 m, clear pixels only: a composite or any L2A.
class Source {
 public:
  static absl::StatusOr<Source> Open(const std::shared_ptr<const storage::StoreSet>& stores, const std::string& uri) {
    Source source;
    const auto description = product::ReadDescription(*stores, uri);
    if (description.ok() && description->stage == "composite") {
      ARPENT_ASSIGN_OR_RETURN(source.blue_, product::RasterReader::Open(stores, uri + "/B02.tif"));
      ARPENT_ASSIGN_OR_RETURN(source.red_, product::RasterReader::Open(stores, uri + "/B04.tif"));
      source.grid_ = source.blue_->grid();
    } else {
      ARPENT_ASSIGN_OR_RETURN(source.l2a_, product::OpenReflectance(stores, uri));
      source.grid_ = source.l2a_->metadata().grid10;
    }
    return source;
  }

  const geo::Grid& grid10() const { return grid_; }

  // `window` in pixels of 60 m; may reach outside.
  absl::StatusOr<Image<int16_t>> Read(const std::string& band, const geo::Window& window) const {
    const geo::Window fine{window.x * kFactor, window.y * kFactor, window.width * kFactor, window.height * kFactor};
    Image<int16_t> pixels(fine.width, fine.height);
    if (l2a_ == nullptr) {
      const product::RasterReader& reader = band == "B02" ? *blue_ : *red_;
      ARPENT_RETURN_IF_ERROR(reader.Read(fine, raster::kReflectanceNoData, pixels.view()));
    } else {
      ARPENT_ASSIGN_OR_RETURN(pixels, l2a_->ReadBand(band, fine));
      ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> qa, l2a_->ReadQa({fine.x / 2, fine.y / 2, fine.width / 2, fine.height / 2}));
      for (int y = 0; y < fine.height; ++y) {
        for (int x = 0; x < fine.width; ++x) {
          if ((qa(x / 2, y / 2) & kUnclear) != 0) pixels(x, y) = raster::kReflectanceNoData;
        }
      }
    }
    Image<int16_t> mean(window.width, window.height);
    raster::ShrinkMean(std::as_const(pixels).view(), kFactor, raster::kReflectanceNoData, mean.view());
    return mean;
  }

 private:
  geo::Grid grid_;
  std::unique_ptr<product::RasterReader> blue_, red_;
  std::unique_ptr<scene::Reflectance> l2a_;
};

// The grid of 60 m that holds all sources, all of one coordinate system and 60 m lattice.
absl::StatusOr<geo::Grid> Around(const std::vector<Source>& sources, const std::vector<std::string>& paths) {
  const geo::Grid& first = sources.front().grid10();
  double west = first.west, north = first.north, east = first.west, south = first.north;
  for (size_t i = 0; i < sources.size(); ++i) {
    const geo::Grid& grid = sources[i].grid10();
    const bool fits = grid.epsg == first.epsg && std::fmod(grid.west - first.west, kPixel_m) == 0 && std::fmod(grid.north - first.north, kPixel_m) == 0;
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat(paths[i], ": lies in EPSG:", grid.epsg, " or off the 60 m lattice of ", paths.front(), " (EPSG:",
                                                     first.epsg, "); make one prior per UTM zone"));
    }
    west = std::min(west, grid.west);
    north = std::max(north, grid.north);
    east = std::max(east, grid.west + grid.width * grid.pixel_m);
    south = std::min(south, grid.north - grid.height * grid.pixel_m);
  }
  return geo::Grid{first.epsg, west, north, kPixel_m, static_cast<int>(std::ceil((east - west) / kPixel_m)),
                   static_cast<int>(std::ceil((north - south) / kPixel_m))};
}

int16_t Median(std::vector<int16_t>& values) {
  if (values.empty()) return raster::kReflectanceNoData;
  const auto middle = values.begin() + static_cast<ptrdiff_t>((values.size() - 1) / 2);  // of two, the darker
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

absl::StatusOr<Image<int16_t>> MedianOf(const std::vector<Source>& sources, const std::string& band, const geo::Grid& grid) {
  Image<int16_t> result(grid.width, grid.height, raster::kReflectanceNoData);
  std::vector<int16_t> values;
  for (int top = 0; top < grid.height; top += kStripRows) {
    const int rows = std::min(kStripRows, grid.height - top);
    std::vector<Image<int16_t>> strips;
    for (const Source& source : sources) {
      const int dx = static_cast<int>(std::lround((grid.west - source.grid10().west) / kPixel_m));
      const int dy = static_cast<int>(std::lround((source.grid10().north - grid.north) / kPixel_m));
      ARPENT_ASSIGN_OR_RETURN(Image<int16_t> strip, source.Read(band, {dx, top + dy, grid.width, rows}));
      strips.push_back(std::move(strip));
    }
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < grid.width; ++x) {
        values.clear();
        for (const Image<int16_t>& strip : strips) {
          if (strip(x, y) != raster::kReflectanceNoData) values.push_back(strip(x, y));
        }
        result(x, top + y) = Median(values);
      }
    }
  }
  return result;
}

struct PriorArguments {
  std::vector<std::string> products;
  std::string output;
};

absl::StatusOr<int> RunPriorCommand(const PriorArguments& arguments, OutputFormat format) {
  const std::filesystem::path output(arguments.output);
  const std::string folder = output.has_parent_path() ? output.parent_path().string() : ".";
  ARPENT_ASSIGN_OR_RETURN(const auto standalone, Standalone::Create({.output_folder = folder, .quiet = true}));
  std::vector<Source> sources;
  for (const std::string& path : arguments.products) {
    ARPENT_ASSIGN_OR_RETURN(const std::string uri, LocalInput(path));
    auto source = Source::Open(standalone->stores(), uri);
    if (!source.ok()) return Annotate(source.status(), path);
    sources.push_back(*std::move(source));
  }
  ARPENT_ASSIGN_OR_RETURN(const geo::Grid grid, Around(sources, arguments.products));
  ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> blue, MedianOf(sources, "B02", grid));
  ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> red, MedianOf(sources, "B04", grid));
  ARPENT_RETURN_IF_ERROR(scene::WritePriorFile(arguments.output, grid, blue, red));
  int64_t known = 0;
  for (size_t i = 0; i < blue.size(); ++i) known += blue.data()[i] != raster::kReflectanceNoData;
  const double percent = std::round(1e4 * static_cast<double>(known) / static_cast<double>(blue.size())) / 100;
  if (format == OutputFormat::kJson) {
    std::cout << nlohmann::json{{"file", arguments.output}, {"products", sources.size()}, {"known_percent", percent}}.dump() << "\n";
  } else {
    std::cout << arguments.output << ": ground known under " << percent << " % of it, from " << sources.size() << " products\n";
  }
  return kDone;
}

}  // namespace

void AddPriorCommand(CLI::App& app, const OutputFormat& format, int& exit_code) {
  auto arguments = std::make_shared<PriorArguments>();
  CLI::App* command = app.add_subcommand("prior", "Blue and red ground of clear dates, an input of later L2A (--prior, auxiliary.prior)");
  command->add_option("products", arguments->products, "Folders of composites or L2A products, of one UTM zone")->required();
  command->add_option("-o,--output-file", arguments->output, "The GeoTIFF to write")->required()->type_name("FILE");
  command->footer("Example:\n  arpent prior products/composite/33TVL/2021/* -o prior.tif");
  OnCall(*command, exit_code, [=, &format] { return RunPriorCommand(*arguments, format); });
}

}  // namespace arpent::cli
