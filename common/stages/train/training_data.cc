#include "common/stages/train/training_data.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/kernels/classify/random.h"

namespace arpent::stages {
namespace {

using learn::LegendEntry;
using learn::SampleSplit;
using learn::SampleTable;

// What the first reading of the tables found out about a class.
struct ClassTally {
  std::string name;
  std::set<uint32_t> polygons;        // of the whole site, train and validate
  std::vector<uint64_t> train_draws;  // one random number per training sample of the stratum
  uint64_t last_draw = UINT64_MAX;    // samples up to this draw are used
};

// A random number of the sample's own: the same whatever the other samples and tables are.
uint64_t DrawOf(const SampleTable& table, size_t row, uint64_t seed) {
  uint64_t tile = 0;
  for (const char c : table.tile) tile = tile * 131 + static_cast<unsigned char>(c);
  return kernels::Random(seed ^ (tile << 20), uint64_t{table.polygon_ids[row]} << 32 | row).Next();
}

std::string ClassTitle(uint16_t code, const std::string& name) {
  return name.empty() ? absl::StrCat("class ", code) : absl::StrCat("class ", code, " (", name, ")");
}

class Gatherer {
 public:
  Gatherer(const TrainingDataOptions& options) : options_(options) {}

  // The first reading: what classes there are and which samples to use.
  absl::Status Tally(const SampleTable& table) {
    ARPENT_RETURN_IF_ERROR(CheckTable(table));
    const std::optional<uint16_t> stratum = StratumOf(table);
    for (const LegendEntry& entry : table.legend) {
      ClassTally& tally = classes_[entry.code];
      if (tally.name.empty()) tally.name = entry.name;
      if (tally.name != entry.name) {
        return absl::InvalidArgumentError(absl::StrCat("class ", entry.code, " is '", tally.name, "' on one tile and '",
                                                       entry.name, "' on ", table.tile));
      }
    }
    for (size_t i = 0; i < table.rows(); ++i) {
      ClassTally& tally = classes_[table.class_codes[i]];
      tally.polygons.insert(table.polygon_ids[i]);
      if (Belongs(table, stratum, i) && table.split[i] == SampleSplit::kTrain) {
        tally.train_draws.push_back(DrawOf(table, i, options_.seed));
      }
    }
    tiles_.push_back(table.tile);
    return absl::OkStatus();
  }

  // Between the readings: checks the classes and sets their limits.
  absl::Status Decide() {
    std::vector<std::string> without;
    for (auto& [code, tally] : classes_) {
      // In place of polygons, the samples of a reference map have cells of it: one is enough for a small site's mask.
      if (tally.polygons.size() == 1 && options_.purpose == "crop-type") {
        return absl::InvalidArgumentError(absl::StrCat(
            ClassTitle(code, tally.name), " has samples of a single polygon (row ", *tally.polygons.begin(),
            " of the parcels): a class needs two, one to learn from and one to judge by; add polygons or leave it out"));
      }
      if (tally.train_draws.empty()) {
        if (!tally.polygons.empty()) without.push_back(ClassTitle(code, tally.name));
        continue;
      }
      class_index_[code] = data_.legend.size();
      data_.legend.push_back({code, tally.name});
      if (options_.samples_per_class > 0 && tally.train_draws.size() > options_.samples_per_class) {
        auto limit = tally.train_draws.begin() + (options_.samples_per_class - 1);
        std::nth_element(tally.train_draws.begin(), limit, tally.train_draws.end());
        tally.last_draw = *limit;
        data_.notes.push_back(absl::StrCat(ClassTitle(code, tally.name), ": ", options_.samples_per_class, " of ",
                                           tally.train_draws.size(), " training samples used"));
      }
      tally.train_draws = std::vector<uint64_t>();
    }
    if (!without.empty()) {
      data_.notes.push_back(absl::StrCat("without training samples in this stratum: ", absl::StrJoin(without, ", ")));
    }
    const std::string where = absl::StrCat("stratum '", options_.stratum, "', tiles ", absl::StrJoin(tiles_, ", "));
    if (data_.legend.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("no training samples for the ", options_.purpose, " in ", where,
                                                     ": its polygons lie outside, are too small or never clear"));
    }
    if (data_.legend.size() == 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("all training samples for the ", options_.purpose, " in ", where, " are of ",
                       ClassTitle(data_.legend[0].code, data_.legend[0].name), ": two classes are needed at least"));
    }
    return absl::OkStatus();
  }

