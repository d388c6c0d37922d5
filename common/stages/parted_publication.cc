#include "common/stages/parted_publication.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/product/layout.h"

namespace arpent::stages {
namespace {

using product::PixelType;
using product::RasterReader;
using product::RasterWriter;
using raster::View;

constexpr int kCopiedAtOnce = 1024;  // pixels: whole blocks of the rasters

// Where the part begins when so many blocks are cut into `across`: the larger ones first.
int FirstBlock(int blocks, int across, int place) { return (blocks * place + across - 1) / across; }

// A file of a part that is not there any more, or never was whole, is nobody's fault.
absl::Status OfAPart(absl::Status status) {
  if (status.ok()) return status;
  return absl::UnavailableError(absl::StrCat("a part cannot be read: ", status.message()));
}

// The raster of a part: takes windows of the product's.
class WindowWriter final : public RasterWriter {
 public:
  WindowWriter(std::unique_ptr<RasterWriter> writer, const geo::Window& window)
      : writer_(std::move(writer)), window_(window) {}

  absl::Status Write(const geo::Window& w, View<const uint8_t> p) override { return writer_->Write(Inside(w), p); }
  absl::Status Write(const geo::Window& w, View<const uint16_t> p) override { return writer_->Write(Inside(w), p); }
  absl::Status Write(const geo::Window& w, View<const int16_t> p) override { return writer_->Write(Inside(w), p); }
  absl::Status Write(const geo::Window& w, View<const float> p) override { return writer_->Write(Inside(w), p); }
  absl::StatusOr<product::RasterFile> Finish() override { return writer_->Finish(); }

 private:
  geo::Window Inside(const geo::Window& window) const {
    return {window.x - window_.x, window.y - window_.y, window.width, window.height};
  }

