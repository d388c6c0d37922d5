#include "common/stages/season_series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/geo/period.h"
#include "common/kernels/features/clear.h"
#include "common/kernels/features/plane_loops.h"
#include "common/product/raster_reader.h"
#include "common/raster/resample.h"

namespace arpent::stages {
namespace {

using raster::Image;

constexpr int kRasterBlock = 512;   // pixels a side of the rasters' own blocks, at 10 m and at 20 m
constexpr int kBicubicMargin = 2;   // 20 m pixels around a window
// Blocks end this many 10 m pixels before the rasters' own: room for the margin at 20 m.
constexpr int kOverlap = 2 * kBicubicMargin;
constexpr int kStripColumns = 256, kStripRows = 16;
// Of Sen2Agri's unsupervised crop mask; per-date weights below.
constexpr double kWhittakerLambda = 2;
constexpr float kWeightNearCloud = 0.5f;

struct QualityWeight {
  enum : uint8_t { kMasked = 0, kNearCloud = 1, kClear = 2 };
};

geo::Window Half(const geo::Window& window) {
  return {window.x / 2, window.y / 2, window.width / 2 + window.width % 2, window.height / 2 + window.height % 2};
}

// A span of pixels cut where steps of `step` end, less the overlap: begins of all pieces, and the end.
std::vector<int> Cuts(int first, int size, int step) {
  std::vector<int> cuts = {first};
  for (int end = step - kOverlap; end < first + size; end += step) {
    if (end > first) cuts.push_back(end);
  }
  cuts.push_back(first + size);
  return cuts;
}

// Row by row.
std::vector<geo::Window> CutUp(const geo::Window& window, int step_x, int step_y) {
  const std::vector<int> columns = Cuts(window.x, window.width, step_x), rows = Cuts(window.y, window.height, step_y);
  std::vector<geo::Window> pieces;
  for (size_t j = 0; j + 1 < rows.size(); ++j) {
    for (size_t i = 0; i + 1 < columns.size(); ++i) {
      pieces.push_back({columns[i], rows[j], columns[i + 1] - columns[i], rows[j + 1] - rows[j]});
    }
  }
  return pieces;
}

// Of 20 m pixels, from their classes and quality bits.
absl::Status ReadQuality(const scene::Reflectance& product, const geo::Window& half, raster::View<uint8_t> out) {
  ARPENT_ASSIGN_OR_RETURN(const Image<uint8_t> scl, product.ReadScl(half));
  ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> qa, product.ReadQa(half));
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      const bool near_cloud = (qa(x, y) & raster::kQaCloudAdjacent) != 0;
      out(x, y) = !kernels::IsClear(scl(x, y), qa(x, y)) ? QualityWeight::kMasked
                  : near_cloud                           ? QualityWeight::kNearCloud
                                                         : QualityWeight::kClear;
    }
  }
  return absl::OkStatus();
}

bool AnyUnmasked(raster::View<const uint8_t> quality) {
  for (int y = 0; y < quality.height(); ++y) {
    for (const uint8_t q : quality.row(y)) {
      if (q != QualityWeight::kMasked) return true;
    }
  }
  return false;
}

absl::StatusOr<int> DayParameter(const Parameters& parameters, const char* name) {
  ARPENT_ASSIGN_OR_RETURN(const std::string text, parameters.GetString(name));
  const auto day = geo::ParseDay(text);
  if (!day.ok()) return Annotate(day.status(), name);
  return geo::DayNumber(*day);
}

}  // namespace

absl::StatusOr<SeasonOptions> SeasonOptions::FromParameters(const Parameters& parameters) {
  SeasonOptions options;
  ARPENT_ASSIGN_OR_RETURN(options.first_day, DayParameter(parameters, "start"));
  ARPENT_ASSIGN_OR_RETURN(options.last_day, DayParameter(parameters, "end"));
  ARPENT_ASSIGN_OR_RETURN(const int64_t step, parameters.GetInt("step_days"));
  ARPENT_ASSIGN_OR_RETURN(const std::string filling, parameters.GetString("gap_filling"));
  ARPENT_ASSIGN_OR_RETURN(options.red_edge, parameters.GetBool("red_edge"));
  if (options.last_day < options.first_day) {
    return absl::InvalidArgumentError("end: the season ends before it starts");
  }
  if (step < 1 || step > 366) {
    return absl::InvalidArgumentError(absl::StrCat("step_days: ", step, " is not between 1 and 366"));
  }
  if (filling != "linear" && filling != "whittaker") {
    return absl::InvalidArgumentError(absl::StrCat("gap_filling: '", filling, "' is neither linear nor whittaker"));
  }
  options.step_days = static_cast<int>(step);
  options.filling = filling == "linear" ? GapFilling::kLinear : GapFilling::kWhittaker;
  return options;
}

