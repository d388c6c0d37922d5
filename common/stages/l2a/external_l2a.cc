#include "common/stages/l2a/external_l2a.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/product/layout.h"
#include "common/raster/codes.h"
#include "common/scene/product_folder.h"
#include "common/scene/reflectance.h"
#include "common/stages/l2a/describe.h"
#include "common/stages/l2a/quality.h"

namespace arpent::stages {
namespace {

namespace fs = std::filesystem;
using raster::Image;

constexpr int kStripRows = 512;

std::string LastComponent(const std::string& uri) { return uri.substr(uri.rfind('/') + 1); }

// Copies a file, or a folder with all that is below, to `target`. `uri` without "#tile".
absl::Status CopyIn(const storage::StoreSet& stores, const std::string& uri, const std::string& target) {
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri parsed, storage::StoreUri::Parse(uri));
  const auto copy = [&](const std::string& path, const fs::path& to) -> absl::Status {
    std::error_code error;
    fs::create_directories(to.parent_path(), error);
    ARPENT_ASSIGN_OR_RETURN(const std::string bytes, stores.ReadAll(storage::StoreUri{parsed.store, path}.ToString()));
    std::ofstream file(to, std::ios::binary);
    file << bytes;
    file.close();
    return file ? absl::OkStatus() : absl::ResourceExhaustedError(absl::StrCat(to.string(), ": cannot be written"));
  };
  ARPENT_ASSIGN_OR_RETURN(const auto objects, stores.List(uri, /*recursive=*/true));
  const std::string prefix = parsed.path + "/";
  bool folder = false;
  for (const storage::ObjectInfo& object : objects) {
    if (object.is_folder || !absl::StartsWith(object.path, prefix)) continue;
    folder = true;
    ARPENT_RETURN_IF_ERROR(copy(object.path, fs::path(target) / object.path.substr(prefix.size())));
  }
  return folder ? absl::OkStatus() : copy(parsed.path, target);
}

// The folder below `root` that holds a Level-2A product's metadata; "" when there is none.
std::string FindProduct(const std::string& root) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == "MTD_MSIL2A.xml" || absl::EndsWith(name, "_MTD_ALL.xml")) found.push_back(entry->path().parent_path().string());
  }
  return found.empty() ? "" : *std::min_element(found.begin(), found.end());
}

