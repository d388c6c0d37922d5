#include "common/scene/safe_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/scene/dataset_pool.h"
#include "common/scene/safe_masks.h"
#include "common/scene/safe_metadata.h"

namespace arpent::scene {
namespace {

namespace fs = std::filesystem;

// Solar irradiance (W/m2/um) and limits of the bands of Sentinel-2A (nm), as ESA's products state them.
struct BandFacts {
  const char* physical;
  double irradiance, minimum_nm, maximum_nm, central_nm;
};
constexpr std::array<BandFacts, kSentinel2Bands> kFacts = {{{"B1", 1884.69, 412, 456, 442.7},
                                                            {"B2", 1959.66, 456, 533, 492.4},
                                                            {"B3", 1823.24, 538, 583, 559.8},
                                                            {"B4", 1512.06, 646, 684, 664.6},
                                                            {"B5", 1424.64, 695, 714, 704.1},
                                                            {"B6", 1287.61, 731, 749, 740.5},
                                                            {"B7", 1162.08, 769, 797, 782.8},
                                                            {"B8", 1041.63, 760, 907, 832.8},
                                                            {"B8A", 955.32, 837, 881, 864.7},
                                                            {"B9", 812.92, 932, 958, 945.1},
                                                            {"B10", 367.15, 1337, 1412, 1373.5},
                                                            {"B11", 245.59, 1539, 1682, 1613.7},
                                                            {"B12", 85.25, 2078, 2320, 2202.4}}};

std::string Compact(absl::Time time) { return absl::FormatTime("%Y%m%dT%H%M%S", time, absl::UTCTimeZone()); }
std::string Iso(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()); }

std::string AngleList(const char* name, const raster::Image<float>& values, double step_m) {
  std::string xml = absl::StrFormat("<%s><COL_STEP unit=\"m\">%g</COL_STEP><ROW_STEP unit=\"m\">%g</ROW_STEP><Values_List>\n",
                                    name, step_m, step_m);
  for (int y = 0; y < values.height(); ++y) {
    std::vector<std::string> row;
    for (const float value : values.row(y)) row.push_back(std::isnan(value) ? "NaN" : absl::StrFormat("%.6g", value));
    absl::StrAppend(&xml, "<VALUES>", absl::StrJoin(row, " "), "</VALUES>\n");
  }
  return absl::StrCat(xml, "</Values_List></", name, ">\n");
}

std::string AngleGridXml(const AngleGrid& grid) {
  return AngleList("Zenith", grid.zenith_deg, grid.step_m) + AngleList("Azimuth", grid.azimuth_deg, grid.step_m);
}

std::string MeanAngle(double zenith_deg, double azimuth_deg) {
  return absl::StrFormat("<ZENITH_ANGLE unit=\"deg\">%.10f</ZENITH_ANGLE><AZIMUTH_ANGLE unit=\"deg\">%.10f</AZIMUTH_ANGLE>",
                         zenith_deg, azimuth_deg);
}

// The names that the format gives to one product.
struct Names {
  std::string product, granule, image_prefix, tile_id, datastrip_id, datastrip_folder;

