#include "common/product/publication.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/product/quicklook.h"
#include "common/product/stac_item.h"

namespace arpent::product {
namespace {

constexpr char kOutputStore[] = "output";
constexpr char kItemFile[] = "item.json";

// Figures to the ninth digit: what lies behind is noise of the arithmetic, and hard to read.
double Tidy(double value) { return std::strtod(absl::StrFormat("%.9g", value).c_str(), nullptr); }

std::string OutputUri(const std::string& folder) { return absl::StrCat(kOutputStore, ":/", folder); }

absl::Status WriteLocal(const std::string& path, const std::string& bytes) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file ? absl::OkStatus() : ErrnoStatus(errno == 0 ? ENOSPC : errno, absl::StrCat("cannot write ", path));
}

}  // namespace

struct Publication::Asset {
  AssetRecord record;
  std::string local_path;
  bool finished = false;
};

Publication::Publication(std::shared_ptr<const storage::StoreSet> stores, std::string scratch,
                         ProductDescription description)
    : stores_(std::move(stores)), scratch_(std::move(scratch)), description_(std::move(description)) {}

Publication::~Publication() = default;

absl::StatusOr<std::unique_ptr<RasterWriter>> Publication::CreateRaster(const std::string& asset, const geo::Grid& grid,
                                                                        const RasterOptions& options, int threads) {
  auto added = std::make_shared<Asset>();
  added->record.published.name = asset;
  added->record.published.file = absl::StrCat(asset, ".tif");
  added->record.media_type = kCogMediaType;
  added->record.role = "data";
  added->record.grid = grid;
  added->record.options = options;
  added->local_path = absl::StrCat(scratch_, "/", asset, ".tif");
  ARPENT_ASSIGN_OR_RETURN(auto writer, RasterWriter::Create(added->local_path, grid, options, threads));
  ARPENT_RETURN_IF_ERROR(Add(std::move(added)));
  absl::MutexLock lock(&mutex_);
  threads_ = std::max(threads_, threads);
  return writer;
}

absl::Status Publication::Add(std::shared_ptr<Asset> added) {
  absl::MutexLock lock(&mutex_);
  for (const auto& asset : assets_) {
    if (asset->record.published.name == added->record.published.name) {
      return absl::InternalError(absl::StrCat("asset ", added->record.published.name, " is there twice"));
    }
  }
  assets_.push_back(std::move(added));
  return absl::OkStatus();
}

absl::Status Publication::FinishRaster(const std::string& asset, std::unique_ptr<RasterWriter> writer) {
  ARPENT_ASSIGN_OR_RETURN(const RasterFile file, writer->Finish());
  absl::MutexLock lock(&mutex_);
  for (const auto& candidate : assets_) {
    PublishedAsset& published = candidate->record.published;
    if (published.name != asset) continue;
    published.size_bytes = file.size_bytes;
    published.sha256 = file.sha256;
    published.pixel_digest = file.pixel_digest;
    candidate->finished = true;
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("asset ", asset, " was never created"));
}

absl::Status Publication::AddFile(const std::string& asset, const std::string& file, const std::string& media_type,
                                  const std::string& role, const std::string& bytes) {
  const std::string path = absl::StrCat(scratch_, "/", file);
  ARPENT_RETURN_IF_ERROR(WriteLocal(path, bytes));
  return AddLocalFile(asset, file, media_type, role, path);
}

absl::Status Publication::AddLocalFile(const std::string& asset, const std::string& file, const std::string& media_type,
                                       const std::string& role, const std::string& local_path) {
  auto added = std::make_shared<Asset>();
  PublishedAsset& published = added->record.published;
  published.name = asset;
  published.file = file;
  ARPENT_ASSIGN_OR_RETURN(published.sha256, Sha256OfFile(local_path));
  std::ifstream stream(local_path, std::ios::binary | std::ios::ate);
  published.size_bytes = static_cast<int64_t>(stream.tellg());
  if (!stream) return absl::NotFoundError(absl::StrCat(local_path, " cannot be read"));
  added->record.media_type = media_type;
  added->record.role = role;
  added->local_path = local_path;
  added->finished = true;
  return Add(std::move(added));
}

