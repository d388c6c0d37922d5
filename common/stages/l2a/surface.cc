#include "common/stages/l2a/surface.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>

#include "absl/synchronization/mutex.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/masking/regions.h"
#include "common/raster/resample.h"
#include "common/stages/l2a/retrieval.h"
#include "common/stages/l2a/surroundings.h"

namespace arpent::stages {
namespace {

using raster::Image;
using raster::View;

constexpr double kNodeSpacing_m = 300;
constexpr double kEnvironmentStride_m = 300;
constexpr double kCoarseNodeStep_m = 600;

constexpr int64_t kLittleMemory = int64_t{1} << 30;

// Rows of a strip: whole rows of ESA's JPEG 2000 tiles (1024, 640 px) that are also whole COG blocks (512 px). Where memory is
// short, one block: some tiles are then decoded twice.
int StripRows(int resolution_m, int64_t memory_bytes) {
  if (memory_bytes < kLittleMemory) return 512;
  switch (resolution_m) {
    case 10:
      return 2048;
    case 20:
      return 2560;
    default:
      return 4096;
  }
}

struct Strip {
  size_t band = 0;  // of the output
  geo::Window window;
};

// One output band on its way.
struct BandWork {
  const scene::Band* band = nullptr;
  geo::Grid grid;
  kernels::InversionNodes nodes{1, 1, 1, false};
  SlopeNodes slopes;
  std::unique_ptr<product::RasterWriter> writer;
  std::atomic<int> strips_left = 0;
  Image<int16_t>* ground = nullptr;  // when the classification needs it
};

class FinePass {
 public:
  FinePass(const scene::Scene& scene, const CoarseScene& coarse, const Air& air, const Surroundings& surroundings,
           const std::vector<std::string>& bands, const StageContext& context, product::Publication& publication)
      : scene_(scene),
        coarse_(coarse),
        air_(air),
        surroundings_(surroundings),
        context_(context),
        publication_(publication),
        work_(bands.size()) {
    const scene::SceneMetadata& metadata = scene.metadata();
    layers_.grid = GroundGrid(metadata);
    layers_.saturated = Image<uint8_t>(layers_.grid.width, layers_.grid.height);
    const BandRoles roles = RolesOf(metadata);
    for (const std::string& name : {roles.blue, roles.green, roles.red, roles.nir_narrow, roles.swir1, roles.swir2}) {
      layers_.bands[name] = Image<int16_t>(layers_.grid.width, layers_.grid.height, raster::kReflectanceNoData);
    }
    for (size_t i = 0; i < bands.size(); ++i) {
      work_[i].band = metadata.FindBand(bands[i]);
      work_[i].grid = metadata.grid.WithPixel(work_[i].band->resolution_m);
      const auto ground = layers_.bands.find(bands[i]);
      work_[i].ground = ground == layers_.bands.end() ? nullptr : &ground->second;
    }
    FindData();
  }

  absl::Status Run() {
    ARPENT_RETURN_IF_ERROR(Prepare());
    const std::vector<Strip> strips = MakeStrips();
    std::atomic<int64_t> done = 0;
    return ParallelFor(strips.size(), context_.threads, [&](size_t i) -> absl::Status {
      if (context_.cancelled()) return absl::CancelledError("l2a: cancelled");
      ARPENT_RETURN_IF_ERROR(Process(strips[i]));
      context_.progress(0.15 + 0.75 * static_cast<double>(++done) / static_cast<double>(strips.size()));
      return FinishBand(work_[strips[i].band]);
    });
  }

  GroundLayers TakeLayers() { return std::move(layers_); }

 private:
  void FindData() {
    data_ = Image<uint8_t>(coarse_.grid.width, coarse_.grid.height);
    for (int y = 0; y < data_.height(); ++y) {
      for (int x = 0; x < data_.width(); ++x) data_(x, y) = coarse_.data(x, y);
    }
    data_ = kernels::Dilate(data_.view(), 3);
  }

  absl::Status Prepare() {
    product::RasterOptions options;
    options.type = product::PixelType::kInt16;
    options.no_data = raster::kReflectanceNoData;
    options.scale = 1e-4;
    options.unit = "1";
    for (BandWork& work : work_) {
      options.description = absl::StrCat("Surface reflectance, ", work.band->name);
      ARPENT_ASSIGN_OR_RETURN(work.writer, publication_.CreateRaster(work.band->name, work.grid, options, 1));
    }
    return ParallelFor(work_.size(), context_.threads, [&](size_t i) -> absl::Status {
      MakeInversions(work_[i]);
      return absl::OkStatus();
    });
  }