class ExternalRun {
 public:
  ExternalRun(const TaskSpec& task, const StageContext& context, const ExternalProcessor& processor)
      : task_(task), context_(context), processor_(processor) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(cloud_limit_, task_.parameters.GetDouble("cloud_limit"));
    ARPENT_ASSIGN_OR_RETURN(const ProcessorRun run, LayOut());
    ARPENT_RETURN_IF_ERROR(Execute(processor_, run, context_.cancelled));
    context_.progress(0.8);
    const std::string made = FindProduct(run.values.at("output"));
    if (made.empty()) {
      return absl::InternalError(absl::StrCat("processor ", processor_.name, " ended well but left no Level-2A product (MTD_MSIL2A.xml or ",
                                              "*_MTD_ALL.xml) in its output folder"));
    }
    const std::string uri = absl::StrCat(ProductUri(product::WorkFolder(task_.Key())), "/", LastComponent(made));
    const absl::Cleanup remove = [&] { Remove(uri); };
    ARPENT_RETURN_IF_ERROR(Upload(made, uri));
    ARPENT_ASSIGN_OR_RETURN(const auto product, scene::OpenForeignReflectance(context_.stores, uri));
    return Publish(*product);
  }

 private:
  // The work folder with everything that the command may name.
  absl::StatusOr<ProcessorRun> LayOut() {
    ProcessorRun run;
    run.work_folder = context_.scratch + "/processor";
    run.log_file = context_.scratch + "/processor.log";
    for (const char* folder : {"input", "output", "scratch", "history"}) {
      run.values[folder] = absl::StrCat(run.work_folder, "/", folder);
      fs::create_directories(run.values[folder]);
    }
    run.values["dem"] = "";
    run.values["mode"] = "INIT";
    for (const TaskInput& input : task_.inputs) {
      const std::string uri = input.uri.substr(0, input.uri.rfind('#'));
      const std::string name = LastComponent(uri);
      if (input.role == "scene") {
        const std::string target = absl::StrCat(run.values["input"], "/", name);
        ARPENT_RETURN_IF_ERROR(CopyIn(*context_.stores, uri, target));
        ARPENT_ASSIGN_OR_RETURN(const auto scene, scene::OpenScene(context_.stores, input.uri));
        metadata_ = scene->metadata();
        run.values["input"] = target;
      } else if (input.role == "history") {
        ARPENT_RETURN_IF_ERROR(CopyIn(*context_.stores, uri, absl::StrCat(run.values["history"], "/", name)));
        run.values["mode"] = "BACKWARD";
      } else if (input.role == "dem") {
        run.values["dem"] = absl::StrCat(run.work_folder, "/", name);
        ARPENT_RETURN_IF_ERROR(CopyIn(*context_.stores, uri, run.values["dem"]));
      }
    }
    if (metadata_.product_id.empty()) return absl::InvalidArgumentError("l2a: the task has no input of role 'scene'");
    return run;
  }

  // GDAL reads what lies in stores: the product goes there for the time of its conversion.
  absl::Status Upload(const std::string& folder, const std::string& uri) const {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(file)), {});
      ARPENT_RETURN_IF_ERROR(
          context_.stores->WriteAll(absl::StrCat(uri, "/", fs::relative(entry.path(), folder).generic_string()), bytes));
    }
    return absl::OkStatus();
  }

  void Remove(const std::string& uri) const {
    const auto store = context_.stores->Find("output");
    const auto objects = context_.stores->List(uri, /*recursive=*/true);
    if (!store.ok() || !objects.ok()) return;
    for (const storage::ObjectInfo& object : *objects) {
      if (!object.is_folder) (void)(*store)->Delete(object.path);  // what stays is swept with other old work
    }
  }

  absl::StatusOr<TaskResult> Publish(const scene::Reflectance& product) {
    const scene::ReflectanceMetadata& made = product.metadata();
    if (made.tile != metadata_.tile) {
      return absl::InvalidArgumentError(absl::StrCat("processor ", processor_.name, " made a product of tile ", made.tile, ", the scene is of ", metadata_.tile));
    }
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> qa, product.ReadQa(made.grid10.WithPixel(20).Whole()));
    TaskResult result;
    product::ProductDescription description = DescribeL2a(task_, metadata_);
    description.grid = made.grid10;
    const double cloud = Count(made, qa, description);
    if (cloud > cloud_limit_) {
      result.outcome = TaskResult::Outcome::kSkipped;
      result.skip_reason = "cloudy";
      result.product.numbers["eo:cloud_cover"] = cloud * 100;
      return result;
    }
    product::Publication publication(context_.stores, context_.scratch, description);
    ARPENT_RETURN_IF_ERROR(ParallelFor(made.bands.size(), context_.threads,
                                       [&](size_t i) { return WriteBand(product, made.bands[i], publication); }));
    const geo::Grid grid20 = made.grid10.WithPixel(20);
    ARPENT_RETURN_IF_ERROR((WriteLayer<uint8_t>("SCL", SclOptions(), grid20, publication, [&](const geo::Window& w) { return product.ReadScl(w); })));
    ARPENT_RETURN_IF_ERROR((WriteLayer<uint16_t>("QA", QaOptions(), grid20, publication, [&](const geo::Window& w) { return product.ReadQa(w); })));
    ARPENT_RETURN_IF_ERROR((WriteLayer<uint16_t>("AOT", AmountOptions("Aerosol optical thickness, 550 nm", "1"), grid20, publication,
                                                 [&](const geo::Window& w) { return product.ReadAot(w); })));
    ARPENT_ASSIGN_OR_RETURN(result.product, publication.Publish());
    result.pixels = int64_t{made.grid10.width} * made.grid10.height;
    result.area_km2 = static_cast<double>(result.pixels) * 1e-4;
    return result;
  }

  // Fills in what the item counts; the cloudy share of the pixels with data.
  double Count(const scene::ReflectanceMetadata& made, const Image<uint16_t>& qa, product::ProductDescription& description) const {
    int64_t with_data = 0, cloud = 0, snow = 0;
    for (size_t i = 0; i < qa.size(); ++i) {
      const uint16_t bits = qa.data()[i];
      if (bits & raster::kQaNoData) continue;
      ++with_data;
      cloud += (bits & raster::kQaCloud) != 0;
      snow += (bits & raster::kQaSnow) != 0;
    }
    const double all = static_cast<double>(std::max<int64_t>(1, with_data));
    const auto percent = [&](int64_t count) { return std::round(1e4 * static_cast<double>(count) / all) / 100; };
    description.numbers["eo:cloud_cover"] = percent(cloud);
    description.numbers["eo:snow_cover"] = percent(snow);
    description.numbers["view:sun_elevation"] = 90 - made.sun_zenith_deg;
    description.numbers["view:sun_azimuth"] = made.sun_azimuth_deg;
    description.numbers["view:off_nadir"] = made.view_zenith_deg;
    description.numbers["view:azimuth"] = made.view_azimuth_deg;
    description.texts["arpent:processor"] = processor_.name;
    description.notes = {absl::StrCat("made by the external processor ", processor_.name)};
    return static_cast<double>(cloud) / all;
  }

  absl::Status WriteBand(const scene::Reflectance& product, const std::string& band, product::Publication& publication) const {
    product::RasterOptions options;
    options.type = product::PixelType::kInt16;
    options.no_data = raster::kReflectanceNoData;
    options.scale = 1e-4;
    options.unit = "1";
    options.description = absl::StrCat("Surface reflectance, ", band);
    return WriteLayer<int16_t>(band, options, product.metadata().grid10.WithPixel(product.ResolutionOf(band)), publication,
                               [&](const geo::Window& w) { return product.ReadBand(band, w); });
  }

  template <typename T, typename Reader>
  absl::Status WriteLayer(const std::string& name, const product::RasterOptions& options, const geo::Grid& grid,
                          product::Publication& publication, const Reader& read) const {
    ARPENT_ASSIGN_OR_RETURN(auto writer, publication.CreateRaster(name, grid, options, 1));
    for (int y = 0; y < grid.height; y += kStripRows) {
      if (context_.cancelled()) return absl::CancelledError("l2a: cancelled");
      const geo::Window window{0, y, grid.width, std::min(kStripRows, grid.height - y)};
      ARPENT_ASSIGN_OR_RETURN(const Image<T> pixels, read(window));
      ARPENT_RETURN_IF_ERROR(writer->Write(window, pixels.view()));
    }
    return publication.FinishRaster(name, std::move(writer));
  }

  const TaskSpec& task_;
  const StageContext& context_;
  const ExternalProcessor& processor_;
  scene::SceneMetadata metadata_;
  double cloud_limit_ = 1;
};

}  // namespace

