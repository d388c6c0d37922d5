#include "services/cli/product_verify.h"

#include <vector>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/storage/stores.h"

namespace arpent::cli {
namespace {

constexpr size_t kChunkBytes = size_t{4} << 20;

absl::StatusOr<HexDigest> DigestOf(storage::ObjectStore& store, const storage::ObjectInfo& object) {
  Sha256 digest;
  std::vector<char> chunk(kChunkBytes);
  for (int64_t offset = 0; offset < object.size_bytes;) {
    ARPENT_ASSIGN_OR_RETURN(const size_t count, store.Read(object.path, object.etag, offset, chunk.size(), chunk.data()));
    if (count == 0) return absl::DataLossError(absl::StrCat(object.path, ": ends too soon"));
    digest.Update(absl::string_view(chunk.data(), count));
    offset += count;
  }
  return digest.Finish();
}

}  // namespace

absl::StatusOr<arpent::product::v1::ListProductsResponse> ListProducts(
    Connection& connection, arpent::product::v1::ListProductsRequest request) {
  arpent::product::v1::ListProductsResponse all;
  do {
    ARPENT_ASSIGN_OR_RETURN(const auto page, connection.Call<arpent::product::v1::ListProductsResponse>(connection.products(),
                                                 &arpent::product::v1::ProductService::StubInterface::ListProducts,
                                                 request));
    all.mutable_products()->MergeFrom(page.products());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::Status ForgetProduct(Connection& connection, const std::string& key) {
  arpent::product::v1::DeleteProductRequest request;
  request.set_key(key);
  return connection
      .Call<arpent::product::v1::DeleteProductResponse>(connection.products(),
                                                        &arpent::product::v1::ProductService::StubInterface::DeleteProduct, request)
      .status();
}

absl::Status VerifyProduct(storage::ObjectStore& output, const arpent::product::v1::Product& product) {
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri uri, storage::StoreUri::Parse(product.uri()));
  ARPENT_RETURN_IF_ERROR(output.Stat(uri.path + "/item.json").status());
  for (const auto& asset : product.assets()) {
    const std::string path = uri.path + "/" + asset.file();
    ARPENT_ASSIGN_OR_RETURN(const storage::ObjectInfo object, output.Stat(path));
    if (object.size_bytes != asset.size_bytes()) {
      return absl::DataLossError(absl::StrCat(path, " has ", object.size_bytes, " bytes instead of ", asset.size_bytes()));
    }
    ARPENT_ASSIGN_OR_RETURN(const HexDigest digest, DigestOf(output, object));
    if (digest != asset.sha256()) return absl::DataLossError(absl::StrCat(path, ": its checksum is wrong"));
  }
  return absl::OkStatus();
}

}  // namespace arpent::cli