  void MakeInversions(BandWork& work) const {
    const int band = scene_.metadata().BandIndex(work.band->name);
    const int step = std::max(1, static_cast<int>(kNodeSpacing_m) / work.band->resolution_m);
    const auto environment = surroundings_.environment.find(work.band->name);
    const Field around = environment == surroundings_.environment.end() ? Field{} : environment->second;
    work.nodes = MakeNodes(
        work.grid.width, work.grid.height, work.grid.pixel_m, step, !surroundings_.adjacency,
        [&](double east, double south) {
          const kernels::BandCoefficients c = air_.CoefficientsAt(band, east, south);
          kernels::Inversion inversion =
              surroundings_.adjacency ? kernels::WithEnvironment(c, around.At(east, south)) : kernels::UniformGround(c);
          // Thin cirrus adds its own reflectance to every band, much the same from the blue to 2.2 um.
          inversion.offset += inversion.gain * surroundings_.cirrus.At(east, south);
          return kernels::FromDigitalNumbers(inversion, work.band->quantification, work.band->offset);
        });
    if (LightOnSlopes()) MakeSlopeNodes(band, around, work);
  }

  void MakeSlopeNodes(int band, const Field& around, BandWork& work) const {
    const int width = work.nodes.gain.width(), height = work.nodes.gain.height();
    work.slopes = {Image<float>(width, height), Image<float>(width, height), work.nodes.step};
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) {
        const double east = (i * work.nodes.step + 0.5) * work.grid.pixel_m;
        const double south = (j * work.nodes.step + 0.5) * work.grid.pixel_m;
        const kernels::BandCoefficients c = air_.CoefficientsAt(band, east, south);
        work.slopes.direct_share(i, j) = static_cast<float>(c.t_down_direct / c.t_down());
        work.slopes.environment(i, j) = static_cast<float>(around.At(east, south));
      }
    }
  }

  bool LightOnSlopes() const { return surroundings_.terrain.has_value() && surroundings_.terrain->light.has_value(); }

  // Largest first, bands in turn, so that no band ends all work alone.
  std::vector<Strip> MakeStrips() {
    std::vector<Strip> strips;
    for (size_t b = 0; b < work_.size(); ++b) {
      const geo::Grid& grid = work_[b].grid;
      const int rows = StripRows(work_[b].band->resolution_m, context_.memory_bytes);
      for (int y = 0; y < grid.height; y += rows) {
        strips.push_back({b, {0, y, grid.width, std::min(rows, grid.height - y)}});
        ++work_[b].strips_left;
      }
    }
    std::stable_sort(strips.begin(), strips.end(), [](const Strip& a, const Strip& b) {
      return int64_t{a.window.width} * a.window.height > int64_t{b.window.width} * b.window.height;
    });
    return strips;
  }

  bool HasData(const geo::Window& window, int resolution_m) const {
    const double scale = resolution_m / coarse_.grid.pixel_m;
    const int first = static_cast<int>(window.y * scale);
    const int last = std::min(data_.height() - 1, static_cast<int>((window.y + window.height) * scale));
    for (int y = first; y <= last; ++y) {
      const auto row = data_.row(y);
      if (std::find(row.begin(), row.end(), 1) != row.end()) return true;
    }
    return false;
  }

  absl::Status Process(const Strip& strip) {
    BandWork& work = work_[strip.band];
    if (!HasData(strip.window, work.band->resolution_m)) return absl::OkStatus();
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> dn, scene_.ReadBand(work.band->name, strip.window));
    if (dn.width() != strip.window.width || dn.height() != strip.window.height) {
      return absl::DataLossError(absl::StrCat(work.band->uri, ": rows ", strip.window.y, " and following are missing"));
    }
    MarkSaturated(dn, strip.window, *work.band);
    Image<int16_t> reflectance(dn.width(), dn.height());
    kernels::InvertToSurfaceReflectance(dn.view(), strip.window.x, strip.window.y, work.nodes,
                                        {.no_data = work.band->no_data}, reflectance.view());
    if (LightOnSlopes()) {
      CorrectSlopes(*surroundings_.terrain, work.slopes, work.grid.pixel_m, strip.window.x, strip.window.y,
                    reflectance.view());
    }
    ARPENT_RETURN_IF_ERROR(work.writer->Write(strip.window, std::as_const(reflectance).view()));
    if (work.ground != nullptr) KeepGround(reflectance, strip.window, work);
    return absl::OkStatus();
  }

  void KeepGround(const Image<int16_t>& reflectance, const geo::Window& window, BandWork& work) const {
    const int factor = static_cast<int>(layers_.grid.pixel_m) / work.band->resolution_m;
    const int rows = (window.height + factor - 1) / factor;
    const View<int16_t> target = work.ground->view().Sub(
        {0, window.y / factor, work.ground->width(), std::min(rows, work.ground->height() - window.y / factor)});
    raster::ShrinkMean(reflectance.view(), factor, raster::kReflectanceNoData, target);
  }

  // Bands share the mask's bytes across threads.
  void MarkSaturated(const Image<uint16_t>& dn, const geo::Window& window, const scene::Band& band) {
    for (int y = 0; y < dn.height(); ++y) {
      const auto row = dn.row(y);
      if (*std::max_element(row.begin(), row.end()) < band.saturated) continue;
      for (int x = 0; x < dn.width(); ++x) {
        if (row[x] >= band.saturated) MarkPixel(x + window.x, y + window.y, band.resolution_m);
      }
    }
  }

  void MarkPixel(int x, int y, int resolution_m) {
    const double scale = resolution_m / layers_.grid.pixel_m;
    const int last_x =
        std::min(layers_.grid.width, std::max(static_cast<int>((x + 1) * scale), static_cast<int>(x * scale) + 1));
    const int last_y =
        std::min(layers_.grid.height, std::max(static_cast<int>((y + 1) * scale), static_cast<int>(y * scale) + 1));
    for (int j = static_cast<int>(y * scale); j < last_y; ++j) {
      for (int i = static_cast<int>(x * scale); i < last_x; ++i) {
        std::atomic_ref<uint8_t>(layers_.saturated(i, j)).store(1, std::memory_order_relaxed);
      }
    }
  }

  absl::Status FinishBand(BandWork& work) {
    if (--work.strips_left > 0) return absl::OkStatus();
    return publication_.FinishRaster(work.band->name, std::move(work.writer));
  }

  const scene::Scene& scene_;
  const CoarseScene& coarse_;
  const Air& air_;
  const Surroundings& surroundings_;
  const StageContext& context_;
  product::Publication& publication_;
  std::vector<BandWork> work_;
  GroundLayers layers_;
  Image<uint8_t> data_;  // coarse pixels near which there is data
};

