#include "common/product/cog_assembly.h"

#include <fcntl.h>
#include <ogr_srs_api.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/parameters.h"
#include "common/base/status.h"
#include "common/product/block_codec.h"
#include "common/product/tiff_directory.h"
#include "common/storage/file_descriptor.h"
#include "common/telemetry/time_account.h"

namespace arpent::product {
namespace {

constexpr uint64_t kBlockFraming = 8;                     // 4 bytes before and 4 after each block
constexpr uint64_t kClassicLimit = uint64_t{4000} << 20;  // beyond it offsets need BigTIFF

enum Tag : uint16_t {
  kNewSubfileType = 254,
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kSamplesPerPixel = 277,
  kPlanarConfiguration = 284,
  kPredictor = 317,
  kColorMap = 320,
  kTileWidth = 322,
  kTileLength = 323,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kSampleFormat = 339,
  kModelPixelScale = 33550,
  kModelTiepoint = 33922,
  kGeoKeyDirectory = 34735,
  kGdalMetadata = 42112,
  kGdalNoData = 42113,
};

// What GDAL's readers look for behind the header to know that a file is laid out for the cloud, and that each block
// has its size in front and its last four bytes repeated behind it.
std::string StructuralMetadata() {
  const std::string text =
      "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
      "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
  return absl::StrCat("GDAL_STRUCTURAL_METADATA_SIZE=", absl::StrFormat("%06d", text.size()), " bytes\n", text);
}

std::string XmlText(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string GdalMetadata(const RasterOptions& options) {
  std::string items;
  const auto add = [&](absl::string_view name, absl::string_view role, absl::string_view value) {
    absl::StrAppend(&items, "  <Item name=\"", name, "\" sample=\"0\" role=\"", role, "\">", XmlText(value),
                    "</Item>\n");
  };
  if (!options.description.empty()) add("DESCRIPTION", "description", options.description);
  if (options.scale != 1 || options.offset != 0) {
    add("OFFSET", "offset", CanonicalNumber(options.offset));
    add("SCALE", "scale", CanonicalNumber(options.scale));
  }
  if (!options.unit.empty()) add("UNITTYPE", "unittype", options.unit);
  return items.empty() ? "" : absl::StrCat("<GDALMetadata>\n", items, "</GDALMetadata>\n");
}

absl::StatusOr<bool> IsGeographic(int epsg) {
  const OGRSpatialReferenceH system = OSRNewSpatialReference(nullptr);
  const bool known = OSRImportFromEPSG(system, epsg) == OGRERR_NONE;
  const bool geographic = known && OSRIsGeographic(system);
  OSRDestroySpatialReference(system);
  if (!known || epsg > 65534) return absl::InvalidArgumentError(absl::StrCat("EPSG:", epsg, " is not known"));
  return geographic;
}

absl::Status SetGeoreference(const geo::Grid& grid, TiffDirectory* directory) {
  directory->SetDouble(kModelPixelScale, {grid.pixel_m, grid.pixel_m, 0});
  directory->SetDouble(kModelTiepoint, {0, 0, 0, grid.west, grid.north, 0});
  if (grid.epsg == 0) return absl::OkStatus();
  ARPENT_ASSIGN_OR_RETURN(const bool geographic, IsGeographic(grid.epsg));
  constexpr uint16_t kModelType = 1024, kRasterType = 1025, kGeographicType = 2048, kProjectedType = 3072;
  constexpr uint16_t kProjected = 1, kGeographic = 2, kPixelIsArea = 1;
  directory->SetShort(kGeoKeyDirectory,
                      {1, 1, 0, 3,                                               // version, revision, number of keys
                       kModelType, 0, 1, geographic ? kGeographic : kProjected,  //
                       kRasterType, 0, 1, kPixelIsArea,                          //
                       geographic ? kGeographicType : kProjectedType, 0, 1, static_cast<uint16_t>(grid.epsg)});
  return absl::OkStatus();
}

std::vector<uint16_t> ColourMap(const std::vector<CodeClass>& classes) {
  std::vector<uint16_t> map(3 * 256, 0);
  for (const CodeClass& entry : classes) {
    unsigned red = 0, green = 0, blue = 0;
    if (entry.value < 0 || entry.value > 255) continue;
    if (std::sscanf(entry.colour.c_str(), "#%2x%2x%2x", &red, &green, &blue) != 3) continue;
    map[entry.value] = static_cast<uint16_t>(red * 257);
    map[256 + entry.value] = static_cast<uint16_t>(green * 257);
    map[512 + entry.value] = static_cast<uint16_t>(blue * 257);
  }
  return map;
}

// Everything about a level but the place of its blocks.
TiffDirectory DirectoryOf(const CogLevel& level, bool overview, const RasterOptions& options) {
  TiffDirectory directory;
  const bool palette = options.type == PixelType::kUInt8 && !options.classes.empty();
  const bool is_float = options.type == PixelType::kFloat32;
  directory.SetLong(kNewSubfileType, {overview ? 1u : 0u});
  directory.SetLong(kImageWidth, {static_cast<uint32_t>(level.width)});
  directory.SetLong(kImageLength, {static_cast<uint32_t>(level.height)});
  directory.SetShort(kBitsPerSample, {static_cast<uint16_t>(8 * BytesPerPixel(options.type))});
  directory.SetShort(kCompression, {50000});  // Zstandard
  directory.SetShort(kPhotometric, {static_cast<uint16_t>(palette ? 3 : 1)});
  directory.SetShort(kSamplesPerPixel, {1});
  directory.SetShort(kPlanarConfiguration, {1});
  directory.SetShort(kPredictor, {static_cast<uint16_t>(is_float ? 3 : 2)});
  if (palette) directory.SetShort(kColorMap, ColourMap(options.classes));
  directory.SetShort(kTileWidth, {kBlockPixels});
  directory.SetShort(kTileLength, {kBlockPixels});
  directory.SetShort(kSampleFormat, {static_cast<uint16_t>(is_float ? 3 : options.type == PixelType::kInt16 ? 2 : 1)});
  if (options.no_data.has_value()) {
    directory.SetText(kGdalNoData, std::isnan(*options.no_data) ? "nan" : CanonicalNumber(*options.no_data));
  }
  if (const std::string metadata = GdalMetadata(options); !overview && !metadata.empty()) {
    directory.SetText(kGdalMetadata, metadata);
  }
  return directory;
}

void SetBlocks(bool big, const std::vector<uint64_t>& offsets, const std::vector<uint32_t>& sizes,
               TiffDirectory* directory) {
  if (big) {
    directory->SetLong8(kTileOffsets, offsets);
  } else {
    directory->SetLong(kTileOffsets, std::vector<uint32_t>(offsets.begin(), offsets.end()));
  }
  directory->SetLong(kTileByteCounts, sizes);
}

// Appends to a file through a buffer and keeps the digest of what went in.
class DigestingFile {
 public:
  static absl::StatusOr<DigestingFile> Create(const std::string& path) {
    storage::FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.valid()) return ErrnoStatus(errno, absl::StrCat("cannot create ", path));
    return DigestingFile(path, std::move(file));
  }

  absl::Status Append(absl::string_view bytes) {
    buffer_.append(bytes.data(), bytes.size());
    return buffer_.size() < (size_t{1} << 20) ? absl::OkStatus() : Flush();
  }

  absl::StatusOr<RasterFile> Finish() {
    ARPENT_RETURN_IF_ERROR(Flush());
    return RasterFile{path_, size_, digest_.Finish(), ""};
  }

 private:
  DigestingFile(std::string path, storage::FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Flush() {
    digest_.Update(buffer_);
    telemetry::ScopedWait wait(telemetry::TimeKind::kDiskWait);
    for (size_t done = 0; done < buffer_.size();) {
      const ssize_t got = write(file_.get(), buffer_.data() + done, buffer_.size() - done);
      if (got < 0 && errno != EINTR) return ErrnoStatus(errno, absl::StrCat("cannot write ", path_));
      if (got > 0) done += static_cast<size_t>(got);
    }
    size_ += static_cast<int64_t>(buffer_.size());
    buffer_.clear();
    return absl::OkStatus();
  }

  std::string path_;
  storage::FileDescriptor file_;
  std::string buffer_;
  int64_t size_ = 0;
  Sha256 digest_;
};

absl::Status CopyBlock(int spool, const SpooledBlock& block, std::string* buffer, DigestingFile* out) {
  buffer->clear();
  AppendInteger<uint32_t>(block.size, buffer);
  buffer->resize(4 + block.size);
  for (size_t done = 0; done < block.size;) {
    const ssize_t got =
        pread(spool, buffer->data() + 4 + done, block.size - done, block.offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return absl::DataLossError("a spooled block cannot be read back");
    done += static_cast<size_t>(got);
  }
  buffer->append(*buffer, buffer->size() - 4, 4);
  return out->Append(*buffer);
}

}  // namespace

std::vector<CogLevel> LevelsOf(int width, int height) {
  std::vector<CogLevel> levels;
  for (;; width = (width + 1) / 2, height = (height + 1) / 2) {
    CogLevel level = {width, height, (width + kBlockPixels - 1) / kBlockPixels,
                      (height + kBlockPixels - 1) / kBlockPixels};
    level.blocks.resize(static_cast<size_t>(level.columns) * level.rows);
    levels.push_back(std::move(level));
    if (width <= kBlockPixels && height <= kBlockPixels) return levels;
  }
}

absl::StatusOr<RasterFile> AssembleCog(const std::string& path, const geo::Grid& grid, const RasterOptions& options,
                                       const std::vector<CogLevel>& levels, int spool) {
  std::vector<TiffDirectory> directories;
  uint64_t data_bytes = 0;
  for (const CogLevel& level : levels) {
    directories.push_back(DirectoryOf(level, !directories.empty(), options));
    for (const SpooledBlock& block : level.blocks) data_bytes += block.size + kBlockFraming;
  }
  ARPENT_RETURN_IF_ERROR(SetGeoreference(grid, &directories.front()));
  const bool big = data_bytes > kClassicLimit;

  // The directories' sizes do not depend on the offsets that they hold.
  const std::string structure = StructuralMetadata();
  const uint64_t first = (TiffHeader(big, 0).size() + structure.size() + 1) / 2 * 2;
  std::vector<uint64_t> places;
  uint64_t at = first;
  for (size_t i = 0; i < levels.size(); ++i) {
    const size_t count = levels[i].blocks.size();
    SetBlocks(big, std::vector<uint64_t>(count), std::vector<uint32_t>(count), &directories[i]);
    places.push_back(at);
    at += directories[i].Size(big);
  }
  for (size_t i = levels.size(); i-- > 0;) {
    std::vector<uint64_t> offsets;
    std::vector<uint32_t> sizes;
    for (const SpooledBlock& block : levels[i].blocks) {
      offsets.push_back(at + kBlockFraming / 2);
      sizes.push_back(block.size);
      at += block.size + kBlockFraming;
    }
    SetBlocks(big, offsets, sizes, &directories[i]);
  }

  ARPENT_ASSIGN_OR_RETURN(DigestingFile file, DigestingFile::Create(path));
  std::string head = TiffHeader(big, first) + structure;
  head.resize(first, '\0');
  for (size_t i = 0; i < levels.size(); ++i) {
    head += directories[i].Bytes(big, places[i], i + 1 < levels.size() ? places[i + 1] : 0);
  }
  ARPENT_RETURN_IF_ERROR(file.Append(head));
  std::string buffer;
  for (size_t i = levels.size(); i-- > 0;) {
    for (const SpooledBlock& block : levels[i].blocks) ARPENT_RETURN_IF_ERROR(CopyBlock(spool, block, &buffer, &file));
  }
  return file.Finish();
}

}  // namespace arpent::product
