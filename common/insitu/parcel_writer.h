// Writes in-situ parcels as a GeoPackage with the columns of the JECAM format (ID, CROP, LC, CODE, IRRIGATION).
#ifndef ARPENT_COMMON_INSITU_PARCEL_WRITER_H_
#define ARPENT_COMMON_INSITU_PARCEL_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace arpent::insitu {

struct WrittenParcel {
  int id = 0;
  bool crop = false;
  std::string land_cover;
  int code = 0;
  std::vector<double> outline;  // x0, y0, x1, y1, ...; closed by the writer
};

// Replaces `path` (local). The same parcels give the same bytes. RESOURCE_EXHAUSTED naming the file when it cannot be written.
absl::Status WriteParcels(const std::string& path, int epsg, const std::vector<WrittenParcel>& parcels);

}  // namespace arpent::insitu

#endif  // ARPENT_COMMON_INSITU_PARCEL_WRITER_H_
