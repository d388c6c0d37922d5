// Labelled samples: what stage `samples` publishes (one table per tile and purpose) and stage `train` reads.
// Binary, columnar, versioned, checksummed and deterministic (kernels/classify/section_file.h).
//
// Asset of a `samples` product: "{purpose}" -> "{purpose}.samples", e.g. "crop-type.samples",
// media type application/vnd.arpent.samples.
#ifndef ARPENT_COMMON_LEARN_SAMPLE_TABLE_H_
#define ARPENT_COMMON_LEARN_SAMPLE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kernels/classify/classifier.h"

namespace arpent::learn {

using kernels::LegendEntry;

inline constexpr absl::string_view kSampleTableMagic = "ARPSAMPL";
inline constexpr uint32_t kSampleTableVersion = 1;
inline constexpr absl::string_view kSampleTableMediaType = "application/vnd.arpent.samples";

enum class SampleSplit : uint8_t { kTrain = 0, kValidate = 1 };

// One row per sampled pixel. Every column has rows() entries.
struct SampleTable {
  std::string purpose;  // "crop-mask" (codes 0 no crop, 1 crop) or "crop-type" (codes 1-65534)
  std::string tile;     // "33TVL"
  std::vector<std::string> feature_names;
  std::vector<LegendEntry> legend;   // every class of the site, ascending code, also those without a sample here
  std::vector<std::string> strata;   // names; {"all"} when the site has none

  std::vector<uint16_t> class_codes;
  std::vector<uint32_t> polygon_ids;  // number of the polygon in its file, the same on every tile; unique per polygon
  std::vector<uint16_t> stratum;      // index into `strata`
  std::vector<SampleSplit> split;     // of the polygon
  std::vector<float> weights;         // relative weight of the sample, > 0; usually 1
  std::vector<float> values;          // feature planes: values[f * rows() + i]; NaN is no-data

  size_t rows() const { return class_codes.size(); }
  const float* plane(size_t feature) const { return values.data() + feature * rows(); }
  float* plane(size_t feature) { return values.data() + feature * rows(); }

  friend bool operator==(const SampleTable&, const SampleTable&) = default;
};

// "crop-type.samples"
std::string SampleTableFile(absl::string_view purpose);

// INVALID_ARGUMENT when the columns do not fit together (naming the column).
absl::StatusOr<std::string> WriteSampleTable(SampleTable table);

// `what` names the table in errors. INVALID_ARGUMENT when it is no sample table, FAILED_PRECONDITION when a newer
// version wrote it, DATA_LOSS when it is cut short or damaged.
absl::StatusOr<SampleTable> ReadSampleTable(absl::string_view bytes, absl::string_view what);

}  // namespace arpent::learn

#endif  // ARPENT_COMMON_LEARN_SAMPLE_TABLE_H_
