// The files of one delivered product, whether it is a folder (or bucket prefix) of a store or an archive read in place: .zip, .tar,
// .tar.gz (which is decompressed anew for every file: unpack large ones).
#ifndef ARPENT_COMMON_SCENE_PRODUCT_FOLDER_H_
#define ARPENT_COMMON_SCENE_PRODUCT_FOLDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/storage/stores.h"

namespace arpent::scene {

class ProductFolder {
 public:
  // Lists the product once. In an archive the product is the only folder at its top, when there is one. NOT_FOUND, or
  // INVALID_ARGUMENT for a file that is no archive; both name the URI.
  static absl::StatusOr<ProductFolder> Open(std::shared_ptr<const storage::StoreSet> stores, const std::string& uri);

  // Paths relative to the product with their sizes.
  const std::map<std::string, int64_t>& files() const { return files_; }
  bool Has(const std::string& path) const { return files_.contains(path); }
  // "X.SAFE": the name of the product's own folder, in a .zip too.
  const std::string& name() const { return name_; }

  // Where GDAL finds a file, and how errors name it.
  std::string GdalPathOf(const std::string& path) const { return gdal_root_ + "/" + path; }
  std::string UriOf(const std::string& path) const { return uri_root_ + "/" + path; }

  // A whole (small) file. DATA_LOSS naming it when it cannot be read.
  absl::StatusOr<std::string> ReadText(const std::string& path) const;
  // SHA-256 of a file's bytes.
  absl::StatusOr<HexDigest> DigestOf(const std::string& path) const;
  // DATA_LOSS naming the file when it is no whole JPEG 2000.
  absl::Status CheckJpeg2000(const std::string& path) const;

 private:
  std::string name_, gdal_root_, uri_root_;
  std::map<std::string, int64_t> files_;
};

// Whether the name is that of an archive.
bool IsArchive(absl::string_view path);

// "a/b/X.SAFE.zip" -> "X": the last component without the archive's ending and .SAFE.
std::string ProductIdOf(const std::string& path);

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_PRODUCT_FOLDER_H_
