// One product of a tile, made by one task or by several. A part's task makes the pixels of a window and leaves them, without
// overviews, as a small product of its own under work/{key}/ of the output store. The task that assembles creates the
// product's rasters as ever, fills them from the parts, publishes and removes the parts: the bytes are those that one task
// alone publishes, because the same writers get the same pixels.
//
// A stage asks `computes()`, computes `window()`, writes through CreateRaster and FinishRaster, and takes whatever it counts
// through Sum. It need not know more.
#ifndef ARPENT_COMMON_STAGES_PARTED_PUBLICATION_H_
#define ARPENT_COMMON_STAGES_PARTED_PUBLICATION_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/product/publication.h"
#include "common/product/raster_reader.h"
#include "common/raster/image.h"
#include "common/stages/stage.h"

namespace arpent::stages {

// The pixels of one part of a product's grid, cut on whole blocks of `block` pixels; empty when there are fewer blocks than
// parts. The whole grid for a task that makes no part. The full tile in 4 x 4: 3072 pixels each but for the last.
geo::Window PartWindow(const geo::Grid& grid, const TaskPart& part, int block);

// One asset of all parts, as one raster. Thread-safe.
class PartsRaster {
 public:
  // The window's pixels. An error of a part's file is UNAVAILABLE: when somebody took the parts away, the next attempt makes
  // the product without them.
  template <typename T>
  absl::Status Read(const geo::Window& window, raster::View<T> pixels) const;

 private:
  friend class PartedPublication;
  struct Piece {
    geo::Window window;  // in the product's raster
    std::unique_ptr<product::RasterReader> reader;
  };
  std::vector<Piece> pieces_;
};

class PartedPublication {
 public:
  // `description` is the product's; `window`: of its grid, what this task computes if it makes a part. `task` and `context`
  // outlive it. An assembly that does not find every part makes the whole product itself.
  static absl::StatusOr<std::unique_ptr<PartedPublication>> Open(const TaskSpec& task, const StageContext& context,
                                                                 product::ProductDescription description,
                                                                 const geo::Window& window);

  // Whether this task is to compute pixels. Otherwise they are there, and FinishRaster takes them from the parts.
  bool computes() const { return parts_.empty() && window_.width > 0 && window_.height > 0; }
  bool is_part() const { return task_.part.is_part(); }
  // What is to be computed, in the pixels of the description's grid.
  const geo::Window& window() const { return window_; }
  product::ProductDescription& description() { return publication_->description(); }

  // As product::Publication. `grid` is the product's, windows are written in its pixels (a part's task: inside its own
  // window). Several threads may call these.
  absl::StatusOr<std::unique_ptr<product::RasterWriter>> CreateRaster(const std::string& asset, const geo::Grid& grid,
                                                                      const product::RasterOptions& options);
  absl::Status FinishRaster(const std::string& asset, std::unique_ptr<product::RasterWriter> writer);

  // For an asset that is not simply the parts side by side: its pixels, to be worked on and written before FinishRaster.
  absl::StatusOr<PartsRaster> OpenParts(const std::string& asset, const geo::Grid& grid) const;
  // From now on FinishRaster leaves the asset as it was written.
  void KeepAsWritten(const std::string& asset) { written_.push_back(asset); }

  // Of what was counted pixel by pixel: this task's own count, or the sum over the parts.
  int64_t Sum(const std::string& name, int64_t own);

  // Publishes the product, or the part.
  absl::StatusOr<TaskResult> Publish();

 private:
  PartedPublication(const TaskSpec& task, const StageContext& context) : task_(task), context_(context) {}
  absl::Status FindParts();
  absl::Status FillFromParts(const std::string& asset, product::RasterWriter& writer) const;
  void RemoveParts() const;

  struct Raster {
    geo::Grid grid;
    product::PixelType type;
  };

  const TaskSpec& task_;
  const StageContext& context_;
  geo::Grid grid_;                                  // of the product
  geo::Window window_;
  std::vector<product::PublishedProduct> parts_;    // when they are to be assembled
  std::unique_ptr<product::Publication> publication_;
  std::map<std::string, Raster> rasters_;
  std::vector<std::string> written_;
};

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_PARTED_PUBLICATION_H_