absl::StatusOr<TaskResult> RunExternalL2a(const TaskSpec& task, const StageContext& context, const ExternalProcessor& processor) {
  return ExternalRun(task, context, processor).Run();
}

std::string ProcessorStage(const std::string& name) { return absl::StrCat("l2a+", name); }

StageRegistry WithProcessors(StageRegistry registry, ExternalProcessors processors) {
  const auto own = registry.find("l2a");
  if (own == registry.end()) return registry;
  const StageFunction choose = [own = own->second, processors](const TaskSpec& task,
                                                               const StageContext& context) -> absl::StatusOr<TaskResult> {
    ARPENT_ASSIGN_OR_RETURN(const std::string name, task.parameters.GetString("processor"));
    if (name == "arpent") return own(task, context);
    const auto found = processors.find(name);
    if (found != processors.end()) return RunExternalL2a(task, context, found->second);
    const auto names = [](std::string* out, const auto& entry) { out->append(entry.first); };
    return absl::FailedPreconditionError(absl::StrCat("l2a.processor: this worker has no processor '", name, "'; it has arpent",
                                                      processors.empty() ? "" : ", ", absl::StrJoin(processors, ", ", names),
                                                      " (workers learn them from --processors)"));
  };
  own->second = choose;
  for (const auto& [name, processor] : processors) registry[ProcessorStage(name)] = choose;
  return registry;
}

}  // namespace arpent::stages