  explicit Names(const SceneMetadata& m) {
    const std::string start = Compact(m.sensing_start), made = Compact(m.generation_time);
    product = m.product_id + ".SAFE";
    granule = absl::StrCat("L1C_T", m.tile, "_A012345_", start);
    image_prefix = absl::StrCat("T", m.tile, "_", start, "_");
    tile_id = absl::StrCat(m.platform, "_OPER_MSI_L1C_TL_SIMU_", made, "_A012345_T", m.tile, "_N", m.processing_baseline);
    datastrip_id = absl::StrCat(m.platform, "_OPER_MSI_L1C_DS_SIMU_", made, "_S", start, "_N", m.processing_baseline);
    datastrip_folder = absl::StrCat("DS_SIMU_", made, "_S", start);
  }
  std::string ImagePath(const std::string& band) const {
    return absl::StrCat("GRANULE/", granule, "/IMG_DATA/", image_prefix, band, ".jp2");
  }
};

constexpr char kXml[] = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n";

std::string TileXml(const SceneMetadata& m, const Names& names) {
  std::string xml = absl::StrCat(
      kXml, "<n1:Level-1C_Tile_ID xmlns:n1=\"https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd\">\n",
      "<n1:General_Info><TILE_ID metadataLevel=\"Brief\">", names.tile_id, "</TILE_ID><DATASTRIP_ID>", names.datastrip_id,
      "</DATASTRIP_ID><SENSING_TIME metadataLevel=\"Standard\">", Iso(m.sensing_start),
      "</SENSING_TIME></n1:General_Info>\n<n1:Geometric_Info><Tile_Geocoding metadataLevel=\"Brief\">",
      absl::StrFormat("<HORIZONTAL_CS_NAME>WGS84 / UTM zone %d%c</HORIZONTAL_CS_NAME><HORIZONTAL_CS_CODE>EPSG:%d"
                      "</HORIZONTAL_CS_CODE>\n",
                      m.grid.epsg % 100, m.grid.epsg / 100 == 327 ? 'S' : 'N', m.grid.epsg));
  for (const int resolution : {10, 20, 60}) {
    const geo::Grid grid = m.grid.WithPixel(resolution);
    absl::StrAppendFormat(&xml,
                          "<Size resolution=\"%d\"><NROWS>%d</NROWS><NCOLS>%d</NCOLS></Size><Geoposition resolution=\"%d\">"
                          "<ULX>%.0f</ULX><ULY>%.0f</ULY><XDIM>%d</XDIM><YDIM>-%d</YDIM></Geoposition>\n",
                          resolution, grid.height, grid.width, resolution, grid.west, grid.north, resolution, resolution);
  }
  absl::StrAppend(&xml, "</Tile_Geocoding>\n<Tile_Angles metadataLevel=\"Standard\"><Sun_Angles_Grid>\n",
                  AngleGridXml(m.sun), "</Sun_Angles_Grid><Mean_Sun_Angle>",
                  MeanAngle(m.mean_sun_zenith_deg, m.mean_sun_azimuth_deg), "</Mean_Sun_Angle>\n");
  for (int i = 0; i < kSentinel2Bands; ++i) {
    absl::StrAppend(&xml, "<Viewing_Incidence_Angles_Grids bandId=\"", i, "\" detectorId=\"6\">\n", AngleGridXml(m.view[i]),
                    "</Viewing_Incidence_Angles_Grids>\n");
  }
  absl::StrAppend(&xml, "<Mean_Viewing_Incidence_Angle_List>\n");
  for (int i = 0; i < kSentinel2Bands; ++i) {
    absl::StrAppend(&xml, "<Mean_Viewing_Incidence_Angle bandId=\"", i, "\">",
                    MeanAngle(m.mean_view_zenith_deg[i], m.mean_view_azimuth_deg[i]), "</Mean_Viewing_Incidence_Angle>\n");
  }
  absl::StrAppend(&xml, "</Mean_Viewing_Incidence_Angle_List></Tile_Angles></n1:Geometric_Info>\n",
                  "<n1:Quality_Indicators_Info metadataLevel=\"Standard\"><Image_Content_QI><CLOUDY_PIXEL_PERCENTAGE>",
                  absl::StrFormat("%.4f", std::max(0.0, m.cloud_percent)),
                  "</CLOUDY_PIXEL_PERCENTAGE></Image_Content_QI><Pixel_Level_QI geometry=\"FULL_RESOLUTION\"><MASK_FILENAME type=\"",
                  HasRasterMasks(m) ? "MSK_CLASSI" : "MSK_CLOUDS", "\">GRANULE/", names.granule, "/QI_DATA/",
                  CloudMaskFile(m), "</MASK_FILENAME></Pixel_Level_QI>",
                  "</n1:Quality_Indicators_Info>\n</n1:Level-1C_Tile_ID>\n");
  return xml;
}

std::string ProductXml(const SceneMetadata& m, const Names& names) {
  std::string images;
  for (const Band& band : m.bands) {
    const std::string path = names.ImagePath(band.name);
    absl::StrAppend(&images, "<IMAGE_FILE>", path.substr(0, path.size() - 4), "</IMAGE_FILE>\n");
  }
  std::string offsets, irradiances, spectra;
  for (int i = 0; i < kSentinel2Bands; ++i) {
    const Band& band = m.bands[i];
    if (m.processing_baseline >= "04.00") {
      absl::StrAppendFormat(&offsets, "<RADIO_ADD_OFFSET band_id=\"%d\">%.0f</RADIO_ADD_OFFSET>\n", i, band.offset);
    }
    absl::StrAppendFormat(&irradiances, "<SOLAR_IRRADIANCE bandId=\"%d\" unit=\"W/m²/µm\">%g</SOLAR_IRRADIANCE>\n", i,
                          band.solar_irradiance);
    absl::StrAppendFormat(&spectra,
                          "<Spectral_Information bandId=\"%d\" physicalBand=\"%s\"><RESOLUTION>%d</RESOLUTION><Wavelength>"
                          "<MIN unit=\"nm\">%g</MIN><MAX unit=\"nm\">%g</MAX><CENTRAL unit=\"nm\">%g</CENTRAL></Wavelength>"
                          "</Spectral_Information>\n",
                          i, kFacts[i].physical, band.resolution_m, kFacts[i].minimum_nm, kFacts[i].maximum_nm,
                          kFacts[i].central_nm);
  }
  if (!offsets.empty()) offsets = absl::StrCat("<Radiometric_Offset_List>\n", offsets, "</Radiometric_Offset_List>\n");
  const std::string time = Iso(m.sensing_start);
  return absl::StrCat(
      kXml, "<n1:Level-1C_User_Product xmlns:n1=\"https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd\">\n",
      "<n1:General_Info><Product_Info><PRODUCT_START_TIME>", time, "</PRODUCT_START_TIME><PRODUCT_STOP_TIME>", time,
      "</PRODUCT_STOP_TIME><PRODUCT_URI>", names.product,
      "</PRODUCT_URI><PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL><PRODUCT_TYPE>S2MSI1C</PRODUCT_TYPE>\n<PROCESSING_BASELINE>",
      m.processing_baseline, "</PROCESSING_BASELINE><GENERATION_TIME>", Iso(m.generation_time),
      "</GENERATION_TIME><PREVIEW_IMAGE_URL>Not applicable</PREVIEW_IMAGE_URL>",
      "<PREVIEW_GEO_INFO>Not applicable</PREVIEW_GEO_INFO>\n",
      absl::StrFormat("<Datatake datatakeIdentifier=\"G%s_%s_012345_N%s\"><SPACECRAFT_NAME>Sentinel-2%s</SPACECRAFT_NAME>",
                      m.platform, Compact(m.sensing_start), m.processing_baseline, m.platform.substr(2)),
      "<DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE><DATATAKE_SENSING_START>", time, "</DATATAKE_SENSING_START>",
      "<SENSING_ORBIT_NUMBER>", m.relative_orbit,
      "</SENSING_ORBIT_NUMBER><SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION></Datatake>\n",
      "<Query_Options completeSingleTile=\"true\"><PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT></Query_Options>\n",
      "<Product_Organisation><Granule_List><Granule datastripIdentifier=\"", names.datastrip_id, "\" granuleIdentifier=\"",
      names.tile_id, "\" imageFormat=\"JPEG2000\">\n", images,
      "</Granule></Granule_List></Product_Organisation></Product_Info>\n<Product_Image_Characteristics>",
      "<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>",
      "</Special_Values><Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>",
      "<SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>\n<QUANTIFICATION_VALUE unit=\"none\">",
      absl::StrFormat("%g", m.bands.front().quantification), "</QUANTIFICATION_VALUE>\n", offsets,
      "<Reflectance_Conversion><U>", absl::StrFormat("%.12f", m.earth_sun_u), "</U><Solar_Irradiance_List>\n", irradiances,
      "</Solar_Irradiance_List></Reflectance_Conversion>\n<Spectral_Information_List>\n", spectra,
      "</Spectral_Information_List></Product_Image_Characteristics></n1:General_Info>\n<n1:Quality_Indicators_Info>",
      "<Cloud_Coverage_Assessment>", absl::StrFormat("%.4f", std::max(0.0, m.cloud_percent)),
      "</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>\n</n1:Level-1C_User_Product>\n");
}

absl::Status WriteText(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? absl::OkStatus() : absl::ResourceExhaustedError(absl::StrCat(path.string(), ": cannot be written"));
}

absl::Status WriteManifest(const fs::path& product) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(product)) {
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), product).string());
  }
  std::sort(files.begin(), files.end());
  std::string xml = absl::StrCat(
      kXml, "<xfdu:XFDU xmlns:xfdu=\"urn:ccsds:schema:xfdu:1\" "
            "version=\"esa/safe/sentinel/1.1/sentinel-2/msi/archive_l1c_user_product\">\n<dataObjectSection>\n");
  for (const std::string& file : files) {
    ARPENT_ASSIGN_OR_RETURN(const HexDigest digest, Sha256OfFile((product / file).string()));
    absl::StrAppend(&xml, "<dataObject ID=\"", absl::StrReplaceAll(file, {{"/", "_"}}), "\"><byteStream size=\"",
                    fs::file_size(product / file), "\"><fileLocation href=\"./", file,
                    "\"/><checksum checksumName=\"SHA256\">", digest, "</checksum></byteStream></dataObject>\n");
  }
  return WriteText(product / "manifest.safe", xml + "</dataObjectSection></xfdu:XFDU>\n");
}

}  // namespace

