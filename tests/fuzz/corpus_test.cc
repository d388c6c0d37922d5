// Replays the corpus, with any compiler: what fuzzing once found stays found.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/metadata_parsers.h"

namespace arpent::fuzz {
namespace {

TEST(Corpus, EveryFileIsUnderstoodOrRefusedByName) {
  for (const auto& [name, parse] : MetadataParsers()) {
    int files = 0, understood = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(ARPENT_FUZZ_CORPUS) + "/" + name)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      const absl::Status status = parse(text);
      EXPECT_TRUE(IsGoodAnswer(status)) << entry.path() << ": " << status;
      ++files;
      understood += status.ok();
    }
    EXPECT_GE(files, 3) << name;
    EXPECT_GE(understood, 1) << name;  // a corpus of rubbish alone would reach nothing
  }
}

}  // namespace
}  // namespace arpent::fuzz
