#include "common/stages/samples/cover_weights.h"

#include <algorithm>

namespace arpent::stages {
namespace {

struct Class {
  std::map<std::string, double> pixels;  // of each cover
  double all = 0;
  double weight = 0;  // sum over all pixels, before scaling

  double WeightOf(const std::string& cover) const {
    return std::min(kMostCoverWeight, all / (static_cast<double>(pixels.size()) * pixels.at(cover)));
  }
};

}  // namespace

std::vector<float> CoverWeights(std::span<const uint16_t> classes, std::span<const uint32_t> polygons,
                                const std::map<uint32_t, std::string>& cover_of) {
  static const std::string kUnknown;
  const auto cover = [&](size_t i) -> const std::string& {
    const auto found = cover_of.find(polygons[i]);
    return found == cover_of.end() ? kUnknown : found->second;
  };
  std::map<uint16_t, Class> tally;
  for (size_t i = 0; i < classes.size(); ++i) {
    ++tally[classes[i]].pixels[cover(i)];
    ++tally[classes[i]].all;
  }
  for (auto& [code, of] : tally) {
    for (const auto& [name, pixels] : of.pixels) of.weight += pixels * of.WeightOf(name);
  }
  std::vector<float> weights(classes.size());
  for (size_t i = 0; i < classes.size(); ++i) {
    const Class& of = tally.at(classes[i]);
    weights[i] = static_cast<float>(of.WeightOf(cover(i)) * of.all / of.weight);
  }
  return weights;
}

}  // namespace arpent::stages