std::string SafeProductId(const SceneMetadata& m) {
  return absl::StrFormat("%s_MSIL1C_%s_N%s_R%03d_T%s_%s", m.platform, Compact(m.sensing_start),
                         absl::StrReplaceAll(m.processing_baseline, {{".", ""}}), m.relative_orbit, m.tile,
                         Compact(m.generation_time));
}

std::vector<Band> Sentinel2Bands(double offset) {
  std::vector<Band> bands;
  for (int i = 0; i < kSentinel2Bands; ++i) {
    Band band;
    band.name = kSentinel2BandNames[i];
    band.resolution_m = kSentinel2BandResolutions_m[i];
    band.offset = offset;
    band.solar_irradiance = kFacts[i].irradiance;
    bands.push_back(std::move(band));
  }
  return bands;
}

absl::StatusOr<std::string> WriteSafe(const std::string& folder, const SceneMetadata& metadata, const BandSource& bands,
                                      const raster::Image<uint8_t>& cloud_mask, int threads) {
  RegisterGdal();
  const Names names(metadata);
  const fs::path product = fs::path(folder) / names.product, unfinished = fs::path(folder) / ("." + names.product);
  std::error_code error;
  fs::remove_all(unfinished, error);
  fs::create_directories(unfinished / "GRANULE" / names.granule / "IMG_DATA", error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(unfinished.string(), ": ", error.message()));
  ARPENT_RETURN_IF_ERROR(ParallelFor(metadata.bands.size(), threads, [&](size_t i) -> absl::Status {
    const Band& band = metadata.bands[i];
    ARPENT_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows, bands(band));
    return WriteJpeg2000((unfinished / names.ImagePath(band.name)).string(), metadata.grid.WithPixel(band.resolution_m),
                         *rows);
  }));
  const fs::path granule = unfinished / "GRANULE" / names.granule;
  ARPENT_RETURN_IF_ERROR(WriteText(granule / "MTD_TL.xml", TileXml(metadata, names)));
  fs::create_directories(granule / "QI_DATA", error);
  ARPENT_RETURN_IF_ERROR(WriteCloudMask((granule / "QI_DATA" / CloudMaskFile(metadata)).string(), metadata, cloud_mask));
  ARPENT_RETURN_IF_ERROR(WriteText(unfinished / "MTD_MSIL1C.xml", ProductXml(metadata, names)));
  ARPENT_RETURN_IF_ERROR(WriteText(
      unfinished / "DATASTRIP" / names.datastrip_folder / "MTD_DS.xml",
      absl::StrCat(kXml, "<n1:Level-1C_DataStrip_ID xmlns:n1=\"https://psd-14.sentinel2.eo.esa.int/PSD/"
                         "S2_PDI_Level-1C_Datastrip_Metadata.xsd\"><n1:General_Info/></n1:Level-1C_DataStrip_ID>\n")));
  ARPENT_RETURN_IF_ERROR(WriteManifest(unfinished));
  fs::remove_all(product, error);
  fs::rename(unfinished, product, error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(product.string(), ": ", error.message()));
  return product.string();
}

}  // namespace arpent::scene