// Styles of the code rasters, and a thumbnail when the product has a picture of itself.
absl::Status Publication::AddPictures() {
  std::map<std::string, std::shared_ptr<Asset>> rasters;
  for (const auto& asset : assets_) {
    if (asset->finished && asset->record.grid.has_value()) rasters[asset->record.published.name] = asset;
  }
  for (const auto& [name, asset] : rasters) {
    if (asset->record.options.classes.empty()) continue;
    ARPENT_RETURN_IF_ERROR(AddFile(absl::StrCat(name, "-style"), absl::StrCat(name, ".qml"), "application/xml", "style",
                                   QmlStyle(asset->record.options.classes)));
  }
  std::string png;
  for (const auto& bands : {std::array{"B04", "B03", "B02"}, std::array{"B4", "B3", "B2"}}) {
    if (!std::all_of(bands.begin(), bands.end(), [&](const char* band) { return rasters.count(band) != 0; })) continue;
    ARPENT_ASSIGN_OR_RETURN(png, ReflectanceThumbnail({rasters[bands[0]]->local_path, rasters[bands[1]]->local_path,
                                                       rasters[bands[2]]->local_path}));
  }
  for (const char* codes : {"CT", "CM"}) {
    const auto found = rasters.find(codes);
    if (!png.empty() || found == rasters.end()) continue;
    ARPENT_ASSIGN_OR_RETURN(png, CodeThumbnail(found->second->local_path, found->second->record.options.classes));
  }
  return png.empty() ? absl::OkStatus() : AddFile("thumbnail", "thumbnail.png", "image/png", "thumbnail", png);
}

// Where and when: what the item must not say.
std::string Publication::RunRecord() const {
  nlohmann::json record = {{"published", absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone())},
                           {"inputs", nlohmann::json::array()}};
  for (const InputRecord& input : description_.inputs) {
    record["inputs"].push_back({{"role", input.role}, {"key", input.key}, {"uri", input.uri}});
  }
  return record.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

absl::StatusOr<PublishedProduct> Publication::Publish() {
  if (!pictures_added_) ARPENT_RETURN_IF_ERROR(AddPictures());
  pictures_added_ = true;
  for (auto& [name, value] : description_.numbers) value = Tidy(value);
  std::sort(assets_.begin(), assets_.end(),
            [](const auto& a, const auto& b) { return a->record.published.name < b->record.published.name; });
  std::vector<std::shared_ptr<Asset>> finished;
  std::vector<AssetRecord> records;
  PublishedProduct product = {
      OutputUri(description_.folder), description_.key, {}, description_.numbers, description_.degraded};
  for (const auto& asset : assets_) {
    if (!asset->finished) continue;
    finished.push_back(asset);
    records.push_back(asset->record);
    product.assets.push_back(asset->record.published);
  }
  ARPENT_ASSIGN_OR_RETURN(const std::string item, MakeStacItem(description_, records));
  ARPENT_ASSIGN_OR_RETURN(storage::ObjectStore* const store, stores_->Find(kOutputStore));
  ARPENT_RETURN_IF_ERROR(ParallelFor(finished.size(), threads_, [&](size_t i) {
    const std::string path = absl::StrCat(description_.folder, "/", finished[i]->record.published.file);
    return storage::WriteFile(*store, path, finished[i]->local_path).status();
  }));
  ARPENT_RETURN_IF_ERROR(storage::WriteAll(*store, absl::StrCat(description_.folder, "/run.json"), RunRecord()));
  ARPENT_RETURN_IF_ERROR(storage::WriteAll(*store, absl::StrCat(description_.folder, "/", kItemFile), item));
  return product;
}

namespace {

absl::StatusOr<ParsedItem> ReadItem(const storage::StoreSet& stores, const std::string& uri) {
  const std::string item_uri = absl::StrCat(uri, "/", kItemFile);
  ARPENT_ASSIGN_OR_RETURN(const std::string bytes, stores.ReadAll(item_uri));
  absl::StatusOr<ParsedItem> parsed = ParseStacItem(bytes);
  if (!parsed.ok()) return Annotate(parsed.status(), item_uri);
  return parsed;
}

}  // namespace

absl::StatusOr<PublishedProduct> ReadPublished(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(ParsedItem item, ReadItem(stores, uri));
  return PublishedProduct{uri, item.description.key, std::move(item.assets), std::move(item.description.numbers),
                          item.description.degraded};
}

absl::StatusOr<ProductDescription> ReadDescription(const storage::StoreSet& stores, const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(ParsedItem item, ReadItem(stores, uri));
  ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri parsed, storage::StoreUri::Parse(uri));
  item.description.folder = parsed.path;
  return std::move(item.description);
}

absl::StatusOr<std::map<std::string, std::vector<CodeClass>>> ReadClasses(const storage::StoreSet& stores,
                                                                          const std::string& uri) {
  ARPENT_ASSIGN_OR_RETURN(ParsedItem item, ReadItem(stores, uri));
  return std::move(item.classes);
}

}  // namespace arpent::product
