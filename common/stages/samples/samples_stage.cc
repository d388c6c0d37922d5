#include "common/stages/samples/samples_stage.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/resources.h"
#include "common/base/scratch_pool.h"
#include "common/base/status.h"
#include "common/kernels/features/trimming.h"
#include "common/product/layout.h"
#include "common/stages/samples/cover_weights.h"
#include "common/stages/samples/sample_pixels.h"
#include "common/stages/samples/trim_points.h"
#include "common/stages/season_product.h"
#include "common/stages/season_series.h"

namespace arpent::stages {
namespace {

using kernels::FeatureKind;
using kernels::FeatureSet;
using learn::SampleTable;
using raster::Image;

constexpr const char* kPurposeNames[kPurposes] = {"crop-mask", "crop-type"};
// Values that one table may hold; classes share what is theirs. (Its bytes are made of a copy.)
constexpr int64_t kMostTableBytes = int64_t{128} << 20;

// One purpose's features and the rows that its pixels get.
struct Column {
  Purpose purpose;
  FeatureSet features;
  std::vector<int64_t> row_of;  // of each sample pixel, -1 none
  std::vector<float> values;    // planes of `rows`
  size_t rows = 0;
  std::array<size_t, kernels::kTrimChannels> trim_features;  // places of what trimming looks at
};

class SamplesRun {
 public:
  SamplesRun(const TaskSpec& task, const StageContext& context)
      : task_(task), context_(context), trim_points_(context.scratch) {}

  absl::StatusOr<TaskResult> Run() {
    ARPENT_RETURN_IF_ERROR(ReadParameters());
    std::vector<std::string> wanted = {"B03", "B04", "B08", "B11"};
    if (options_.red_edge) wanted.insert(wanted.end(), {"B02", "B05", "B06", "B07", "B8A"});
    ARPENT_ASSIGN_OR_RETURN(series_, SeasonSeries::Open(task_, context_, options_, wanted));
    ARPENT_RETURN_IF_ERROR(MakeFeatures());
    ARPENT_RETURN_IF_ERROR(ChoosePixels());
    context_.progress(0.1);
    ARPENT_RETURN_IF_ERROR(Measure());
    ReturnFreeMemory();  // of the blocks: the tables are copied next
    context_.progress(0.9);
    if (reference_ != nullptr) ARPENT_RETURN_IF_ERROR(LabelFromReference());
    return Publish();
  }

 private:
  absl::Status ReadParameters() {
    ARPENT_ASSIGN_OR_RETURN(options_, SeasonOptions::FromParameters(task_.parameters));
    ARPENT_ASSIGN_OR_RETURN(const auto purposes, task_.parameters.GetList("purposes"));
    for (const std::string& name : purposes) {
      const auto found = std::find(std::begin(kPurposeNames), std::end(kPurposeNames), name);
      if (found == std::end(kPurposeNames)) {
        return absl::InvalidArgumentError(absl::StrCat("purposes: '", name, "' is neither crop-mask nor crop-type"));
      }
      wanted_[found - std::begin(kPurposeNames)] = true;
    }
    ARPENT_ASSIGN_OR_RETURN(const int64_t per_class, task_.parameters.GetInt("samples_per_class"));
    ARPENT_ASSIGN_OR_RETURN(const int64_t seed, task_.parameters.GetInt("seed"));
    ARPENT_ASSIGN_OR_RETURN(train_share_, task_.parameters.GetDouble("train_share"));
    if (per_class < 1) return absl::InvalidArgumentError("samples_per_class: below 1");
    if (!(train_share_ > 0 && train_share_ <= 1)) return absl::InvalidArgumentError("train_share: not in (0, 1]");
    limits_.per_class = static_cast<size_t>(per_class);
    limits_.seed = static_cast<uint64_t>(seed);
    parcels_input_ = FindInput(task_, "parcels");
    reference_input_ = FindInput(task_, "reference-map");
    if (parcels_input_ == nullptr && reference_input_ == nullptr) {
      return absl::InvalidArgumentError("samples: neither parcels nor a reference map are given");
    }
    if (parcels_input_ != nullptr) return absl::OkStatus();
    wanted_ = {true, false};  // a land-cover map knows no crops
    ARPENT_ASSIGN_OR_RETURN(const auto crop_classes, task_.parameters.GetList("crop_classes"));
    for (const std::string& text : crop_classes) {
      int32_t code = 0;
      if (!absl::SimpleAtoi(text, &code)) {
        return absl::InvalidArgumentError(absl::StrCat("crop_classes: '", text, "' is no whole number"));
      }
      crop_classes_.insert(code);
    }
    if (crop_classes_.empty()) {
      return absl::InvalidArgumentError("crop_classes: name the codes of the reference map that are crops");
    }
    return absl::OkStatus();
  }

