#include "common/storage/raster_drivers.h"

#include <cpl_minixml.h>
#include <cpl_vsi.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace arpent::storage {
namespace {

constexpr size_t kLongestVrt = 16 << 20;
constexpr int kDeepest = 8;  // virtual rasters of virtual rasters

struct CloseFile {
  void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};
struct DestroyXml {
  void operator()(CPLXMLNode* node) const { CPLDestroyXMLNode(node); }
};

// The text of a virtual raster; empty for any other file, or one that is not to be had (GDAL will say so).
std::string VrtText(const std::string& gdal_path) {
  const std::unique_ptr<VSILFILE, CloseFile> file(VSIFOpenL(gdal_path.c_str(), "rb"));
  if (file == nullptr) return "";
  std::string text(1024, '\0');
  text.resize(VSIFReadL(text.data(), 1, text.size(), file.get()));
  if (!absl::StrContains(text, "<VRTDataset")) return "";
  const size_t begin = text.size();
  text.resize(kLongestVrt);
  text.resize(begin + VSIFReadL(text.data() + begin, 1, text.size() - begin, file.get()));
  return text;
}

bool IsInAStore(absl::string_view path) {
  return absl::StartsWith(path, "/vsiarpent/") || absl::StartsWith(path, "/vsizip//vsiarpent/");
}

class VrtCheck {
 public:
  explicit VrtCheck(const std::string& uri) : uri_(uri) {}

  absl::Status File(const std::string& gdal_path, int depth) {
    const std::string text = VrtText(gdal_path);
    if (text.empty()) return absl::OkStatus();
    if (depth > kDeepest) return Refusal("virtual rasters in virtual rasters without an end");
    const std::unique_ptr<CPLXMLNode, DestroyXml> root(CPLParseXMLString(text.c_str()));
    if (root == nullptr) return absl::DataLossError(absl::StrCat(uri_, ": the virtual raster is no XML"));
    return Node(root.get(), gdal_path.substr(0, gdal_path.rfind('/')), depth);
  }

 private:
  absl::Status Refusal(absl::string_view what) const {
    return absl::PermissionDeniedError(absl::StrCat(uri_, ": a virtual raster may not use ", what));
  }

  absl::Status Node(const CPLXMLNode* node, const std::string& folder, int depth) {
    for (; node != nullptr; node = node->psNext) {
      if (node->eType != CXT_Element) continue;
      const absl::string_view name = node->pszValue;
      if (name == "VRTRasterBand" && absl::StrContains(CPLGetXMLValue(node, "subClass", ""), "Raw")) {
        return Refusal("the raw bytes of a file");
      }
      if (name == "PixelFunctionCode") return Refusal("a script");
      if (name == "SourceFilename" || name == "SourceDataset") {
        ARPENT_RETURN_IF_ERROR(Source(node, folder, depth));
      }
      ARPENT_RETURN_IF_ERROR(Node(node->psChild, folder, depth));
    }
    return absl::OkStatus();
  }

  absl::Status Source(const CPLXMLNode* node, const std::string& folder, int depth) {
    const std::string source = CPLGetXMLValue(node, "", "");
    // "HDF5:file", "https://...", XML in place of a name: only names of files are understood here.
    const bool is_name = source.find_first_of(":<{") == std::string::npos;
    if (!is_name || (absl::StartsWith(source, "/vsi") && !IsInAStore(source))) {
      return Refusal(absl::StrCat("'", source, "'"));
    }
    const bool relative = absl::string_view(CPLGetXMLValue(node, "relativeToVRT", "0")) == "1";
    return File(relative ? absl::StrCat(folder, "/", source) : source, depth + 1);
  }

  const std::string& uri_;
};

}  // namespace

const char* const* ImageDrivers() {
  static const char* const drivers[] = {"GTiff", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", nullptr};
  return drivers;
}

const char* const* RasterDrivers() {
  static const char* const drivers[] = {"GTiff", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "VRT",  "HFA", "ENVI", "EHdr",
                                        "AAIGrid", "SRTMHGT",   "DTED",   "RST",    "PNG",      "PNM", "GPKG", nullptr};
  return drivers;
}

const char* const* VectorDrivers() {
  static const char* const drivers[] = {"GPKG", "ESRI Shapefile", "GeoJSON", "FlatGeobuf", nullptr};
  return drivers;
}

absl::Status CheckVirtualRaster(const std::string& gdal_path, const std::string& uri) {
  return VrtCheck(uri).File(gdal_path, 0);
}

}  // namespace arpent::storage
