// Publishing a product: assets first, the STAC item last; the item is the commit. A crash at any instant leaves a whole
// product or nothing that a reader takes for one.
#ifndef ARPENT_COMMON_PRODUCT_PUBLICATION_H_
#define ARPENT_COMMON_PRODUCT_PUBLICATION_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/base/parameters.h"
#include "common/geo/grid.h"
#include "common/product/raster_writer.h"
#include "common/storage/stores.h"

namespace arpent::product {

struct InputRecord {
  std::string role;  // "scene", "l2a", "model", ...
  std::string key;   // product key or digest
  std::string uri;   // product folder or scene
};

// What the item says beyond its assets. Everything here is deterministic: no wall clock, host or timing.
struct ProductDescription {
  std::string stage;  // "l2a"
  int algorithm_version = 0;
  std::string folder;  // in the output store, from layout.h
  HexDigest key;
  Parameters parameters;
  std::vector<InputRecord> inputs;
  geo::Grid grid;                            // footprint; epsg 0 for products without one (models)
  std::string tile;                          // adds grid:code for MGRS tiles
  absl::Time datetime;                       // of sensing; for periods the start
  absl::Time start_datetime, end_datetime;   // infinite past/future when it is a single date
  std::string platform;                      // "sentinel-2a"
  std::map<std::string, double> numbers;     // STAC properties, e.g. "eo:cloud_cover"
  std::map<std::string, std::string> texts;  // e.g. "arpent:aerosol_model"
  std::vector<std::string> notes;            // fallbacks taken, degraded inputs
  bool degraded = false;
};

struct PublishedAsset {
  std::string name;  // "B02" or "metrics"
  std::string file;  // "B02.tif"
  int64_t size_bytes = 0;
  HexDigest sha256;
  HexDigest pixel_digest;  // empty for what is no raster
};

struct PublishedProduct {
  std::string uri;  // "output:/l2a/33TVL/2015/..."
  HexDigest key;
  std::vector<PublishedAsset> assets;
  std::map<std::string, double> numbers;
  bool degraded = false;
};

// Collects the files of one product in a local scratch folder, then publishes them with styles of the code rasters and
// a thumbnail of what can be seen. Rasters and files may be added from several threads.
class Publication {
 public:
  // `scratch` is a local folder of the task's own.
  Publication(std::shared_ptr<const storage::StoreSet> stores, std::string scratch, ProductDescription description);
  ~Publication();

  ProductDescription& description() { return description_; }

  // A writer for {asset}.tif; its asset is added by Publish when the writer was finished through FinishRaster.
  absl::StatusOr<std::unique_ptr<RasterWriter>> CreateRaster(const std::string& asset, const geo::Grid& grid,
                                                             const RasterOptions& options, int threads);
  absl::Status FinishRaster(const std::string& asset, std::unique_ptr<RasterWriter> writer);
  // A small file, as "metrics" -> "metrics.json". `media_type` as in STAC.
  absl::Status AddFile(const std::string& asset, const std::string& file, const std::string& media_type,
                       const std::string& role, const std::string& bytes);
  // Of what nobody looks at: no styles, no thumbnail.
  void LeaveOutPictures() { pictures_added_ = true; }
  // A local file that exists already (models).
  absl::Status AddLocalFile(const std::string& asset, const std::string& file, const std::string& media_type,
                            const std::string& role, const std::string& local_path);

  // Uploads the assets, then thumbnail and style files, then item.json. Idempotent.
  absl::StatusOr<PublishedProduct> Publish();

 private:
  struct Asset;

  absl::Status Add(std::shared_ptr<Asset> added);
  absl::Status AddPictures();
  std::string RunRecord() const;

  const std::shared_ptr<const storage::StoreSet> stores_;
  const std::string scratch_;
  ProductDescription description_;
  absl::Mutex mutex_;  // guards assets_ and threads_ until Publish
  std::vector<std::shared_ptr<Asset>> assets_;
  int threads_ = 1;
  bool pictures_added_ = false;
};

// Reads a product's item back. NOT_FOUND when it is not published; DATA_LOSS when the item is damaged.
absl::StatusOr<PublishedProduct> ReadPublished(const storage::StoreSet& stores, const std::string& uri);
// The same with everything the item records.
absl::StatusOr<ProductDescription> ReadDescription(const storage::StoreSet& stores, const std::string& uri);
// The legends of the product's code rasters, by asset.
absl::StatusOr<std::map<std::string, std::vector<CodeClass>>> ReadClasses(const storage::StoreSet& stores,
                                                                          const std::string& uri);

}  // namespace arpent::product

#endif  // ARPENT_COMMON_PRODUCT_PUBLICATION_H_
