// Whether a JPEG 2000 file is whole, without decoding it: boxes and codestream markers are walked, a few reads per tile part.
#ifndef ARPENT_COMMON_SCENE_JPEG2000_CHECK_H_
#define ARPENT_COMMON_SCENE_JPEG2000_CHECK_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace arpent::scene {

// Reads up to `length` bytes at `offset`; returns how many there were.
using RangeReader = std::function<absl::StatusOr<size_t>(int64_t offset, size_t length, uint8_t* buffer)>;

// DATA_LOSS saying what is missing and where, when the file of `size` bytes is cut short or is no JPEG 2000 (ISO 15444-1,
// annexes A and I). Errors of `read` are returned as they are.
absl::Status CheckJpeg2000(int64_t size, const RangeReader& read);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_JPEG2000_CHECK_H_