  absl::Status MakeFeatures() {
    for (Purpose purpose : {kForCropMask, kForCropType}) {
      if (!wanted_[purpose]) continue;
      const FeatureKind kind = purpose == kForCropType     ? FeatureKind::kCropType
                               : parcels_input_ != nullptr ? FeatureKind::kCropMask
                                                           : FeatureKind::kCropMaskSnapshots;
      auto features = FeatureSet::Create(kind, series_->bands(), series_->days(), options_.red_edge);
      if (!features.ok()) return Annotate(features.status(), kPurposeNames[purpose]);
      const auto bytes = static_cast<int64_t>(features->names().size() * sizeof(float));
      limits_.rows[purpose] = static_cast<size_t>(kMostTableBytes / bytes);
      columns_.push_back({purpose, *std::move(features), {}, {}, 0, {}});
      if (kind == FeatureKind::kCropMaskSnapshots) FindTrimFeatures(columns_.back());
    }
    return absl::OkStatus();
  }

  static void FindTrimFeatures(Column& column) {
    const auto& names = column.features.names();
    size_t k = 0;
    for (const char* name : {"max_ndvi_B03", "max_ndvi_B04", "max_ndvi_B08", "min_ndvi_B04", "min_ndvi_B08"}) {
      column.trim_features[k++] = std::find(names.begin(), names.end(), name) - names.begin();
    }
  }

  absl::Status ChoosePixels() {
    ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(task_.tile));
    ARPENT_ASSIGN_OR_RETURN(ownership_, geo::Ownership::Of(tile));
    const geo::Ownership& ownership = *ownership_;
    if (const TaskInput* input = FindInput(task_, "strata"); input != nullptr) {
      ARPENT_ASSIGN_OR_RETURN(const std::string column, task_.parameters.GetString("strata_column"));
      ARPENT_ASSIGN_OR_RETURN(strata_, insitu::Strata::Read(*context_.stores, input->uri, column, series_->grid()));
    }
    if (parcels_input_ != nullptr) {
      ARPENT_RETURN_IF_ERROR(ReadParcels());
      ARPENT_ASSIGN_OR_RETURN(pixels_,
                              ParcelPixels(parcels_, strata_, series_->grid(), ownership, wanted_, limits_));
    } else {
      ARPENT_ASSIGN_OR_RETURN(reference_,
                              insitu::ReferenceMap::Open(*context_.stores, reference_input_->uri, series_->grid()));
      ARPENT_ASSIGN_OR_RETURN(
          pixels_, ReferencePixels(*reference_, strata_, series_->grid(), ownership, train_share_, limits_));
    }
    for (Column& column : columns_) {
      for (const SamplePixel& pixel : pixels_) {
        const bool sampled = pixel.label[column.purpose] != kNoLabel;
        column.row_of.push_back(sampled ? static_cast<int64_t>(column.rows) : -1);
        column.rows += sampled;
      }
      column.values.resize(column.features.names().size() * column.rows);
    }
    seen_.assign(pixels_.size(), 0);
    return absl::OkStatus();
  }

  absl::Status ReadParcels() {
    ARPENT_ASSIGN_OR_RETURN(insitu::ParcelOptions options, insitu::ParcelOptions::FromParameters(task_.parameters));
    options.need_crop = wanted_[kForCropMask];
    options.need_code = wanted_[kForCropType];
    if (const TaskInput* legend = FindInput(task_, "legend"); legend != nullptr) {
      ARPENT_ASSIGN_OR_RETURN(const std::string csv, context_.stores->ReadAll(legend->uri));
      ARPENT_ASSIGN_OR_RETURN(options.legend, insitu::ParseLegend(csv, legend->uri));
    }
    ARPENT_ASSIGN_OR_RETURN(parcels_,
                            insitu::ReadParcels(*context_.stores, parcels_input_->uri, options, series_->grid()));
    insitu::SplitParcels(limits_.seed, train_share_, parcels_);
    if (!wanted_[kForCropType]) return absl::OkStatus();
    return Annotate(insitu::CheckEnoughPolygons(parcels_), parcels_input_->uri);
  }

