// What crop models look at: the features of the crop mask, of its form without in-situ data, and of crop type, from a
// season's gap-filled reflectance. Formulas and the differences from Sen2Agri: docs/algorithms/features.md.
#ifndef ARPENT_COMMON_KERNELS_FEATURES_FEATURE_SET_H_
#define ARPENT_COMMON_KERNELS_FEATURES_FEATURE_SET_H_

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kernels/features/time_series.h"

namespace arpent::kernels {

enum class FeatureKind {
  kCropMask,       // 27 statistics of NDVI, NDWI and brightness, and 4 red-edge indices per date
  kCropMaskSnapshots,  // spectra at 5 moments of the season: for models trained on a reference map
  kCropType,       // bands and indices of every date
};

// A feature's name tells what it is and on which date of the season: "ndvi_max", "B08_2021-05-11", "max_slope_B08". The
// names travel with the model; a model finds its features by them.
class FeatureSet {
 public:
  // `bands`: those that the site has at all ("B02" ...); an index is left out when one of its bands is absent.
  // `days`: SeasonDays. `red_edge`: whether B05, B06, B07, B8A are used. INVALID_ARGUMENT when the days are empty or B03,
  // B04, B08 or B11 is not among the bands; crop type makes do with the bands that there are.
  static absl::StatusOr<FeatureSet> Create(FeatureKind kind, std::span<const std::string> bands,
                                           std::span<const int> days, bool red_edge);

  FeatureKind kind() const { return kind_; }
  const std::vector<std::string>& names() const { return names_; }

  // A plane of pixels for each feature, NaN where the pixel was never seen. `series` has the bands of Create in their order and
  // its days. Planes lie in `scratch`, or in `series` where a feature is a band: valid while neither changes.
  std::vector<const float*> Compute(const FilledSeries& series, std::vector<float>& scratch) const;

 private:
  FeatureSet() = default;
  int BandIndex(absl::string_view band) const;
  void NameCropMask();
  void NameSnapshots();
  void NameCropType();
  void ComputeCropMask(const FilledSeries& series, float* planes) const;
  void ComputeRedEdge(const FilledSeries& series, float* planes) const;
  void ComputeSnapshots(const FilledSeries& series, float* planes) const;
  std::vector<const float*> ComputeCropType(const FilledSeries& series, std::vector<float>& scratch) const;

  FeatureKind kind_ = FeatureKind::kCropMask;
  std::vector<std::string> bands_;     // as given
  std::vector<std::string> spectrum_;  // bands that are features themselves, in order
  std::vector<int> days_;
  bool red_edge_ = false;
  std::vector<std::string> names_;
};

}  // namespace arpent::kernels

#endif  // ARPENT_COMMON_KERNELS_FEATURES_FEATURE_SET_H_
