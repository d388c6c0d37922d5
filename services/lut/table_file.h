// Reads the physical input, computes the tables on threads and writes their file: the file work around table_builder.h.
#ifndef ARPENT_SERVICES_LUT_TABLE_FILE_H_
#define ARPENT_SERVICES_LUT_TABLE_FILE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kernels/atmosphere/radiative_inputs.h"

namespace arpent::lut {

// The folder of the input files: installed, else that of the source tree.
std::string DefaultDataFolder();

// NOT_FOUND or INVALID_ARGUMENT naming the file.
absl::StatusOr<kernels::RadiativeInputs> ReadInputs(const std::string& folder);

// The bytes of the tables; the same for any number of threads. `progress` is told the finished fraction of the work,
// one call at a time.
absl::StatusOr<std::string> ComputeTables(const kernels::RadiativeInputs& inputs, int threads,
                                          const std::function<void(double)>& progress);

// Writes `path` so that it is whole or not there; makes its folder.
absl::Status WriteWhole(const std::string& path, const std::string& bytes);

}  // namespace arpent::lut

#endif  // ARPENT_SERVICES_LUT_TABLE_FILE_H_