  // One pass over the blocks that hold sample pixels.
  absl::Status Measure() {
    const std::vector<geo::Window> blocks = series_->Blocks(context_.memory_bytes / 2);
    SeasonBlock block;
    for (size_t k = 0; k < blocks.size(); ++k) {
      if (context_.cancelled()) return absl::CancelledError("samples was cancelled");
      const geo::Window& window = blocks[k];
      const auto first = std::lower_bound(pixels_.begin(), pixels_.end(), window.y,
                                          [](const SamplePixel& pixel, int y) { return pixel.y < y; });
      std::vector<size_t> inside;
      for (auto p = first; p != pixels_.end() && p->y < window.y + window.height; ++p) {
        if (p->x >= window.x && p->x < window.x + window.width) inside.push_back(p - pixels_.begin());
      }
      Image<int32_t> covers;  // of every pixel that trimming looks at
      if (reference_ != nullptr) {
        ARPENT_ASSIGN_OR_RETURN(covers, HomogeneousCodes(*reference_, strata_, series_->grid(), *ownership_, window));
      }
      const auto* end = covers.data() + covers.size();
      if (!inside.empty() || std::any_of(std::as_const(covers).data(), end, [](int32_t c) { return c != insitu::kNoCode; })) {
        ARPENT_RETURN_IF_ERROR(series_->ReadBlock(window, context_.threads, block));
        if (block.AnyClear()) ARPENT_RETURN_IF_ERROR(MeasureBlock(inside, covers, block));
      }
      context_.progress(0.1 + 0.8 * static_cast<double>(k + 1) / static_cast<double>(blocks.size()));
    }
    return absl::OkStatus();
  }

  absl::Status MeasureBlock(const std::vector<size_t>& inside, const Image<int32_t>& covers, SeasonBlock& block) {
    for (const geo::Window& piece : SeasonSeries::PiecesOf(block.window())) {
      const std::vector<geo::Window> strips = StripsOf(piece);
      std::vector<std::vector<size_t>> of_strip(strips.size());
      bool any = !covers.empty();
      for (size_t p : inside) {
        const SamplePixel& pixel = pixels_[p];
        const geo::Window at{pixel.x, pixel.y, 1, 1};
        if (geo::Intersection(piece, at) != at) continue;
        of_strip[StripAt(piece, pixel.x, pixel.y)].push_back(p);
        any = true;
      }
      if (!any) continue;
      ARPENT_RETURN_IF_ERROR(series_->ReadPiece(piece, context_.threads, block));
      ARPENT_RETURN_IF_ERROR(ParallelFor(strips.size(), context_.threads, [&](size_t s) -> absl::Status {
        if (!of_strip[s].empty()) MeasureStrip(block, strips[s], of_strip[s]);
        return covers.empty() ? absl::OkStatus() : AddTrimPoints(block, strips[s], covers);
      }));
    }
    return absl::OkStatus();
  }

  void MeasureStrip(const SeasonBlock& block, const geo::Window& strip, const std::vector<size_t>& own) {
    std::vector<uint32_t> chosen;
    for (size_t p : own) {
      chosen.push_back(static_cast<uint32_t>((pixels_[p].y - strip.y) * strip.width + pixels_[p].x - strip.x));
    }
    const auto scratch = strips_.Borrow();
    series_->Fill(block, strip, chosen, reference_ != nullptr ? GapFilling::kWhittaker : options_.filling, *scratch);
    const kernels::FilledSeries& filled = scratch->filled;
    const float* witness = Witness(filled);
    for (size_t i = 0; i < own.size(); ++i) seen_[own[i]] = !std::isnan(witness[i]);
    std::vector<float> features;
    for (Column& column : columns_) {
      const std::vector<const float*> planes = column.features.Compute(filled, features);
      for (size_t f = 0; f < planes.size(); ++f) {
        for (size_t i = 0; i < own.size(); ++i) {
          const int64_t row = column.row_of[own[i]];
          if (row >= 0) column.values[f * column.rows + row] = planes[f][i];
        }
      }
    }
  }

  const float* Witness(const kernels::FilledSeries& filled) const {
    const auto& bands = series_->bands();
    const auto nir = std::find(bands.begin(), bands.end(), "B08");
    return filled.plane(nir == bands.end() ? 0 : nir - bands.begin(), 0);
  }

