#include "common/base/digest.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/base/status.h"

namespace arpent {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) { EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::Update(absl::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
  return *this;
}

Sha256& Sha256::UpdateField(absl::string_view bytes) {
  return Update(absl::StrCat(bytes.size(), ":")).Update(bytes);
}

HexDigest Sha256::Finish() {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(state_->context, value, &length);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(value), length));
}

HexDigest Sha256Of(absl::string_view bytes) { return Sha256().Update(bytes).Finish(); }

absl::StatusOr<HexDigest> Sha256OfFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return ErrnoStatus(errno, path);
  Sha256 digest;
  std::vector<char> buffer(1 << 20);
  size_t count = 0;
  while ((count = std::fread(buffer.data(), 1, buffer.size(), file)) > 0) {
    digest.Update(absl::string_view(buffer.data(), count));
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return absl::DataLossError(absl::StrCat(path, ": cannot be read to its end"));
  return digest.Finish();
}

}  // namespace arpent