// Mean over the pixels with mask 1, in their order; 0 when there are none.
float MeanOf(const Image<float>& values, const Image<uint8_t>& mask) {
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (mask.data()[i] != 0) sum += values.data()[i], ++count;
  }
  return count == 0 ? 0.0f : static_cast<float>(sum / count);
}

}  // namespace

geo::Grid GroundGrid(const scene::SceneMetadata& metadata) {
  const scene::Band* swir = metadata.FindBand(RolesOf(metadata).swir1);
  return metadata.grid.WithPixel(swir == nullptr ? std::max(metadata.grid.pixel_m, 20.0) : swir->resolution_m);
}

std::vector<std::string> OutputBands(const scene::SceneMetadata& metadata, const Air& air) {
  const std::string cirrus = RolesOf(metadata).cirrus;
  std::vector<std::string> bands;
  for (size_t b = 0; b < metadata.bands.size(); ++b) {
    if (metadata.bands[b].name != cirrus && air.TableIndex(static_cast<int>(b)) >= 0)
      bands.push_back(metadata.bands[b].name);
  }
  return bands;
}

absl::StatusOr<std::map<std::string, Field>> MeanSurroundings(const scene::SceneMetadata& metadata,
                                                              const CoarseScene& coarse, const Air& air,
                                                              const std::vector<std::string>& bands,
                                                              const Image<uint8_t>& ground, int threads) {
  const int width = coarse.grid.width;
  const int height = coarse.grid.height;
  const double pixel_m = coarse.grid.pixel_m;
  const int stride = PixelsIn(kEnvironmentStride_m, pixel_m);
  std::vector<Field> fields(bands.size());
  ARPENT_RETURN_IF_ERROR(ParallelFor(bands.size(), threads, [&](size_t i) -> absl::Status {
    const int band = metadata.BandIndex(bands[i]);
    const auto nodes = MakeNodes(width, height, pixel_m, PixelsIn(kCoarseNodeStep_m, pixel_m), true, [&](double east, double south) {
      return kernels::UniformGround(air.CoefficientsAt(band, east, south));
    });
    Image<float> surface(width, height);
    kernels::InvertToSurfaceReflectance(coarse.toa.at(bands[i]).view(), 0, 0, nodes, surface.view());
    const kernels::LocalMean mean = MeanOfSurroundings(surface.view(), ground.view(), pixel_m);
    const float scene_mean = MeanOf(surface, ground);
    Field field{Image<float>((width + stride - 1) / stride,
                             (height + stride - 1) / stride),
                stride * pixel_m, 0};
    for (int y = 0; y < field.values.height(); ++y) {
      for (int x = 0; x < field.values.width(); ++x) {
        const int cx = std::min(stride * x + stride / 2, width - 1), cy = std::min(stride * y + stride / 2, height - 1);
        field.values(x, y) = mean.count(cx, cy) > 0 ? mean.mean(cx, cy) : scene_mean;
      }
    }
    fields[i] = std::move(field);
    return absl::OkStatus();
  }));
  std::map<std::string, Field> by_name;
  for (size_t i = 0; i < bands.size(); ++i) by_name[bands[i]] = std::move(fields[i]);
  return by_name;
}

absl::StatusOr<GroundLayers> WriteSurfaceReflectance(const scene::Scene& scene, const CoarseScene& coarse,
                                                     const Air& air, const Surroundings& surroundings,
                                                     const std::vector<std::string>& bands, const StageContext& context,
                                                     product::Publication& publication) {
  FinePass pass(scene, coarse, air, surroundings, bands, context, publication);
  ARPENT_RETURN_IF_ERROR(pass.Run());
  return pass.TakeLayers();
}

}  // namespace arpent::stages