bool SeasonBlock::AnyClear() const {
  return std::any_of(dates_.begin(), dates_.end(), [](const Date& date) { return date.clear; });
}

std::vector<geo::Window> StripsOf(const geo::Window& piece) {
  std::vector<geo::Window> strips;
  for (int y = 0; y < piece.height; y += kStripRows) {
    for (int x = 0; x < piece.width; x += kStripColumns) {
      strips.push_back({piece.x + x, piece.y + y, std::min(kStripColumns, piece.width - x),
                        std::min(kStripRows, piece.height - y)});
    }
  }
  return strips;
}

size_t StripAt(const geo::Window& piece, int x, int y) {
  const int across = (piece.width + kStripColumns - 1) / kStripColumns;
  return static_cast<size_t>((y - piece.y) / kStripRows) * across + (x - piece.x) / kStripColumns;
}

absl::StatusOr<std::unique_ptr<SeasonSeries>> SeasonSeries::Open(const TaskSpec& task, const StageContext& context,
                                                                 const SeasonOptions& options,
                                                                 const std::vector<std::string>& wanted) {
  auto series = std::make_unique<SeasonSeries>();
  series->options_ = options;
  series->days_ = options.days();
  for (const TaskInput& input : task.inputs) {
    if (input.role != "l2a") continue;
    ARPENT_ASSIGN_OR_RETURN(auto product, product::OpenReflectance(context.stores, input.uri));
    const geo::Grid& grid = product->metadata().grid10;
    if (series->products_.empty()) series->grid_ = grid;
    const double across = (grid.west - series->grid_.west) / 20, down = (grid.north - series->grid_.north) / 20;
    if (grid.epsg != series->grid_.epsg || across != std::floor(across) || down != std::floor(down)) {
      return absl::InvalidArgumentError(absl::StrCat(input.uri, " does not lie on the grid of the tile's other dates"));
    }
    series->grid_ = geo::UnionOf(series->grid_, grid);
    series->products_.push_back(std::move(product));
  }
  if (series->products_.empty()) return absl::InvalidArgumentError("no surface reflectance (l2a) is given");
  std::stable_sort(series->products_.begin(), series->products_.end(),
                   [](const auto& a, const auto& b) { return a->metadata().day < b->metadata().day; });
  series->FormGroups(wanted);
  return series;
}

void SeasonSeries::FormGroups(const std::vector<std::string>& wanted) {
  std::map<std::vector<size_t>, std::vector<std::string>> bands_of_dates;
  std::vector<std::vector<size_t>> order;  // groups in the order of their first band
  for (const std::string& band : wanted) {
    std::vector<size_t> having;
    for (size_t d = 0; d < products_.size(); ++d) {
      const auto& bands = products_[d]->metadata().bands;
      if (std::find(bands.begin(), bands.end(), band) != bands.end()) having.push_back(d);
    }
    if (having.empty()) continue;
    if (bands_of_dates.count(having) == 0) order.push_back(having);
    bands_of_dates[having].push_back(band);
  }
  for (const std::vector<size_t>& dates : order) {
    Group group{bands_.size(), bands_of_dates[dates].size(), dates, {}};
    for (size_t d : dates) group.days.push_back(geo::DayNumber(products_[d]->metadata().day));
    groups_.push_back(std::move(group));
    const auto& bands = bands_of_dates[dates];
    bands_.insert(bands_.end(), bands.begin(), bands.end());
  }
  for (const auto& product : products_) {
    std::vector<int>& resolutions = resolutions_.emplace_back();
    for (const std::string& band : bands_) {
      const auto& own = product->metadata().bands;
      resolutions.push_back(std::find(own.begin(), own.end(), band) == own.end() ? 0 : product->ResolutionOf(band));
    }
  }
}