  const std::unique_ptr<RasterWriter> writer_;
  const geo::Window window_;
};

template <typename T>
absl::Status Copy(const PartsRaster& parts, const geo::Grid& grid, int threads, RasterWriter& writer) {
  const std::vector<geo::Window> windows = geo::SquaresOf(grid.Whole(), kCopiedAtOnce);
  return ParallelFor(windows.size(), threads, [&](size_t i) -> absl::Status {
    raster::Image<T> pixels(windows[i].width, windows[i].height);
    ARPENT_RETURN_IF_ERROR(parts.Read(windows[i], pixels.view()));
    return writer.Write(windows[i], std::as_const(pixels).view());
  });
}

}  // namespace

geo::Window PartWindow(const geo::Grid& grid, const TaskPart& part, int block) {
  if (!part.is_part()) return grid.Whole();
  const auto cut = [&](int size, int place) { return FirstBlock((size + block - 1) / block, part.across, place) * block; };
  const int column = part.index % part.across, row = part.index / part.across;
  const int x = cut(grid.width, column), y = cut(grid.height, row);
  return geo::Intersection({x, y, cut(grid.width, column + 1) - x, cut(grid.height, row + 1) - y}, grid.Whole());
}

template <typename T>
absl::Status PartsRaster::Read(const geo::Window& window, View<T> pixels) const {
  int64_t missing = int64_t{window.width} * window.height;
  for (const Piece& piece : pieces_) {
    const geo::Window common = geo::Intersection(window, piece.window);
    if (common.width <= 0 || common.height <= 0) continue;
    ARPENT_RETURN_IF_ERROR(OfAPart(piece.reader->Read(
        {common.x - piece.window.x, common.y - piece.window.y, common.width, common.height}, T{0},
        pixels.Sub({common.x - window.x, common.y - window.y, common.width, common.height}))));
    missing -= int64_t{common.width} * common.height;
  }
  return missing == 0 ? absl::OkStatus() : absl::InternalError(absl::StrCat("the parts leave out ", missing, " pixels"));
}

template absl::Status PartsRaster::Read(const geo::Window&, View<uint8_t>) const;
template absl::Status PartsRaster::Read(const geo::Window&, View<uint16_t>) const;
template absl::Status PartsRaster::Read(const geo::Window&, View<int16_t>) const;
template absl::Status PartsRaster::Read(const geo::Window&, View<float>) const;

absl::StatusOr<std::unique_ptr<PartedPublication>> PartedPublication::Open(const TaskSpec& task,
                                                                           const StageContext& context,
                                                                           product::ProductDescription description,
                                                                           const geo::Window& window) {
  std::unique_ptr<PartedPublication> publication(new PartedPublication(task, context));
  publication->grid_ = description.grid;
  publication->window_ = description.grid.Whole();
  if (task.part.is_part()) {
    publication->window_ = window;
    description.folder = product::PartFolder(description.key, task.part.across, task.part.index);
    // Without pixels there is no place.
    description.grid = publication->computes() ? description.grid.Sub(window) : geo::Grid();
  }
  if (task.part.assembles()) ARPENT_RETURN_IF_ERROR(publication->FindParts());
  publication->publication_ =
      std::make_unique<product::Publication>(context.stores, context.scratch, std::move(description));
  if (task.part.is_part()) publication->publication_->LeaveOutPictures();
  return publication;
}

absl::Status PartedPublication::FindParts() {
  const HexDigest key = task_.Key();
  for (int i = 0; i < task_.part.count(); ++i) {
    auto part = product::ReadPublished(*context_.stores, ProductUri(product::PartFolder(key, task_.part.across, i)));
    if (absl::IsNotFound(part.status())) {
      parts_.clear();
      return absl::OkStatus();
    }
    ARPENT_RETURN_IF_ERROR(part.status());
    parts_.push_back(*std::move(part));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RasterWriter>> PartedPublication::CreateRaster(const std::string& asset,
                                                                              const geo::Grid& grid,
                                                                              const product::RasterOptions& options) {
  rasters_[asset] = {grid, options.type};
  if (!is_part()) return publication_->CreateRaster(asset, grid, options, context_.threads);
  if (!computes()) return nullptr;
  product::RasterOptions plain = options;
  plain.overviews = product::OverviewKind::kNone;
  plain.classes.clear();
  const geo::Window own = geo::Intersection(geo::Resized(window_, grid_.pixel_m, grid.pixel_m), grid.Whole());
  ARPENT_ASSIGN_OR_RETURN(auto writer, publication_->CreateRaster(asset, grid.Sub(own), plain, context_.threads));
  return std::make_unique<WindowWriter>(std::move(writer), own);
}

absl::Status PartedPublication::FinishRaster(const std::string& asset, std::unique_ptr<RasterWriter> writer) {
  if (is_part() && !computes()) return absl::OkStatus();
  const bool fills = !parts_.empty() && std::find(written_.begin(), written_.end(), asset) == written_.end();
  if (fills) ARPENT_RETURN_IF_ERROR(FillFromParts(asset, *writer));
  return publication_->FinishRaster(asset, std::move(writer));
}

absl::StatusOr<PartsRaster> PartedPublication::OpenParts(const std::string& asset, const geo::Grid& grid) const {
  PartsRaster raster;
  for (const product::PublishedProduct& part : parts_) {
    if (part.assets.empty()) continue;  // a part without pixels
    auto reader = RasterReader::Open(context_.stores, absl::StrCat(part.uri, "/", asset, ".tif"));
    if (!reader.ok()) return OfAPart(reader.status());
    const geo::Grid& own = (*reader)->grid();
    const geo::Window window{static_cast<int>(std::lround((own.west - grid.west) / grid.pixel_m)),
                             static_cast<int>(std::lround((grid.north - own.north) / grid.pixel_m)), own.width, own.height};
    raster.pieces_.push_back({window, *std::move(reader)});
  }
  return raster;
}

absl::Status PartedPublication::FillFromParts(const std::string& asset, RasterWriter& writer) const {
  const auto& [grid, type] = rasters_.at(asset);
  ARPENT_ASSIGN_OR_RETURN(const PartsRaster parts, OpenParts(asset, grid));
  switch (type) {
    case PixelType::kUInt8:
      return Copy<uint8_t>(parts, grid, context_.threads, writer);
    case PixelType::kUInt16:
      return Copy<uint16_t>(parts, grid, context_.threads, writer);
    case PixelType::kInt16:
      return Copy<int16_t>(parts, grid, context_.threads, writer);
    case PixelType::kFloat32:
      return Copy<float>(parts, grid, context_.threads, writer);
  }
  return absl::InternalError(absl::StrCat("asset ", asset, " has no type"));
}

int64_t PartedPublication::Sum(const std::string& name, int64_t own) {
  if (is_part()) description().numbers[name] = static_cast<double>(own);
  if (parts_.empty()) return own;
  int64_t sum = 0;
  for (const product::PublishedProduct& part : parts_) {
    if (const auto found = part.numbers.find(name); found != part.numbers.end()) sum += std::llround(found->second);
  }
  return sum;
}

absl::StatusOr<TaskResult> PartedPublication::Publish() {
  ARPENT_ASSIGN_OR_RETURN(product::PublishedProduct published, publication_->Publish());
  TaskResult result;
  if (!is_part()) result.product = std::move(published);
  // Each pixel was worked on once.
  if (parts_.empty()) result.pixels = int64_t{window_.width} * window_.height;
  result.area_km2 = static_cast<double>(result.pixels) * grid_.pixel_m * grid_.pixel_m * 1e-6;
  if (task_.part.assembles()) RemoveParts();
  context_.progress(1);
  return result;
}

// What stays behind here is removed by the sweep: the product is whole, and that counts.
void PartedPublication::RemoveParts() const {
  const absl::StatusOr<storage::ObjectStore*> store = context_.stores->Find("output");
  if (!store.ok()) return;
  const auto left = (*store)->List(product::WorkFolder(task_.Key()), /*recursive=*/true);
  if (!left.ok()) return;
  for (const storage::ObjectInfo& object : *left) (*store)->Delete(object.path).IgnoreError();
}

}  // namespace arpent::stages
