#include "common/insitu/parcel_writer.h"

#include <cpl_conv.h>
#include <gdal.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>

#include <cstdio>

#include "common/base/status.h"

namespace arpent::insitu {
namespace {

absl::Status Failed(const std::string& path) {
  return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written: ", CPLGetLastErrorMsg()));
}

void AddField(OGRLayerH layer, const char* name, OGRFieldType type) {
  OGRFieldDefnH field = OGR_Fld_Create(name, type);
  OGR_L_CreateField(layer, field, TRUE);
  OGR_Fld_Destroy(field);
}

OGRGeometryH Polygon(const std::vector<double>& outline) {
  OGRGeometryH ring = OGR_G_CreateGeometry(wkbLinearRing);
  for (size_t i = 0; i + 1 < outline.size(); i += 2) OGR_G_AddPoint_2D(ring, outline[i], outline[i + 1]);
  OGR_G_AddPoint_2D(ring, outline[0], outline[1]);
  OGRGeometryH polygon = OGR_G_CreateGeometry(wkbPolygon);
  OGR_G_AddGeometryDirectly(polygon, ring);
  return polygon;
}

absl::Status AddParcel(OGRLayerH layer, const WrittenParcel& parcel, const std::string& path) {
  OGRFeatureH feature = OGR_F_Create(OGR_L_GetLayerDefn(layer));
  OGR_F_SetFieldInteger(feature, 0, parcel.id);
  OGR_F_SetFieldInteger(feature, 1, parcel.crop ? 1 : 0);
  OGR_F_SetFieldString(feature, 2, parcel.land_cover.c_str());
  OGR_F_SetFieldInteger(feature, 3, parcel.code);
  OGR_F_SetFieldInteger(feature, 4, 0);
  OGR_F_SetGeometryDirectly(feature, Polygon(parcel.outline));
  const OGRErr error = OGR_L_CreateFeature(layer, feature);
  OGR_F_Destroy(feature);
  return error == OGRERR_NONE ? absl::OkStatus() : Failed(path);
}

}  // namespace

absl::Status WriteParcels(const std::string& path, int epsg, const std::vector<WrittenParcel>& parcels) {
  GDALAllRegister();
  std::remove(path.c_str());
  // GeoPackage records when it was written; a fixed time keeps equal content equal in bytes.
  CPLSetThreadLocalConfigOption("OGR_CURRENT_DATE", "2000-01-01T00:00:00.000Z");
  CPLErrorReset();
  GDALDatasetH file = GDALCreate(GDALGetDriverByName("GPKG"), path.c_str(), 0, 0, 0, GDT_Unknown, nullptr);
  if (file == nullptr) return Failed(path);
  OGRSpatialReferenceH crs = OSRNewSpatialReference(nullptr);
  OSRImportFromEPSG(crs, epsg);
  OGRLayerH layer = GDALDatasetCreateLayer(file, "parcels", crs, wkbPolygon, nullptr);
  absl::Status status = layer == nullptr ? Failed(path) : absl::OkStatus();
  if (status.ok()) {
    AddField(layer, "ID", OFTInteger);
    AddField(layer, "CROP", OFTInteger);
    AddField(layer, "LC", OFTString);
    AddField(layer, "CODE", OFTInteger);
    AddField(layer, "IRRIGATION", OFTInteger);
    GDALDatasetStartTransaction(file, FALSE);
    for (const WrittenParcel& parcel : parcels) {
      status = AddParcel(layer, parcel, path);
      if (!status.ok()) break;
    }
    GDALDatasetCommitTransaction(file);
  }
  GDALClose(file);
  OSRDestroySpatialReference(crs);
  CPLSetThreadLocalConfigOption("OGR_CURRENT_DATE", nullptr);
  return status;
}

}  // namespace arpent::insitu
