// All surface reflectance of a tile over a season, gap-filled for features, block by block: what the stages samples,
// crop-mask and crop-type share.
#ifndef ARPENT_COMMON_STAGES_SEASON_SERIES_H_
#define ARPENT_COMMON_STAGES_SEASON_SERIES_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/parameters.h"
#include "common/geo/grid.h"
#include "common/kernels/features/feature_set.h"
#include "common/kernels/features/time_series.h"
#include "common/raster/image.h"
#include "common/scene/reflectance.h"
#include "common/stages/seams.h"
#include "common/stages/stage.h"

namespace arpent::stages {

enum class GapFilling { kLinear, kWhittaker };

// How a season becomes a fixed list of dates, from a stage's parameters.
struct SeasonOptions {
  int first_day = 0, last_day = 0, step_days = 10;  // days since 1970-01-01
  GapFilling filling = GapFilling::kLinear;
  bool red_edge = true;

  // From start, end, step_days, gap_filling, red_edge. INVALID_ARGUMENT naming the parameter.
  static absl::StatusOr<SeasonOptions> FromParameters(const Parameters& parameters);
  std::vector<int> days() const { return kernels::SeasonDays(first_day, last_day, step_days); }
};

// Every date's pixels of one block, at their own resolutions: masks and bands of 20 m of the whole block, bands of 10 m of
// one piece of it. A block that is read into again uses its memory again. Thread-safe while nothing is read into it.
class SeasonBlock {
 public:
  const geo::Window& window() const { return window_; }  // in pixels of the series' grid
  // Whether any date sees any pixel.
  bool AnyClear() const;

 private:
  friend class SeasonSeries;
  // Pixels in memory that is used again and again.
  template <typename T>
  class Plane {
   public:
    // Pixels of any value.
    raster::View<T> Reset(int width, int height) {
      pixels_.resize(static_cast<size_t>(width) * height);
      return view_ = {pixels_.data(), width, height, width};
    }
    raster::View<const T> view() const { return view_; }

   private:
    std::vector<T> pixels_;
    raster::View<T> view_;
  };
  struct Date {
    // These begin where the block (the piece, at 10 m) does and reach a few pixels beyond its end; bands of 20 m begin
    // kBicubicMargin before.
    Plane<uint8_t> quality;             // of the 20 m pixels: 0 masked, 1 near a cloud, 2 clear
    std::vector<Plane<int16_t>> bands;  // in the order of the series; anything where absent or where no pixel is clear
    bool clear = false;                 // whether any pixel of the block is
    bool piece_clear = false;           // whether any of the piece is
  };
  geo::Window window_, piece_;
  std::vector<Date> dates_;
};

class SeasonSeries {
 public:
  // Opens the `l2a` inputs. INVALID_ARGUMENT when there is none or a grid is not on the tile's lattice; errors of an
  // input name it. `wanted`: bands to read; those that no product has are left out of bands().
  static absl::StatusOr<std::unique_ptr<SeasonSeries>> Open(const TaskSpec& task, const StageContext& context,
                                                            const SeasonOptions& options,
                                                            const std::vector<std::string>& wanted);

  const geo::Grid& grid() const { return grid_; }                       // at 10 m: the union of the inputs
  const std::vector<std::string>& bands() const { return bands_; }      // in the order that Fill gives them
  const std::vector<int>& days() const { return days_; }
  size_t dates() const { return products_.size(); }

  static constexpr int kMostBlockRows = 1024;

  // Blocks of a region that begins on even pixels, row by row, no larger than the memory allows. They end a few pixels before those of the rasters do:
  // then whatever a block needs of its right and lower neighbours lies in rasters' blocks that are decoded for it anyway.
  // A block is as large as the rasters' blocks of 20 m where memory allows, a piece as those of 10 m.
  std::vector<geo::Window> Blocks(const geo::Window& region, int64_t memory_bytes) const;
  std::vector<geo::Window> Blocks(int64_t memory_bytes) const { return Blocks(grid_.Whole(), memory_bytes); }
  static std::vector<geo::Window> PiecesOf(const geo::Window& block);

  // Reads a block's masks and bands of 20 m, then, as often as wanted, what Fill needs of one of its pieces. Blocks in the order
  // of Blocks() with pieces in that of PiecesOf() decode each block of a raster once. One call at a time.
  absl::Status ReadBlock(const geo::Window& window, int threads, SeasonBlock& block);
  absl::Status ReadPiece(const geo::Window& piece, int threads, SeasonBlock& block);

  // What Fill works in and makes. One that is used again spares the memory of a strip's series.
  struct Strip {
    kernels::FilledSeries filled;
    kernels::ObservedSeries observed;
    kernels::FilledSeries group;
    std::vector<uint8_t> quality;
    std::vector<int16_t> plane;
  };
  // Gap-filled reflectance (out.filled) of some pixels of a strip (a window inside the piece that spans whole 20 m pixels).
  // `chosen`: places in the strip, row by row, ascending; empty means all. Thread-safe.
  void Fill(const SeasonBlock& block, const geo::Window& strip, const std::vector<uint32_t>& chosen, GapFilling filling,
            Strip& out) const;

 private:
  // Bands that the same dates have: they share dates and masks.
  struct Group {
    size_t first_band = 0, band_count = 0;
    std::vector<size_t> dates;  // indices of products
    std::vector<int> days;
  };
  void Observe(const SeasonBlock& block, const Group& group, const geo::Window& strip,
               const std::vector<uint32_t>& chosen, Strip& out) const;
  // What neighbouring blocks share of one date's rasters.
  struct DateSeams {
    Seams<uint8_t> quality;
    std::vector<Seams<int16_t>> bands;
  };
  geo::Window InProduct(size_t date, geo::Window window) const;  // in the product's own 10 m pixels
  absl::Status ReadCoarse(size_t date, const geo::Window& window, SeasonBlock::Date& result);
  absl::Status ReadFine(size_t date, const SeasonBlock& block, SeasonBlock::Date& result);
  absl::Status ReadBand(size_t date, size_t band, const geo::Window& wide, SeasonBlock::Date& result);
  void FormGroups(const std::vector<std::string>& wanted);

  geo::Grid grid_;
  SeasonOptions options_;
  std::vector<int> days_;
  std::vector<std::string> bands_;
  std::vector<std::vector<int>> resolutions_;  // [date][band], 0 when the date lacks the band
  std::vector<Group> groups_;
  std::vector<DateSeams> seams_;                               // [date]
  std::vector<std::unique_ptr<scene::Reflectance>> products_;  // by day, then in the order of the inputs
};

// Rectangles that are worked on at once, so that their series stay in a core's cache.
std::vector<geo::Window> StripsOf(const geo::Window& piece);

// Index in StripsOf(piece) of the one that a pixel of the piece lies in.
size_t StripAt(const geo::Window& piece, int x, int y);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_SEASON_SERIES_H_
