#include "common/testing/temporary_folder.h"

#include <cstdlib>
#include <filesystem>

namespace arpent::testing {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "arpent-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string SharedData(const std::string& set) {
  const char* folder = std::getenv("ARPENT_SHARED_DATA");
  const std::filesystem::path root = folder != nullptr ? std::filesystem::path(folder) : ARPENT_SOURCE_DIR "/../shared/data";
  const std::filesystem::path path = root / set;
  return std::filesystem::exists(path) ? std::filesystem::weakly_canonical(path).string() : "";
}

}  // namespace arpent::testing
