// Legends: codes, names and colours of classes, and the codes that labels get.
#ifndef ARPENT_COMMON_INSITU_LEGEND_H_
#define ARPENT_COMMON_INSITU_LEGEND_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent::insitu {

inline constexpr int kSmallestCode = 1;
inline constexpr int kLargestCode = 65534;

struct LegendClass {
  uint16_t code = 0;
  std::string name;
  std::string colour;  // "#rrggbb"
  friend bool operator==(const LegendClass&, const LegendClass&) = default;
};

// CSV "code,name,colour" with or without that heading; the colour may be left out. Ascending code. INVALID_ARGUMENT
// naming file and line for a code outside 1..65534, a code or name that stands twice, a colour that is none.
absl::StatusOr<std::vector<LegendClass>> ParseLegend(absl::string_view csv, absl::string_view what);

// A colour for a class that has none of its own: always the same for a code, neighbours far apart in hue.
std::string ColourOf(uint16_t code);

// Which code each label of a file stands for.
struct LabelCodes {
  std::map<std::string, uint16_t> code_of;  // labels without an entry are unknown to the legend
  bool as_given = false;                    // every label is itself a code
};

// `labels`: the distinct labels. Labels that are all codes in 1..65534 stay as they are. Otherwise, with a legend, a label
// has the code of the class of that name (or that code); without one they get 1, 2, ... in sorted order: by number when
// all are whole numbers, else by text.
LabelCodes AssignCodes(const std::vector<std::string>& labels, const std::vector<LegendClass>& legend);

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_LEGEND_H_
