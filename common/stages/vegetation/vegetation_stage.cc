#include "common/stages/vegetation/vegetation_stage.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/composite/pixel_class.h"
#include "common/product/layout.h"
#include "common/product/raster_reader.h"
#include "common/raster/resample.h"
#include "common/stages/parted_publication.h"
#include "common/stages/vegetation/index_table.h"

namespace arpent::stages {
namespace {

using raster::Image;
using raster::kIndexNoData;
using raster::kReflectanceNoData;

constexpr int kBlock20 = 512;  // whole blocks of the rasters at 20 m; 1024 px at 10 m

// The bands of the input, whichever it is. Windows as in scene::Reflectance.
class BandSource {
 public:
  virtual ~BandSource() = default;
  virtual absl::StatusOr<Image<int16_t>> Read(const std::string& band, const geo::Window& window) const = 0;
  virtual int ResolutionOf(const std::string& band) const = 0;  // 0 when it is absent
  // Adds to `hidden` (20 m) what must not be taken for ground.
  virtual absl::Status MarkHidden(const geo::Window& window20, raster::View<uint8_t> hidden) const = 0;
};

class DateSource final : public BandSource {
 public:
  explicit DateSource(std::unique_ptr<scene::Reflectance> date) : date_(std::move(date)) {}

  absl::StatusOr<Image<int16_t>> Read(const std::string& band, const geo::Window& window) const override {
    return date_->ReadBand(band, window);
  }
  int ResolutionOf(const std::string& band) const override {
    const auto& bands = date_->metadata().bands;
    return std::find(bands.begin(), bands.end(), band) == bands.end() ? 0 : date_->ResolutionOf(band);
  }
  absl::Status MarkHidden(const geo::Window& window20, raster::View<uint8_t> hidden) const override {
    ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> scl, date_->ReadScl(window20));
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> qa, date_->ReadQa(window20));
    Image<uint8_t> traits(hidden.width(), hidden.height());
    kernels::FindTraits(scl.view(), qa.view(), traits.view());
    for (int y = 0; y < hidden.height(); ++y) {
      for (int x = 0; x < hidden.width(); ++x) hidden(x, y) |= (traits(x, y) & kernels::kTraitObscured) != 0;
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<scene::Reflectance> date_;
};

class CompositeSource final : public BandSource {
 public:
  static absl::StatusOr<std::unique_ptr<BandSource>> Open(const StageContext& context, const std::string& uri,
                                                          const std::set<std::string>& bands) {
    ARPENT_ASSIGN_OR_RETURN(const product::PublishedProduct product, product::ReadPublished(*context.stores, uri));
    auto source = std::make_unique<CompositeSource>();
    for (const product::PublishedAsset& asset : product.assets) {
      if (bands.count(asset.name) == 0) continue;
      ARPENT_ASSIGN_OR_RETURN(source->readers_[asset.name],
                              product::RasterReader::Open(context.stores, absl::StrCat(uri, "/", asset.file)));
    }
    return std::unique_ptr<BandSource>(std::move(source));
  }

  absl::StatusOr<Image<int16_t>> Read(const std::string& band, const geo::Window& window) const override {
    Image<int16_t> image(window.width, window.height);
    ARPENT_RETURN_IF_ERROR(readers_.at(band)->Read(window, kReflectanceNoData, image.view()));
    return image;
  }
  int ResolutionOf(const std::string& band) const override {
    const auto found = readers_.find(band);
    return found == readers_.end() ? 0 : static_cast<int>(found->second->grid().pixel_m);
  }
  absl::Status MarkHidden(const geo::Window&, raster::View<uint8_t>) const override { return absl::OkStatus(); }