  // What the trimming of land covers looks at, of every homogeneous pixel of a strip that some date sees.
  absl::Status AddTrimPoints(const SeasonBlock& block, const geo::Window& strip, const Image<int32_t>& covers) {
    const geo::Window& origin = block.window();
    std::vector<uint32_t> chosen;
    std::vector<int32_t> cover;
    for (int y = 0; y < strip.height; ++y) {
      for (int x = 0; x < strip.width; ++x) {
        const int32_t code = covers(strip.x - origin.x + x, strip.y - origin.y + y);
        if (code == insitu::kNoCode) continue;
        chosen.push_back(static_cast<uint32_t>(y * strip.width + x));
        cover.push_back(code);
      }
    }
    if (chosen.empty()) return absl::OkStatus();
    const auto scratch = strips_.Borrow();
    series_->Fill(block, strip, chosen, GapFilling::kWhittaker, *scratch);
    const kernels::FilledSeries& filled = scratch->filled;
    const float* witness = Witness(filled);
    const Column& column = columns_[0];
    std::vector<float> features;
    const std::vector<const float*> planes = column.features.Compute(filled, features);
    std::map<int32_t, std::vector<kernels::TrimPoint>> points;
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (!std::isnan(witness[i])) points[cover[i]].push_back(TrimPointOf(column, [&](size_t feature) { return planes[feature][i]; }));
    }
    for (const auto& [code, of_cover] : points) ARPENT_RETURN_IF_ERROR(trim_points_.Add(code, of_cover));
    return absl::OkStatus();
  }

  // Of the pixel that has `value_of(feature)`.
  template <typename ValueOf>
  static kernels::TrimPoint TrimPointOf(const Column& column, const ValueOf& value_of) {
    kernels::TrimPoint point;
    for (int k = 0; k < kernels::kTrimChannels; ++k) {
      const float value = value_of(column.trim_features[k]);
      const float reflectance = std::isnan(value) ? 0 : value;  // a band that no date has
      point[k] = static_cast<int16_t>(std::clamp(std::nearbyint(reflectance * 1e4f), -32768.0f, 32767.0f));
    }
    return point;
  }

  // Drops the untypical pixels of each land cover and turns its codes into crop and no crop.
  absl::Status LabelFromReference() {
    const Column& column = columns_[0];
    ARPENT_ASSIGN_OR_RETURN(const auto trimmings, trim_points_.Trim(context_.threads));
    size_t looked_at = 0, trimmed = 0;
    for (const auto& [code, trimming] : trimmings) {
      looked_at += trimming.points;
      trimmed += trimming.dropped;
    }
    for (size_t p = 0; p < pixels_.size(); ++p) {
      const auto trimming = trimmings.find(pixels_[p].label[kForCropMask]);
      if (!seen_[p] || trimming == trimmings.end()) continue;
      seen_[p] = trimming->second.Keeps(TrimPointOf(column, [&](size_t feature) { return column.values[feature * column.rows + column.row_of[p]]; }));
    }
    for (SamplePixel& pixel : pixels_) {
      pixel.label[kForCropMask] = crop_classes_.count(pixel.label[kForCropMask]) != 0 ? 1 : 0;
    }
    notes_.push_back(absl::StrCat(trimmed, " of ", looked_at, " homogeneous pixels of the reference map are untypical of their class"));
    LimitClasses();
    return absl::OkStatus();
  }

  // Land covers were drawn one by one; crop and no crop get at most samples_per_class each.
  void LimitClasses() {
    DrawnPixels drawn(limits_.seed, series_->grid(), limits_.per_class);
    for (size_t p = 0; p < pixels_.size(); ++p) {
      if (seen_[p]) drawn.Add(pixels_[p].label[kForCropMask], pixels_[p]);
    }
    std::set<std::pair<int, int>> kept;
    for (const auto& [label, pixels] : drawn.Take()) {
      for (const SamplePixel& pixel : pixels) kept.insert({pixel.y, pixel.x});
    }
    for (size_t p = 0; p < pixels_.size(); ++p) seen_[p] = seen_[p] && kept.count({pixels_[p].y, pixels_[p].x}) != 0;
  }

  SampleTable TableOf(Column& column) const {
    SampleTable table;
    table.purpose = kPurposeNames[column.purpose];
    table.tile = task_.tile;
    table.feature_names = column.features.names();
    table.strata = strata_.names();
    if (column.purpose == kForCropMask) {
      table.legend = {{0, "no crop"}, {1, "crop"}};
    } else {
      for (const auto& entry : parcels_.legend) table.legend.push_back({entry.code, entry.name});
    }
    std::vector<size_t> rows;
    for (size_t p = 0; p < pixels_.size(); ++p) {
      if (column.row_of[p] < 0 || !seen_[p]) continue;
      const SamplePixel& pixel = pixels_[p];
      rows.push_back(static_cast<size_t>(column.row_of[p]));
      table.class_codes.push_back(static_cast<uint16_t>(pixel.label[column.purpose]));
      table.polygon_ids.push_back(pixel.polygon);
      table.stratum.push_back(pixel.stratum);
      table.split.push_back(pixel.split);
    }
    table.weights = WeightsOf(table);
    // Closes the gaps of unseen pixels in place: targets never overtake sources.
    size_t target = 0;
    for (size_t f = 0; f < table.feature_names.size(); ++f) {
      for (size_t row : rows) column.values[target++] = column.values[f * column.rows + row];
    }
    column.values.resize(target);
    table.values = std::move(column.values);
    return table;
  }