std::vector<geo::Window> SeasonSeries::Blocks(const geo::Window& region, int64_t memory_bytes) const {
  // Bytes that a block keeps per 10 m pixel: all dates' masks and bands of 20 m; and a piece of it, bands of 10 m.
  double block_bytes = 0, piece_bytes = 0;
  for (const auto& resolutions : resolutions_) {
    block_bytes += 0.25;
    for (int resolution : resolutions) {
      if (resolution == 10) piece_bytes += 2;
      if (resolution == 20) block_bytes += 0.5;
    }
  }
  // Half of the memory; the rest is for strips and outputs.
  const double most = static_cast<double>(memory_bytes) / 2;
  int width = 2 * kRasterBlock, height = kMostBlockRows;
  const auto bytes = [&] {
    return width * height * block_bytes + std::min(width, kRasterBlock) * std::min(height, kRasterBlock) * piece_bytes;
  };
  while (bytes() > most && height > 64) {
    (width > kRasterBlock && width > height ? width : height) /= 2;
  }
  return CutUp(region, width, height);
}

std::vector<geo::Window> SeasonSeries::PiecesOf(const geo::Window& block) {
  return CutUp(block, kRasterBlock, kRasterBlock);
}

geo::Window SeasonSeries::InProduct(size_t date, geo::Window window) const {
  const geo::Grid& own = products_[date]->metadata().grid10;
  // The offset is a whole number of 20 m pixels.
  window.x += static_cast<int>(std::lround((grid_.west - own.west) / 10));
  window.y += static_cast<int>(std::lround((own.north - grid_.north) / 10));
  return window;
}

absl::Status SeasonSeries::ReadBlock(const geo::Window& window, int threads, SeasonBlock& block) {
  block.window_ = window;
  block.dates_.resize(products_.size());
  seams_.resize(products_.size());
  return ParallelFor(products_.size(), threads, [&](size_t d) { return ReadCoarse(d, window, block.dates_[d]); });
}

absl::Status SeasonSeries::ReadPiece(const geo::Window& piece, int threads, SeasonBlock& block) {
  block.piece_ = piece;
  return ParallelFor(products_.size(), threads, [&](size_t d) { return ReadFine(d, block, block.dates_[d]); });
}

absl::Status SeasonSeries::ReadCoarse(size_t date, const geo::Window& window, SeasonBlock::Date& result) {
  const scene::Reflectance& product = *products_[date];
  const geo::Window at = InProduct(date, window);
  const geo::Window inside = geo::Intersection(at, product.metadata().grid10.Whole());
  result.clear = false;
  if (inside.width <= 0 || inside.height <= 0) return absl::OkStatus();
  const auto halve = [](int v) { return v >= 0 ? v / 2 : -((-v + 1) / 2); };
  geo::Window half = Half(window);
  half.x = halve(at.x), half.y = halve(at.y);
  DateSeams& seams = seams_[date];
  const geo::Window wide_half{half.x, half.y, half.width + kOverlap / 2, half.height + kOverlap / 2};
  const raster::View<uint8_t> quality = result.quality.Reset(wide_half.width, wide_half.height);
  const auto read_quality = [&product](const geo::Window& part, raster::View<uint8_t> out) {
    return ReadQuality(product, part, out);
  };
  ARPENT_RETURN_IF_ERROR(seams.quality.Get(wide_half, kOverlap / 2, read_quality, quality));
  result.clear = AnyUnmasked(quality);
  if (!result.clear) return absl::OkStatus();
  seams.bands.resize(bands_.size());
  result.bands.resize(bands_.size());
  for (size_t b = 0; b < bands_.size(); ++b) {
    const int resolution = resolutions_[date][b];
    if (resolution == 0 || resolution == 10) continue;
    if (resolution != 20) {
      return absl::InvalidArgumentError(
          absl::StrCat(product.metadata().acquisition, ": band ", bands_[b], " is at ", resolution, " m, not 10 or 20"));
    }
    const geo::Window wide{half.x - kBicubicMargin, half.y - kBicubicMargin, half.width + 2 * kBicubicMargin,
                           half.height + 2 * kBicubicMargin};
    ARPENT_RETURN_IF_ERROR(ReadBand(date, b, wide, result));
  }
  return absl::OkStatus();
}

absl::Status SeasonSeries::ReadFine(size_t date, const SeasonBlock& block, SeasonBlock::Date& result) {
  result.piece_clear = false;
  if (!result.clear) return absl::OkStatus();
  const geo::Window& piece = block.piece_;
  const geo::Window half = Half({piece.x - block.window_.x, piece.y - block.window_.y, piece.width, piece.height});
  result.piece_clear = AnyUnmasked(result.quality.view().Sub(half));
  if (!result.piece_clear) return absl::OkStatus();
  const geo::Window at = InProduct(date, piece);
  for (size_t b = 0; b < bands_.size(); ++b) {
    if (resolutions_[date][b] != 10) continue;
    ARPENT_RETURN_IF_ERROR(ReadBand(date, b, {at.x, at.y, at.width + kOverlap, at.height + kOverlap}, result));
  }
  return absl::OkStatus();
}

