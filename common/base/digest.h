// SHA-256 digests: the identity of scenes, parameters and products.
#ifndef ARPENT_COMMON_BASE_DIGEST_H_
#define ARPENT_COMMON_BASE_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace arpent {

// A SHA-256 value as 64 lower-case hex digits.
using HexDigest = std::string;

// How many hex digits of a key end the name of a product folder.
inline constexpr size_t kShortKeyLength = 12;

// Streaming SHA-256. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& Update(absl::string_view bytes);
  // Adds the length before the bytes, so that ("ab","c") and ("a","bc") differ.
  Sha256& UpdateField(absl::string_view bytes);
  // Ends the digest; the object is then of no further use.
  HexDigest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

HexDigest Sha256Of(absl::string_view bytes);

// The digest of a local file's bytes. NOT_FOUND, PERMISSION_DENIED or DATA_LOSS, naming the file.
absl::StatusOr<HexDigest> Sha256OfFile(const std::string& path);

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_DIGEST_H_
