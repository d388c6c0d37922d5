// A folder of the test's own, removed when the object goes.
#ifndef ARPENT_COMMON_TESTING_TEMPORARY_FOLDER_H_
#define ARPENT_COMMON_TESTING_TEMPORARY_FOLDER_H_

#include <string>

namespace arpent::testing {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The folder of real data beside the project (ARPENT_SHARED_DATA, else ../shared/data from the source tree), or "" when
// it is absent. A test that needs it calls ARPENT_REQUIRE_SHARED_DATA(set) first.
std::string SharedData(const std::string& set);

}  // namespace arpent::testing

// Skips the test, loudly, unless ../shared/data/`set` is there.
#define ARPENT_REQUIRE_SHARED_DATA(set)                                                        \
  if (::arpent::testing::SharedData(set).empty()) {                                            \
    GTEST_SKIP() << "SKIPPED: the shared data set " << set << " is absent; set ARPENT_SHARED_DATA"; \
  }

#endif  // ARPENT_COMMON_TESTING_TEMPORARY_FOLDER_H_
