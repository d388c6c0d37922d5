// GDAL tells its errors by handler and by thread: quiet on the terminal for this object's lifetime, kept for our status.
#ifndef ARPENT_COMMON_STORAGE_QUIET_GDAL_H_
#define ARPENT_COMMON_STORAGE_QUIET_GDAL_H_

#include <string>

#include "cpl_error.h"
#include "cpl_vsi_error.h"

namespace arpent::storage {

class QuietGdal {
 public:
  QuietGdal() {
    CPLPushErrorHandler(CPLQuietErrorHandler);
    CPLErrorReset();
    VSIErrorReset();
  }
  ~QuietGdal() { CPLPopErrorHandler(); }
  QuietGdal(const QuietGdal&) = delete;
  QuietGdal& operator=(const QuietGdal&) = delete;

  // What went wrong since. Drivers that do not recognise a file say nothing.
  std::string Message() const {
    const std::string message = CPLGetLastErrorMsg();
    return message.empty() ? "its content is of no format that is expected" : message;
  }
};

}  // namespace arpent::storage

#endif  // ARPENT_COMMON_STORAGE_QUIET_GDAL_H_
