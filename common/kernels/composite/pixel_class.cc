#include "common/kernels/composite/pixel_class.h"

#include <cassert>
#include <cstddef>

#include "common/raster/codes.h"

namespace arpent::kernels {
namespace {

using raster::Image;
using raster::View;

// out(x, y) = 1 where any input within `radius` (a square) is 1; `in` is larger than `out` by `radius` on all sides.
void Dilate(View<const uint8_t> in, int radius, View<uint8_t> out) {
  Image<uint8_t> rows(out.width(), in.height());
  for (int y = 0; y < in.height(); ++y) {
    uint8_t* const target = rows.row(y).data();
    for (int shift = 0; shift <= 2 * radius; ++shift) {
      const uint8_t* const source = in.row(y).data() + shift;
      for (int x = 0; x < out.width(); ++x) target[x] |= source[x];
    }
  }
  for (int y = 0; y < out.height(); ++y) {
    uint8_t* const target = out.row(y).data();
    for (int x = 0; x < out.width(); ++x) target[x] = 0;
    for (int shift = 0; shift <= 2 * radius; ++shift) {
      const uint8_t* const source = rows.row(y + shift).data();
      for (int x = 0; x < out.width(); ++x) target[x] |= source[x];
    }
  }
}

// Bits that decide about a pixel, from either raster.
enum Trait : uint8_t { kNone = 1, kHidden = 2, kDoubt = 4, kSnow = 8, kWater = 16, kThin = 32 };

uint8_t TraitsOfScl(uint8_t scl) {
  switch (scl) {
    case raster::kSclNoData:
    case raster::kSclSaturated:
      return kNone;
    case raster::kSclCloudShadow:
    case raster::kSclCloudMedium:
    case raster::kSclCloudHigh:
      return kHidden;
    case raster::kSclCirrus:
      return kDoubt | kThin;
    case raster::kSclSnow:
      return kSnow;
    case raster::kSclWater:
      return kWater;
    default:
      return 0;
  }
}

uint8_t TraitsOfQa(uint16_t qa) {
  uint8_t traits = 0;
  if (qa & (raster::kQaNoData | raster::kQaSaturated)) traits |= kNone;
  if (qa & (raster::kQaCloud | raster::kQaCloudShadow)) traits |= kHidden;
  if (qa & (raster::kQaCirrus | raster::kQaCloudAdjacent)) traits |= kDoubt;
  if (qa & raster::kQaCirrus) traits |= kThin;
  if (qa & raster::kQaSnow) traits |= kSnow;
  if (qa & raster::kQaWater) traits |= kWater;
  return traits;
}

struct Tables {
  uint8_t scl[256];
  uint8_t qa[256];  // the low byte: all bits that matter here
  Tables() {
    for (int i = 0; i < 256; ++i) {
      scl[i] = TraitsOfScl(static_cast<uint8_t>(i));
      qa[i] = TraitsOfQa(static_cast<uint16_t>(i));
    }
  }
};

const Tables& TraitTables() {
  static const Tables tables;
  return tables;
}

uint8_t ClassOf(uint8_t traits, bool near_hidden) {
  if (traits & kNone) return kClassNone;
  if (traits & kHidden) return kClassCloud;
  if ((traits & kDoubt) || near_hidden) return kClassDoubtful;
  if (traits & kSnow) return kClassSnow;
  if (traits & kWater) return kClassWater;
  return kClassLand;
}

}  // namespace

void FindTraits(View<const uint8_t> scl, View<const uint16_t> qa, View<uint8_t> traits) {
  const Tables& tables = TraitTables();
  uint8_t meaning[64];
  for (int i = 0; i < 64; ++i) {
    const bool data = !(i & kNone), hidden = data && (i & kHidden), thin = data && (i & kThin);
    meaning[i] = static_cast<uint8_t>((data ? kTraitData : 0) | (hidden ? kTraitHidden : 0) |
                                      (hidden || thin ? kTraitObscured : 0));
  }
  for (int y = 0; y < traits.height(); ++y) {
    const auto scl_row = scl.row(y);
    const auto qa_row = qa.row(y);
    const auto out = traits.row(y);
    for (int x = 0; x < traits.width(); ++x) out[x] = meaning[tables.scl[scl_row[x]] | tables.qa[qa_row[x] & 255]];
  }
}

void ClassifyPixels(View<const uint8_t> scl, View<const uint16_t> qa, View<const uint8_t> hidden, View<uint8_t> out) {
  assert(hidden.width() == out.width() + 2 * kCloudGuardPixels);
  assert(hidden.height() == out.height() + 2 * kCloudGuardPixels);
  const Tables& tables = TraitTables();
  Image<uint8_t> near_hidden(out.width(), out.height());
  Dilate(hidden, kCloudGuardPixels, near_hidden.view());
  uint8_t classes[2][64];
  for (int i = 0; i < 64; ++i) {
    for (int near = 0; near < 2; ++near) classes[near][i] = ClassOf(static_cast<uint8_t>(i), near != 0);
  }
  for (int y = 0; y < out.height(); ++y) {
    const auto scl_row = scl.row(y);
    const auto qa_row = qa.row(y);
    const auto near_row = near_hidden.row(y);
    const auto out_row = out.row(y);
    for (int x = 0; x < out.width(); ++x) {
      out_row[x] = classes[near_row[x]][tables.scl[scl_row[x]] | tables.qa[qa_row[x] & 255]];
    }
  }
}

}  // namespace arpent::kernels
