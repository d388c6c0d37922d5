// A bucket, or a prefix of one, behind any S3-compatible service, through GDAL's client for it.
#ifndef ARPENT_COMMON_STORAGE_S3_STORE_H_
#define ARPENT_COMMON_STORAGE_S3_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/object_store.h"

namespace arpent::storage {

struct S3Options {
  std::string bucket;
  std::string prefix;                // without slashes at its ends; "" for the whole bucket
  std::string endpoint;              // "https://host:port"; empty: AWS_S3_ENDPOINT or Amazon
  std::string region;                // empty: AWS_DEFAULT_REGION
  std::string credentials_file;      // aws_access_key_id = ... lines; empty: the usual chain of AWS clients
  bool path_style = false;           // bucket in the path, not in the host name: most services but Amazon's
  bool requester_pays = false;
  bool anonymous = false;
};

// A read names its version (If-Match), so that bytes of two versions cannot mix. A write is sent only after all of it
// arrived here and becomes visible by one PUT or the end of a multipart upload. Errors: NOT_FOUND, PERMISSION_DENIED
// (credentials, rights), FAILED_PRECONDITION (replaced), UNAVAILABLE for everything that may pass. Stores of one bucket in
// one process share endpoint and credentials: those of the one opened last.
class S3Store final : public ObjectStore {
 public:
  // INVALID_ARGUMENT naming the option; asks the service nothing.
  static absl::StatusOr<std::shared_ptr<S3Store>> Open(const S3Options& options);

  absl::StatusOr<ObjectInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<ObjectInfo>> List(const std::string& prefix, bool recursive) override;
  absl::StatusOr<size_t> Read(const std::string& path, const std::string& etag, int64_t offset, size_t length,
                              char* buffer) override;
  absl::StatusOr<ObjectInfo> Write(const std::string& path, int64_t size_bytes, const ByteProducer& producer) override;
  absl::Status Delete(const std::string& path) override;

 private:
  explicit S3Store(std::string root) : root_(std::move(root)) {}
  std::string Name(const std::string& path) const { return path.empty() ? root_ : root_ + "/" + path; }
  absl::StatusOr<ObjectInfo> StatObject(const std::string& path) const;
  absl::StatusOr<ObjectInfo> FindListed(const std::string& path) const;

  const std::string root_;  // "/vsis3/bucket/prefix"
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_S3_STORE_H_
