#include "services/lut/table_file.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/base/parallel.h"
#include "common/base/status.h"
#include "common/kernels/atmosphere/table_builder.h"

namespace arpent::lut {
namespace {

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened; name the folder with --data"));
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.good()) return absl::DataLossError(absl::StrCat(path, ": cannot be read"));
  return text.str();
}

// Counts finished units and reports the share of the work. Solving is nearly all of it.
class Progress {
 public:
  Progress(size_t units, double first, double last, const std::function<void(double)>& report)
      : units_(units), first_(first), last_(last), report_(report) {}
  void Finish() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    report_(first_ + (last_ - first_) * static_cast<double>(done_) / static_cast<double>(units_));
  }

 private:
  std::mutex mutex_;
  size_t done_ = 0;
  const size_t units_;
  const double first_, last_;
  const std::function<void(double)>& report_;
};

}  // namespace

std::string DefaultDataFolder() {
  std::error_code error;
  if (std::filesystem::is_directory(ARPENT_ATMOSPHERE_INSTALLED_DATA, error)) return ARPENT_ATMOSPHERE_INSTALLED_DATA;
  return ARPENT_ATMOSPHERE_SOURCE_DATA;
}

absl::StatusOr<kernels::RadiativeInputs> ReadInputs(const std::string& folder) {
  ARPENT_ASSIGN_OR_RETURN(const std::string aerosol, ReadText(absl::StrCat(folder, "/", kernels::kAerosolFileName)));
  ARPENT_ASSIGN_OR_RETURN(const std::string spectral, ReadText(absl::StrCat(folder, "/", kernels::kSpectralFileName)));
  ARPENT_ASSIGN_OR_RETURN(const std::string gas, ReadText(absl::StrCat(folder, "/", kernels::kGasFileName)));
  absl::StatusOr<kernels::RadiativeInputs> inputs = kernels::RadiativeInputs::Parse(aerosol, spectral, gas);
  if (!inputs.ok()) return Annotate(inputs.status(), folder);
  return inputs;
}

absl::StatusOr<std::string> ComputeTables(const kernels::RadiativeInputs& inputs, int threads,
                                          const std::function<void(double)>& progress) {
  constexpr double kSolvingShare = 0.9;
  kernels::TableBuilder builder(inputs);
  Progress solving(builder.solve_unit_count(), 0, kSolvingShare, progress);
  ARPENT_RETURN_IF_ERROR(ParallelFor(builder.solve_unit_count(), threads, [&](size_t unit) {
    builder.SolveUnit(unit);
    solving.Finish();
    return absl::OkStatus();
  }));
  Progress folding(builder.fold_unit_count(), kSolvingShare, 1, progress);
  ARPENT_RETURN_IF_ERROR(ParallelFor(builder.fold_unit_count(), threads, [&](size_t unit) {
    builder.FoldUnit(unit);
    folding.Finish();
    return absl::OkStatus();
  }));
  return kernels::SerializeTables(builder.Take());
}

absl::Status WriteWhole(const std::string& path, const std::string& bytes) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("make folder ", folder.string()));
  // A device or a pipe is written to, never taken the place of.
  const bool in_place = std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
  const std::string temporary = in_place ? path : absl::StrCat(path, ".", getpid(), ".part");
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
      const absl::Status status = ErrnoStatus(errno, absl::StrCat("write ", temporary));
      if (!in_place) std::filesystem::remove(temporary, error);
      return status;
    }
  }
  if (in_place) return absl::OkStatus();
  std::filesystem::rename(temporary, path, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("rename ", temporary, " to ", path));
  return absl::OkStatus();
}

}  // namespace arpent::lut