 private:
  std::map<std::string, std::unique_ptr<product::RasterReader>> readers_;
};

// A band at the resolution of an index: as it is, enlarged (bicubic, with a margin so that blocks fit) or averaged.
absl::StatusOr<Image<int16_t>> ReadAt(const BandSource& source, const std::string& band, int resolution,
                                      const geo::Window& window) {
  const int own = source.ResolutionOf(band);
  if (own == resolution) return source.Read(band, window);
  Image<int16_t> out(window.width, window.height);
  if (own == 20) {
    constexpr int kMargin = 2;
    const geo::Window coarse = {window.x / 2 - kMargin, window.y / 2 - kMargin, (window.width + 1) / 2 + 2 * kMargin,
                                (window.height + 1) / 2 + 2 * kMargin};
    ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> in, source.Read(band, coarse));
    raster::EnlargeBicubic(in.view(), 2, 2 * kMargin, 2 * kMargin, kReflectanceNoData, out.view());
  } else {
    ARPENT_ASSIGN_OR_RETURN(const Image<int16_t> in,
                            source.Read(band, {2 * window.x, 2 * window.y, 2 * window.width, 2 * window.height}));
    raster::ShrinkMean(in.view(), 2, kReflectanceNoData, out.view());
  }
  return out;
}

int16_t Stored(float value, const VegetationIndex& index) {
  const float steps = (value - static_cast<float>(index.offset)) / static_cast<float>(index.scale);
  const float rounded = steps + (steps < 0 ? -0.5f : 0.5f);
  return static_cast<int16_t>(std::clamp(rounded, -32767.0f, 32767.0f));
}

Image<int16_t> ComputeIndex(const VegetationIndex& index, const std::vector<const Image<int16_t>*>& bands,
                            const Image<uint8_t>& hidden20) {
  const int per_hidden = 20 / index.resolution;
  Image<int16_t> out(bands[0]->width(), bands[0]->height(), kIndexNoData);
  std::vector<float> values(bands.size());
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); ++x) {
      bool valid = hidden20(x / per_hidden, y / per_hidden) == 0;
      for (size_t b = 0; b < bands.size(); ++b) {
        const int16_t value = (*bands[b])(x, y);
        valid = valid && value != kReflectanceNoData;
        values[b] = value * 0.0001f;
      }
      if (valid) out(x, y) = Stored(index.compute(values.data()), index);
    }
  }
  return out;
}