  // Crops are learned as they were mapped. For the mask, covers of a class count alike, as those of a reference map do.
  std::vector<float> WeightsOf(const SampleTable& table) const {
    if (table.purpose != kPurposeNames[kForCropMask] || parcels_.parcels.empty()) {
      return std::vector<float>(table.rows(), 1.0f);
    }
    std::map<uint32_t, std::string> cover_of;
    for (const insitu::Parcel& parcel : parcels_.parcels) cover_of[parcel.number] = parcel.label;
    return CoverWeights(table.class_codes, table.polygon_ids, cover_of);
  }

  absl::StatusOr<TaskResult> Publish() {
    product::ProductDescription description = DescribeSeasonProduct(task_, options_, series_->grid());
    for (const std::string& warning : parcels_.warnings) description.notes.push_back(warning);
    for (const std::string& note : notes_) description.notes.push_back(note);
    if (!parcels_.issues.empty()) {
      const insitu::RowIssue& first = parcels_.issues[0];
      description.notes.push_back(absl::StrCat(parcels_.issues.size(), " problems in ", parcels_.rows,
                                               " parcels (parcels.json); the first, row ", first.number, " (id ",
                                               first.id, "): ", first.problem));
    }
    const auto unseen = static_cast<size_t>(std::count(seen_.begin(), seen_.end(), 0));
    if (pixels_.empty()) {
      description.notes.push_back(parcels_input_ != nullptr ? "no parcel covers a pixel that this tile owns"
                                                            : "the reference map has no homogeneous pixel on this tile");
    } else if (unseen == pixels_.size()) {
      description.notes.push_back("no date of the season sees any sample pixel clear");
    }
    description.numbers["arpent:parcel_issues"] = static_cast<double>(parcels_.issues.size());
    product::Publication publication(context_.stores, context_.scratch, std::move(description));
    for (Column& column : columns_) {
      const std::string purpose = kPurposeNames[column.purpose];
      SampleTable table = TableOf(column);
      publication.description().numbers[absl::StrCat("arpent:samples_", purpose)] = static_cast<double>(table.rows());
      ARPENT_ASSIGN_OR_RETURN(const std::string bytes, learn::WriteSampleTable(std::move(table)));
      ARPENT_RETURN_IF_ERROR(publication.AddFile(purpose, learn::SampleTableFile(purpose),
                                                 std::string(learn::kSampleTableMediaType), "data", bytes));
    }
    if (parcels_input_ != nullptr) {
      ARPENT_RETURN_IF_ERROR(publication.AddFile("parcel-report", "parcels.json", "application/json", "metadata",
                                                 insitu::IssuesJson(parcels_)));
    }
    return FinishSeasonProduct(publication, series_->grid(), context_);
  }

  const TaskSpec& task_;
  const StageContext& context_;
  SeasonOptions options_;
  std::array<bool, kPurposes> wanted_ = {false, false};
  PixelLimits limits_;
  double train_share_ = 0.75;
  const TaskInput* parcels_input_ = nullptr;
  const TaskInput* reference_input_ = nullptr;
  std::set<int32_t> crop_classes_;
  std::unique_ptr<SeasonSeries> series_;
  ScratchPool<SeasonSeries::Strip> strips_;
  std::unique_ptr<insitu::ReferenceMap> reference_;
  std::optional<geo::Ownership> ownership_;
  TrimPoints trim_points_;
  insitu::Strata strata_ = insitu::Strata::Whole();
  insitu::ParcelSet parcels_;
  std::vector<SamplePixel> pixels_;  // by row and column
  std::vector<uint8_t> seen_;        // of pixels_: has features and is to be used
  std::vector<Column> columns_;
  std::vector<std::string> notes_;
};

}  // namespace

absl::StatusOr<TaskResult> RunSamples(const TaskSpec& task, const StageContext& context) {
  return SamplesRun(task, context).Run();
}

}  // namespace arpent::stages