absl::Status SeasonSeries::ReadBand(size_t date, size_t band, const geo::Window& wide, SeasonBlock::Date& result) {
  const auto read = [&](const geo::Window& part, raster::View<int16_t> out) {
    return products_[date]->ReadBandInto(bands_[band], part, out);
  };
  return seams_[date].bands[band].Get(wide, kOverlap, read, result.bands[band].Reset(wide.width, wide.height));
}

void SeasonSeries::Observe(const SeasonBlock& block, const Group& group, const geo::Window& strip,
                           const std::vector<uint32_t>& chosen, Strip& out) const {
  kernels::ObservedSeries& series = out.observed;
  const size_t all = static_cast<size_t>(strip.width) * strip.height;
  const size_t pixels = chosen.empty() ? all : chosen.size();
  const int left = strip.x - block.window_.x, top = strip.y - block.window_.y;  // in the block
  const int piece_left = strip.x - block.piece_.x, piece_top = strip.y - block.piece_.y;
  series.Reset(pixels, group.days, group.band_count);
  out.quality.resize(all);
  out.plane.resize(all);
  const std::vector<int16_t>& plane = out.plane;
  for (size_t k = 0; k < group.dates.size(); ++k) {
    const SeasonBlock::Date& date = block.dates_[group.dates[k]];
    float* weight = series.weight(k);
    if (!date.piece_clear) {
      std::fill_n(weight, pixels, 0.0f);
      continue;
    }
    raster::EnlargeNearest(date.quality.view(), 2, left, top,
                           raster::View<uint8_t>(out.quality.data(), strip.width, strip.height, strip.width));
    // Chosen pixels move to the front; they ascend, so none is overwritten before it moves.
    for (size_t i = 0; i < chosen.size(); ++i) out.quality[i] = out.quality[chosen[i]];
    const uint8_t* const quality = out.quality.data();
    for (size_t i = 0; i < pixels; ++i) {
      weight[i] = quality[i] == QualityWeight::kClear ? 1.0f : quality[i] == QualityWeight::kNearCloud ? kWeightNearCloud : 0.0f;
    }
    for (size_t b = 0; b < group.band_count; ++b) {
      const raster::View<const int16_t> band = date.bands[group.first_band + b].view();
      int16_t* values = series.value(b, k);
      int16_t* target = chosen.empty() ? values : out.plane.data();
      const raster::View<int16_t> whole(target, strip.width, strip.height, strip.width);
      if (resolutions_[group.dates[k]][group.first_band + b] == 10) {
        for (int y = 0; y < strip.height; ++y) {
          std::copy_n(band.row(piece_top + y).begin() + piece_left, strip.width, whole.row(y).begin());
        }
      } else {
        raster::EnlargeBicubic(band, 2, left + 2 * kBicubicMargin, top + 2 * kBicubicMargin,
                               raster::kReflectanceNoData, whole);
      }
      for (size_t i = 0; i < chosen.size(); ++i) values[i] = plane[chosen[i]];
      kernels::DropNoData(values, raster::kReflectanceNoData, pixels, weight);
    }
  }
  series.MergeDays();
}

void SeasonSeries::Fill(const SeasonBlock& block, const geo::Window& strip, const std::vector<uint32_t>& chosen,
                        GapFilling filling, Strip& out) const {
  const size_t pixels = chosen.empty() ? static_cast<size_t>(strip.width) * strip.height : chosen.size();
  if (groups_.size() != 1) out.filled.Reset(pixels, bands_.size(), days_.size());
  for (const Group& group : groups_) {
    Observe(block, group, strip, chosen, out);
    kernels::FilledSeries& filled = groups_.size() == 1 ? out.filled : out.group;
    if (filling == GapFilling::kLinear) {
      kernels::FillLinear(out.observed, days_, filled);
    } else {
      kernels::FillWhittaker(out.observed, kWhittakerLambda, days_, filled);
    }
    if (groups_.size() == 1) return;
    for (size_t b = 0; b < group.band_count; ++b) {
      std::copy_n(filled.plane(b, 0), pixels * days_.size(), out.filled.plane(group.first_band + b, 0));
    }
  }
}

}  // namespace arpent::stages
