#include "common/stages/season_classifier.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/scratch_pool.h"
#include "common/base/status.h"
#include "common/kernels/features/season_digest.h"
#include "common/geo/tile.h"
#include "common/product/publication.h"
#include "common/stages/parted_publication.h"
#include "common/stages/segment_vote.h"
#include "common/stages/small_regions.h"

namespace arpent::stages {
namespace {

using kernels::Classifier;
using kernels::FeatureKind;
using kernels::FeatureSet;
using raster::Image;

const std::vector<std::string> kMainBands = {"B03", "B04", "B08", "B11"};
const std::vector<std::string> kRedEdgeBands = {"B05", "B06", "B07", "B8A"};

// Blocks never take more than a task of 1 GB can give, however much the machine has.
constexpr int64_t kMostMemory = int64_t{1} << 30;

// The pixel is seen when the near infrared, or for want of it the first band, has a value.
size_t WitnessBand(const std::vector<std::string>& bands) {
  const auto found = std::find(bands.begin(), bands.end(), "B08");
  return found == bands.end() ? 0 : found - bands.begin();
}

struct Model {
  std::string stratum;
  std::string uri;
  std::shared_ptr<const Classifier> classifier;
  std::vector<size_t> feature_of;  // index of each model feature in the set, kAbsent for a band that the tile lacks
};
constexpr size_t kAbsent = static_cast<size_t>(-1);

absl::StatusOr<Model> LoadModel(const StageContext& context, const TaskInput& input, const std::string& purpose) {
  ARPENT_ASSIGN_OR_RETURN(const auto published, product::ReadDescription(*context.stores, input.uri));
  const std::string file = absl::StrCat(input.uri, "/", kernels::kModelFile);
  Model model;
  model.uri = input.uri;
  ARPENT_ASSIGN_OR_RETURN(model.classifier, context.models->Get(*context.stores, file, input.key, context.scratch));
  const kernels::ModelDescription& description = model.classifier->description();
  if (description.purpose != purpose) {
    return absl::InvalidArgumentError(absl::StrCat(file, " is a model for ", description.purpose, ", not for ", purpose));
  }
  const auto stratum = published.texts.find("arpent:stratum");
  model.stratum = stratum == published.texts.end() ? insitu::kWholeSite : stratum->second;
  return model;
}

class SeasonClassification final : public SeasonClassifier {
 public:
  SeasonClassification(const TaskSpec& task, const StageContext& context, const std::string& purpose)
      : task_(task), context_(context), purpose_(purpose) {}

  absl::Status Prepare() {
    ARPENT_ASSIGN_OR_RETURN(options_, SeasonOptions::FromParameters(task_.parameters));
    for (const TaskInput& input : task_.inputs) {
      if (input.role != "model") continue;
      ARPENT_ASSIGN_OR_RETURN(Model model, LoadModel(context_, input, purpose_));
      models_.push_back(std::move(model));
    }
    if (models_.empty()) return absl::InvalidArgumentError(absl::StrCat(purpose_, ": the task has no input of role 'model'"));
    std::vector<std::string> wanted = kMainBands;
    const FeatureKind kind = KindOfModels();
    if (options_.red_edge) {
      if (kind == FeatureKind::kCropMask) wanted.push_back("B02");
      wanted.insert(wanted.end(), kRedEdgeBands.begin(), kRedEdgeBands.end());
    }
    ARPENT_ASSIGN_OR_RETURN(series_, SeasonSeries::Open(task_, context_, options_, wanted));
    auto features = FeatureSet::Create(kind, series_->bands(), series_->days(), options_.red_edge);
    ARPENT_RETURN_IF_ERROR(features.status());
    features_.emplace(*std::move(features));
    auto possible = FeatureSet::Create(kind, wanted, series_->days(), options_.red_edge);
    ARPENT_RETURN_IF_ERROR(possible.status());
    for (Model& model : models_) ARPENT_RETURN_IF_ERROR(MatchFeatures(possible->names(), model));
    map_.grid = series_->grid();
    map_.options = options_;
    std::map<uint16_t, kernels::LegendEntry> classes;
    for (const Model& model : models_) {
      for (const auto& entry : model.classifier->description().classes) classes.emplace(entry.code, entry);
    }
    for (const auto& [code, entry] : classes) map_.classes.push_back(entry);
    ARPENT_ASSIGN_OR_RETURN(const geo::TileId tile, geo::TileId::Parse(task_.tile));
    const geo::Grid whole = tile.GridAt(10);
    lattice_ = {map_.grid.Whole(), static_cast<int>(std::lround((map_.grid.west - whole.west) / 10)),
                static_cast<int>(std::lround((whole.north - map_.grid.north) / 10))};
    return PrepareStrata();
  }

