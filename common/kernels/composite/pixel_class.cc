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
enum Trait : uint8_t { kNone = 1, kHidden = 2, kDoubt = 4, kSnow = 8, kWater = 16 };

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
      return kDoubt;
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

uint8_t Traits(uint8_t scl, uint16_t qa) { return TraitTables().scl[scl] | TraitTables().qa[qa & 255]; }

uint8_t ClassOf(uint8_t traits, bool near_hidden) {
  if (traits & kNone) return kClassNone;
  if (traits & kHidden) return kClassCloud;
  if ((traits & kDoubt) || near_hidden) return kClassDoubtful;
  if (traits & kSnow) return kClassSnow;
  if (traits & kWater) return kClassWater;
  return kClassLand;
}

}  // namespace

bool IsObscured(uint8_t scl, uint16_t qa) {
  const uint8_t traits = Traits(scl, qa);
  return !(traits & kNone) && ((traits & kHidden) || scl == raster::kSclCirrus || (qa & raster::kQaCirrus));
}

bool HasData(uint8_t scl, uint16_t qa) { return !(Traits(scl, qa) & kNone); }

void ClassifyPixels(View<const uint8_t> scl, View<const uint16_t> qa, View<uint8_t> out) {
  assert(scl.width() == out.width() + 2 * kCloudGuardPixels && scl.height() == out.height() + 2 * kCloudGuardPixels);
  assert(qa.width() == scl.width() && qa.height() == scl.height());
  Image<uint8_t> traits(scl.width(), scl.height()), hidden(scl.width(), scl.height());
  const Tables& tables = TraitTables();
  for (int y = 0; y < scl.height(); ++y) {
    const auto scl_row = scl.row(y);
    const auto qa_row = qa.row(y);
    const auto traits_row = traits.row(y), hidden_row = hidden.row(y);
    for (int x = 0; x < scl.width(); ++x) {
      const uint8_t value = tables.scl[scl_row[x]] | tables.qa[qa_row[x] & 255];
      traits_row[x] = value;
      hidden_row[x] = (value & (kHidden | kNone)) == kHidden;
    }
  }
  Image<uint8_t> near_hidden(out.width(), out.height());
  Dilate(hidden.view(), kCloudGuardPixels, near_hidden.view());
  uint8_t classes[2][32];
  for (int i = 0; i < 32; ++i) {
    for (int near = 0; near < 2; ++near) classes[near][i] = ClassOf(static_cast<uint8_t>(i), near != 0);
  }
  for (int y = 0; y < out.height(); ++y) {
    const auto traits_row = traits.row(y + kCloudGuardPixels).subspan(kCloudGuardPixels);
    const auto near_row = near_hidden.row(y);
    const auto out_row = out.row(y);
    for (int x = 0; x < out.width(); ++x) out_row[x] = classes[near_row[x]][traits_row[x]];
  }
}

}  // namespace arpent::kernels