  // The second reading: copies the samples to use.
  void Take(const SampleTable& table) {
    const std::optional<uint16_t> stratum = StratumOf(table);
    std::vector<size_t> train, validate;
    for (size_t i = 0; i < table.rows(); ++i) {
      if (!Belongs(table, stratum, i) || !class_index_.contains(table.class_codes[i])) continue;
      if (table.split[i] == SampleSplit::kValidate) {
        validate.push_back(i);
      } else if (DrawOf(table, i, options_.seed) <= classes_[table.class_codes[i]].last_draw) {
        train.push_back(i);
      }
    }
    Append(table, train, data_.train);
    Append(table, validate, data_.validate);
  }

  TrainingData Finish() { return std::move(data_); }

 private:
  absl::Status CheckTable(const SampleTable& table) {
    if (table.purpose != options_.purpose) {
      return absl::InvalidArgumentError(absl::StrCat("the samples of ", table.tile, " are for the ", table.purpose,
                                                     ", not for the ", options_.purpose));
    }
    if (tiles_.empty()) data_.feature_names = table.feature_names;
    if (table.feature_names != data_.feature_names) {
      return absl::InvalidArgumentError(absl::StrCat("the samples of ", tiles_.front(), " have ",
                                                     data_.feature_names.size(), " features, those of ", table.tile,
                                                     " ", table.feature_names.size(), " (", Difference(table),
                                                     "): one model cannot learn from both"));
    }
    return absl::OkStatus();
  }

  std::string Difference(const SampleTable& table) const {
    for (size_t f = 0; f < std::max(table.feature_names.size(), data_.feature_names.size()); ++f) {
      const std::string here = f < table.feature_names.size() ? table.feature_names[f] : "none";
      const std::string there = f < data_.feature_names.size() ? data_.feature_names[f] : "none";
      if (here != there) return absl::StrCat("'", there, "' against '", here, "'");
    }
    return "";
  }

  std::optional<uint16_t> StratumOf(const SampleTable& table) const {
    const auto found = std::find(table.strata.begin(), table.strata.end(), options_.stratum);
    if (found == table.strata.end()) return std::nullopt;
    return static_cast<uint16_t>(found - table.strata.begin());
  }

  bool Belongs(const SampleTable& table, std::optional<uint16_t> stratum, size_t row) const {
    return options_.stratum == "all" || (stratum.has_value() && table.stratum[row] == *stratum);
  }

  void Append(const SampleTable& table, const std::vector<size_t>& rows, SampleColumns& columns) const {
    columns.planes.resize(data_.feature_names.size());
    for (size_t f = 0; f < data_.feature_names.size(); ++f) {
      const float* plane = table.plane(f);
      for (const size_t i : rows) columns.planes[f].push_back(plane[i]);
    }
    for (const size_t i : rows) {
      columns.classes.push_back(static_cast<uint16_t>(class_index_.at(table.class_codes[i])));
      columns.polygons.push_back(table.polygon_ids[i]);
      columns.weights.push_back(table.weights[i]);
    }
  }

  const TrainingDataOptions& options_;
  std::map<uint16_t, ClassTally> classes_;
  std::map<uint16_t, size_t> class_index_;
  std::vector<std::string> tiles_;
  TrainingData data_;
};

}  // namespace

std::vector<const float*> SampleColumns::PlanePointers() const {
  std::vector<const float*> pointers;
  for (const std::vector<float>& plane : planes) pointers.push_back(plane.data());
  return pointers;
}

absl::StatusOr<TrainingData> GatherTrainingData(size_t tables, const TableSource& source,
                                                const TrainingDataOptions& options) {
  Gatherer gatherer(options);
  for (size_t i = 0; i < tables; ++i) {
    ARPENT_ASSIGN_OR_RETURN(const SampleTable table, source(i));
    ARPENT_RETURN_IF_ERROR(gatherer.Tally(table));
  }
  ARPENT_RETURN_IF_ERROR(gatherer.Decide());
  for (size_t i = 0; i < tables; ++i) {
    ARPENT_ASSIGN_OR_RETURN(const SampleTable table, source(i));
    gatherer.Take(table);
  }
  return gatherer.Finish();
}

}  // namespace arpent::stages