  const SeasonMap& map() const override { return map_; }

  geo::Window WindowOf(const TaskPart& part) const override {
    return lattice_.WholeCells(PartWindow(map_.grid, part, CellLattice::kCell));
  }

  absl::StatusOr<SeasonTally> Run(const geo::Window& wanted, const PresetCodes& preset,
                                  const std::vector<uint16_t>& frozen, SeasonMapSink& sink) override {
    wanted_ = wanted;
    region_ = lattice_.WithMargin(wanted);
    const std::vector<geo::Window> blocks = series_->Blocks(region_, std::min(context_.memory_bytes, kMostMemory) - HeldBytes());
    SegmentVote::Shape shape{lattice_, wanted, 0, HasNdvi()};
    for (const geo::Window& block : blocks) shape.rows_at_once = std::max(shape.rows_at_once, block.height);
    vote_.emplace(shape, frozen, kUnclassified, context_.threads,
                  [&sink](const geo::Window& rows, raster::View<const uint16_t> codes) { return sink.Voted(rows, codes); });
    confidence_ = Image<uint8_t>(region_.width, shape.rows_at_once);
    SeasonTally tally;
    for (size_t k = 0; k < blocks.size(); ++k) {
      if (context_.cancelled()) return absl::CancelledError(absl::StrCat(purpose_, " was cancelled"));
      if (blocks[k].x == region_.x) std::fill_n(confidence_.data(), confidence_.size(), raster::kByteNoData);
      ARPENT_ASSIGN_OR_RETURN(const bool has_work, RunBlock(blocks[k], preset));
      tally.wanted_blocks += has_work;
      const bool ends_row = k + 1 == blocks.size() || blocks[k + 1].y != blocks[k].y;
      if (ends_row) ARPENT_RETURN_IF_ERROR(EndRow(blocks[k], sink));
      context_.progress(0.9 * static_cast<double>(k + 1) / static_cast<double>(blocks.size()));
    }
    tally.classified = classified_;
    return tally;
  }

  absl::Status CheckSeen(const SeasonTally& whole_map) const override {
    if (whole_map.wanted_blocks == 0 || whole_map.classified > 0) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat("none of the ", series_->dates(), " dates of tile ", task_.tile,
                                            " has a clear pixel to classify: the season is all cloud"));
  }

 private:
  // Models made from a reference map look at snapshots.
  FeatureKind KindOfModels() const {
    if (purpose_ == "crop-type") return FeatureKind::kCropType;
    for (const std::string& name : models_[0].classifier->description().feature_names) {
      if (name == "max_ndvi_B08") return FeatureKind::kCropMaskSnapshots;
    }
    return FeatureKind::kCropMask;
  }

  absl::Status MatchFeatures(const std::vector<std::string>& possible, Model& model) const {
    const auto matched = model.classifier->MatchFeatures(possible);
    if (!matched.ok()) return Annotate(matched.status(), model.uri);
    for (size_t index : *matched) {
      const auto& names = features_->names();
      const auto found = std::find(names.begin(), names.end(), possible[index]);
      model.feature_of.push_back(found == names.end() ? kAbsent : static_cast<size_t>(found - names.begin()));
    }
    return absl::OkStatus();
  }

  absl::Status PrepareStrata() {
    strata_.emplace(insitu::Strata::Whole());
    for (const TaskInput& input : task_.inputs) {
      if (input.role != "strata") continue;
      ARPENT_ASSIGN_OR_RETURN(const std::string column, task_.parameters.GetString("strata_column"));
      ARPENT_ASSIGN_OR_RETURN(strata_, insitu::Strata::Read(*context_.stores, input.uri, column, series_->grid()));
    }
    const auto model_of = [this](const std::string& name) {
      const auto found = std::find_if(models_.begin(), models_.end(), [&](const Model& m) { return m.stratum == name; });
      return found == models_.end() ? -1 : static_cast<int>(found - models_.begin());
    };
    const int for_all = model_of(insitu::kWholeSite);  // a model of the whole site serves every stratum
    for (const std::string& name : strata_->names()) {
      const int own = model_of(name);
      model_of_stratum_.push_back(own >= 0 ? own : for_all);
    }
    return absl::OkStatus();
  }