class VegetationRun {
 public:
  VegetationRun(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, task_.parameters.GetList("indices"));
    ARPENT_ASSIGN_OR_RETURN(indices_, FindIndices(names));
    ARPENT_RETURN_IF_ERROR(OpenSource());
    ARPENT_ASSIGN_OR_RETURN(const auto publication,
                            PartedPublication::Open(task_, context_, Describe(), PartWindow(grid10_, task_.part, 2 * kBlock20)));
    std::map<std::string, std::unique_ptr<product::RasterWriter>> writers;
    for (const VegetationIndex& index : indices_) {
      ARPENT_ASSIGN_OR_RETURN(
          writers[index.name],
          publication->CreateRaster(index.Asset(), index.resolution == 10 ? grid10_ : grid10_.WithPixel(20),
                                    {.type = product::PixelType::kInt16,
                                     .no_data = kIndexNoData,
                                     .scale = index.scale,
                                     .offset = index.offset,
                                     .description = index.description,
                                     .unit = index.unit}));
    }
    if (publication->computes()) ARPENT_RETURN_IF_ERROR(ComputeBlocks(publication->window(), writers));
    for (const VegetationIndex& index : indices_) {
      ARPENT_RETURN_IF_ERROR(publication->FinishRaster(index.Asset(), std::move(writers[index.name])));
    }
    return publication->Publish();
  }

 private:
  absl::Status OpenSource() {
    std::set<std::string> bands;
    for (const VegetationIndex& index : indices_) bands.insert(index.bands.begin(), index.bands.end());
    for (const TaskInput& input : task_.inputs) {
      if (input.role == "composite") {
        ARPENT_ASSIGN_OR_RETURN(described_, product::ReadDescription(*context_.stores, input.uri));
        grid10_ = described_.grid;
        ARPENT_ASSIGN_OR_RETURN(source_, CompositeSource::Open(context_, input.uri, bands));
      } else if (input.role == "l2a") {
        ARPENT_ASSIGN_OR_RETURN(auto date, product::OpenReflectance(context_.stores, input.uri));
        grid10_ = date->metadata().grid10;
        described_.datetime = absl::FromCivil(date->metadata().day, absl::UTCTimeZone());
        source_ = std::make_unique<DateSource>(std::move(date));
      }
    }
    if (source_ == nullptr) return absl::InvalidArgumentError("vegetation: the task has no input 'composite' or 'l2a'");
    for (const std::string& band : bands) {
      const int resolution = source_->ResolutionOf(band);
      if (resolution != 10 && resolution != 20) {
        return absl::InvalidArgumentError(absl::StrCat("vegetation: ", task_.inputs.front().uri, " has no band ", band,
                                                       " at 10 or 20 m, which an index of parameter indices needs"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ComputeBlocks(const geo::Window& window10,
                             const std::map<std::string, std::unique_ptr<product::RasterWriter>>& writers) {
    const std::vector<geo::Window> blocks = geo::SquaresOf(geo::Resized(window10, 10, 20), kBlock20);
    std::atomic<size_t> done = 0;
    return ParallelFor(blocks.size(), context_.threads, [&](size_t i) -> absl::Status {
      if (context_.cancelled()) return absl::CancelledError("vegetation: cancelled");
      ARPENT_RETURN_IF_ERROR(ComputeBlock(blocks[i], writers));
      context_.progress(static_cast<double>(++done) / static_cast<double>(blocks.size()));
      return absl::OkStatus();
    });
  }

  absl::Status ComputeBlock(const geo::Window& window20,
                            const std::map<std::string, std::unique_ptr<product::RasterWriter>>& writers) {
    Image<uint8_t> hidden(window20.width, window20.height, 0);
    ARPENT_RETURN_IF_ERROR(source_->MarkHidden(window20, hidden.view()));
    std::map<std::pair<std::string, int>, Image<int16_t>> bands;  // read once for all indices
    for (const VegetationIndex& index : indices_) {
      const int factor = 20 / index.resolution;
      const geo::Window window = geo::Intersection(
          {window20.x * factor, window20.y * factor, window20.width * factor, window20.height * factor},
          grid10_.WithPixel(index.resolution).Whole());
      std::vector<const Image<int16_t>*> arguments;
      for (const std::string& band : index.bands) {
        Image<int16_t>& image = bands[{band, index.resolution}];
        if (image.empty()) {
          ARPENT_ASSIGN_OR_RETURN(image, ReadAt(*source_, band, index.resolution, window));
        }
        arguments.push_back(&image);
      }
      const Image<int16_t> out = ComputeIndex(index, arguments, hidden);
      ARPENT_RETURN_IF_ERROR(writers.at(index.name)->Write(window, out.view()));
    }
    return absl::OkStatus();
  }

  product::ProductDescription Describe() const {
    product::ProductDescription description;
    description.stage = task_.stage;
    description.algorithm_version = task_.algorithm_version;
    description.key = task_.Key();
    const std::string unit = task_.period.empty() ? task_.acquisition : task_.period;
    description.folder = product::VegetationFolder(task_.tile, unit, description.key);
    description.parameters = task_.parameters;
    for (const TaskInput& input : task_.inputs) description.inputs.push_back({input.role, input.key, input.uri});
    description.grid = grid10_;
    description.tile = task_.tile;
    description.datetime = described_.datetime;
    description.start_datetime = described_.start_datetime;
    description.end_datetime = described_.end_datetime;
    description.degraded = task_.degraded;
    return description;
  }

  const TaskSpec& task_;
  const StageContext& context_;
  std::vector<VegetationIndex> indices_;
  product::ProductDescription described_;  // of the input: its dates
  geo::Grid grid10_;
  std::unique_ptr<BandSource> source_;
};

}  // namespace

absl::StatusOr<TaskResult> RunVegetation(const TaskSpec& task, const StageContext& context) {
  return VegetationRun(task, context).Run();
}

}  // namespace arpent::stages
