// A throw-away PostgreSQL server for the tests of one program: Debian's, in a temporary folder, on a socket only.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_FOR_TEST_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_FOR_TEST_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"

namespace arpent::coordinator {

class PostgresForTest {
 public:
  // The folder of the server's programs, "" when PostgreSQL is not installed.
  static std::string Programs() {
    std::error_code ignored;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      if (std::filesystem::exists(version.path() / "bin" / "initdb", ignored)) return (version.path() / "bin").string();
    }
    return "";
  }

  // Started with the first use, stopped with the program.
  static PostgresForTest& Shared() {
    static PostgresForTest server;
    return server;
  }

  // The URI of an empty database.
  std::string NewDatabase() {
    const std::string name = absl::StrCat("test", ++databases_);
    Run(absl::StrCat(Programs(), "/createdb -h ", folder_, " -U arpent ", name));
    return absl::StrCat("postgresql:///", name, "?user=arpent&host=", folder_);
  }

 private:
  PostgresForTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "arpent-pg-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    // The server refuses to run as root.
    if (geteuid() == 0) Run(absl::StrCat("chown postgres ", folder_));
    Run(absl::StrCat(AsUser(), Programs(), "/initdb -D ", folder_, "/data -U arpent -A trust --no-sync"));
    Run(absl::StrCat(AsUser(), Programs(), "/pg_ctl -D ", folder_, "/data -w -l ", folder_, "/log -o \"-k ", folder_,
                     " -c listen_addresses=''\" start"));
  }
  ~PostgresForTest() {
    Run(absl::StrCat(AsUser(), Programs(), "/pg_ctl -D ", folder_, "/data -m immediate stop"));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  static std::string AsUser() { return geteuid() == 0 ? "cd / && setpriv --reuid postgres --clear-groups " : ""; }
  static void Run(const std::string& command) {
    EXPECT_EQ(std::system((command + " > /dev/null 2>&1").c_str()), 0) << command;
  }

  std::string folder_;
  int databases_ = 0;
};

}  // namespace arpent::coordinator

// Skips the test, loudly, unless PostgreSQL is installed.
#define ARPENT_REQUIRE_POSTGRES()                                                                \
  if (::arpent::coordinator::PostgresForTest::Programs().empty()) {                              \
    GTEST_SKIP() << "SKIPPED: PostgreSQL's server is not installed (Debian package postgresql)"; \
  }

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_POSTGRES_FOR_TEST_H_