  int64_t HeldBytes() const {
    constexpr int kRows = SeasonSeries::kMostBlockRows;
    return SegmentVote::HeldBytes(region_.width, kRows) + SmallRegions::HeldBytes(region_.width, CellLattice::kCell) +
           int64_t{region_.width} * kRows;
  }

  // The row of blocks that ends with this one is complete.
  absl::Status EndRow(const geo::Window& block, SeasonMapSink& sink) {
    const geo::Window rows = geo::Intersection({wanted_.x, block.y, wanted_.width, block.height}, wanted_);
    if (rows.height > 0) {
      const geo::Window place{rows.x - region_.x, rows.y - block.y, rows.width, rows.height};
      ARPENT_RETURN_IF_ERROR(sink.Classified(rows, vote_->Codes(rows), std::as_const(confidence_).view().Sub(place)));
    }
    return vote_->Advance(block.y + block.height);
  }

  // Whether any pixel of the block was to be classified.
  absl::StatusOr<bool> RunBlock(const geo::Window& window, const PresetCodes& preset) {
    const raster::View<uint16_t> codes = vote_->Codes(window);
    if (preset) ARPENT_RETURN_IF_ERROR(preset(map_.grid, window, codes));
    ARPENT_ASSIGN_OR_RETURN(const Image<uint16_t> strata, strata_->Read(window));
    bool wanted = false;
    for (int y = 0; y < window.height && !wanted; ++y) {
      for (int x = 0; x < window.width && !wanted; ++x) {
        wanted = codes(x, y) == kUnclassified && strata(x, y) != insitu::kNoStratum;
      }
    }
    if (!wanted) return false;
    ARPENT_RETURN_IF_ERROR(series_->ReadBlock(window, context_.threads, block_));
    if (!block_.AnyClear()) return true;
    for (const geo::Window& piece : SeasonSeries::PiecesOf(window)) {
      ARPENT_RETURN_IF_ERROR(series_->ReadPiece(piece, context_.threads, block_));
      const std::vector<geo::Window> strips = StripsOf(piece);
      ARPENT_RETURN_IF_ERROR(ParallelFor(strips.size(), context_.threads, [&](size_t s) {
        return RunStrip(strips[s], strata);
      }));
    }
    return true;
  }

