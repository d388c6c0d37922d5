#include "common/scene/safe_masks.h"

#include <gdal_alg.h>
#include <ogr_api.h>

#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/scene/dataset_pool.h"
#include "common/scene/jpeg2000_writer.h"

namespace arpent::scene {
namespace {

constexpr int kMaskPixel_m = 60;

std::string RingXml(OGRGeometryH ring) {
  std::string xml = "<gml:LinearRing><gml:posList srsDimension=\"2\">";
  for (int i = 0; i < OGR_G_GetPointCount(ring); ++i) {
    absl::StrAppendFormat(&xml, "%s%.0f %.0f", i == 0 ? "" : " ", OGR_G_GetX(ring, i), OGR_G_GetY(ring, i));
  }
  return xml + "</gml:posList></gml:LinearRing>";
}

std::string PolygonXml(OGRGeometryH polygon, int number) {
  std::string xml = absl::StrFormat(
      "<eop:MaskFeature gml:id=\"OPAQUE.%d\"><eop:maskType codeSpace=\"urn:gs2:S2PDGS:maskType\">OPAQUE</eop:maskType>"
      "<eop:extentOf><gml:Polygon gml:id=\"OPAQUE.%d_Polygon\">",
      number, number);
  for (int ring = 0; ring < OGR_G_GetGeometryCount(polygon); ++ring) {
    const char* const element = ring == 0 ? "gml:exterior" : "gml:interior";
    absl::StrAppend(&xml, "<", element, ">", RingXml(OGR_G_GetGeometryRef(polygon, ring)), "</", element, ">");
  }
  return xml + "</gml:Polygon></eop:extentOf></eop:MaskFeature>\n";
}

// The outlines of what is 1, one polygon for each connected group of pixels.
absl::StatusOr<std::string> PolygonsXml(const geo::Grid& grid, const raster::Image<uint8_t>& mask) {
  const Dataset raster(GDALCreate(GDALGetDriverByName("MEM"), "", mask.width(), mask.height(), 1, GDT_Byte, nullptr));
  double affine[6] = {grid.west, grid.pixel_m, 0, grid.north, 0, -grid.pixel_m};
  GDALSetGeoTransform(raster.get(), affine);
  const GDALRasterBandH band = GDALGetRasterBand(raster.get(), 1);
  const Dataset vectors(GDALCreate(GDALGetDriverByName("Memory"), "", 0, 0, 0, GDT_Unknown, nullptr));
  const OGRLayerH layer = GDALDatasetCreateLayer(vectors.get(), "clouds", nullptr, wkbPolygon, nullptr);
  // The mask is its own mask: what is 0 gets no polygon.
  if (GDALRasterIO(band, GF_Write, 0, 0, mask.width(), mask.height(), const_cast<uint8_t*>(mask.data()), mask.width(),
                   mask.height(), GDT_Byte, 0, 0) != CE_None ||
      GDALPolygonize(band, band, layer, -1, nullptr, nullptr, nullptr) != CE_None) {
    return GdalError("cloud mask");
  }
  std::string xml;
  int number = 0;
  OGR_L_ResetReading(layer);
  while (const OGRFeatureH feature = OGR_L_GetNextFeature(layer)) {
    xml += PolygonXml(OGR_F_GetGeometryRef(feature), number++);
    OGR_F_Destroy(feature);
  }
  return xml;
}

absl::Status WriteGml(const std::string& path, const SceneMetadata& m, const raster::Image<uint8_t>& opaque) {
  ARPENT_ASSIGN_OR_RETURN(const std::string polygons, PolygonsXml(m.grid.WithPixel(kMaskPixel_m), opaque));
  const geo::Extent extent = m.grid.extent();
  std::ofstream file(path, std::ios::binary);
  file << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<eop:Mask xmlns:eop=\"http://www.opengis.net/eop/2.0\" "
          "xmlns:gml=\"http://www.opengis.net/gml/3.2\" gml:id=\"MSK_CLOUDS_B00\">\n"
          "<gml:name>MSK_CLOUDS pixel mask from data</gml:name>\n"
       << absl::StrFormat(
              "<gml:boundedBy><gml:Envelope srsName=\"urn:ogc:def:crs:EPSG:8.7.1:%d\"><gml:lowerCorner>%.0f %.0f"
              "</gml:lowerCorner><gml:upperCorner>%.0f %.0f</gml:upperCorner></gml:Envelope></gml:boundedBy>\n",
              m.grid.epsg, extent.west, extent.south, extent.east, extent.north);
  // A clear scene has no members: an empty list would not be valid.
  if (!polygons.empty()) file << "<eop:maskMembers>\n" << polygons << "</eop:maskMembers>\n";
  file << "</eop:Mask>\n";
  file.close();
  return file ? absl::OkStatus() : absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written"));
}

}  // namespace

bool HasRasterMasks(const SceneMetadata& metadata) { return metadata.processing_baseline >= "04.00"; }

std::string CloudMaskFile(const SceneMetadata& metadata) {
  return HasRasterMasks(metadata) ? "MSK_CLASSI_B00.jp2" : "MSK_CLOUDS_B00.gml";
}

absl::Status WriteCloudMask(const std::string& path, const SceneMetadata& metadata, const raster::Image<uint8_t>& opaque) {
  if (!HasRasterMasks(metadata)) return WriteGml(path, metadata, opaque);
  const raster::Image<uint8_t> none(opaque.width(), opaque.height());
  return WriteJpeg2000(path, metadata.grid.WithPixel(kMaskPixel_m), {opaque, none, none});
}

}  // namespace arpent::scene