  absl::Status RunStrip(const geo::Window& strip, const Image<uint16_t>& strata) {
    const geo::Window& origin = block_.window();
    const raster::View<uint16_t> codes = vote_->Codes(strip);
    const raster::View<kernels::SeasonDigest> digests = vote_->Digests(strip);
    const raster::View<uint8_t> confidence =
        confidence_.view().Sub({strip.x - region_.x, strip.y - origin.y, strip.width, strip.height});
    std::vector<uint32_t> chosen;
    std::vector<uint16_t> stratum;
    for (int y = 0; y < strip.height; ++y) {
      for (int x = 0; x < strip.width; ++x) {
        const uint16_t own = strata(strip.x - origin.x + x, strip.y - origin.y + y);
        if (codes(x, y) != kUnclassified || own == insitu::kNoStratum) continue;
        chosen.push_back(static_cast<uint32_t>(y * strip.width + x));
        stratum.push_back(own);
      }
    }
    if (chosen.empty()) return absl::OkStatus();
    const bool all = chosen.size() == static_cast<size_t>(strip.width) * strip.height;
    const auto scratch = strips_.Borrow();
    const GapFilling filling =
        features_->kind() == FeatureKind::kCropMaskSnapshots ? GapFilling::kWhittaker : options_.filling;
    series_->Fill(block_, strip, all ? std::vector<uint32_t>() : chosen, filling, scratch->series);
    const kernels::FilledSeries& filled = scratch->series.filled;
    const std::vector<const float*> planes = features_->Compute(filled, scratch->features);

    std::vector<uint16_t> result(chosen.size()), trial(chosen.size());
    std::vector<uint8_t> sure(chosen.size()), trial_sure(chosen.size());
    std::vector<uint16_t> present(stratum);
    std::sort(present.begin(), present.end());
    present.erase(std::unique(present.begin(), present.end()), present.end());
    for (uint16_t own : present) {
      if (model_of_stratum_[own] < 0) {
        return absl::InvalidArgumentError(absl::StrCat("stratum '", strata_->names()[own], "' of tile ", task_.tile,
                                                       " has no model for ", purpose_));
      }
      Predict(models_[model_of_stratum_[own]], planes, chosen.size(), trial, trial_sure);
      for (size_t i = 0; i < chosen.size(); ++i) {
        if (stratum[i] == own) result[i] = trial[i], sure[i] = trial_sure[i];
      }
    }
    std::vector<kernels::SeasonDigest>& looks = scratch->looks;
    looks.resize(chosen.size());
    if (HasNdvi()) kernels::DigestSeason(filled, PlaceOf("B04"), PlaceOf("B08"), looks.data());
    const float* witness = filled.plane(WitnessBand(series_->bands()), 0);
    int64_t seen = 0;
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (std::isnan(witness[i])) continue;
      const int x = static_cast<int>(chosen[i]) % strip.width, y = static_cast<int>(chosen[i]) / strip.width;
      digests(x, y) = looks[i];
      codes(x, y) = result[i];
      confidence(x, y) = sure[i];
      seen += IsWanted(strip.x + x, strip.y + y);
    }
    classified_ += seen;
    return absl::OkStatus();
  }

  // Pixels around a part are counted by the parts that they are of.
  bool IsWanted(int x, int y) const {
    return x >= wanted_.x && x < wanted_.x + wanted_.width && y >= wanted_.y && y < wanted_.y + wanted_.height;
  }

  // The place of a band in the series, its number of bands when it is absent.
  size_t PlaceOf(const char* band) const {
    return std::find(series_->bands().begin(), series_->bands().end(), band) - series_->bands().begin();
  }

  bool HasNdvi() const {
    return PlaceOf("B04") < series_->bands().size() && PlaceOf("B08") < series_->bands().size();
  }

  void Predict(const Model& model, const std::vector<const float*>& planes, size_t pixels, std::vector<uint16_t>& codes,
               std::vector<uint8_t>& confidence) const {
    std::vector<float> absent;
    std::vector<const float*> order;
    for (size_t feature : model.feature_of) {
      if (feature == kAbsent && absent.empty()) absent.assign(pixels, std::numeric_limits<float>::quiet_NaN());
      order.push_back(feature == kAbsent ? absent.data() : planes[feature]);
    }
    model.classifier->Predict(order, pixels, codes.data(), confidence.data());
  }

  const TaskSpec& task_;
  const StageContext& context_;
  const std::string purpose_;
  SeasonMap map_;
  CellLattice lattice_;
  geo::Window wanted_, region_;  // what is to come out, and what is classified for it
  std::optional<SegmentVote> vote_;
  Image<uint8_t> confidence_;  // of the present row of blocks
  SeasonOptions options_;
  std::vector<Model> models_;
  std::unique_ptr<SeasonSeries> series_;
  SeasonBlock block_;  // the one that is worked on
  struct Strip {
    SeasonSeries::Strip series;
    std::vector<float> features;
    std::vector<kernels::SeasonDigest> looks;  // stay zero without NDVI
  };
  ScratchPool<Strip> strips_;
  std::optional<FeatureSet> features_;
  std::optional<insitu::Strata> strata_;
  std::vector<int> model_of_stratum_;
  std::atomic<int64_t> classified_{0};
};

}  // namespace

absl::StatusOr<std::unique_ptr<SeasonClassifier>> SeasonClassifier::Open(const TaskSpec& task,
                                                                        const StageContext& context,
                                                                        const std::string& purpose) {
  auto classification = std::make_unique<SeasonClassification>(task, context, purpose);
  ARPENT_RETURN_IF_ERROR(classification->Prepare());
  return classification;
}

}  // namespace arpent::stages
