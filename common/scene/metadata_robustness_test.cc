// Damaged metadata must give an error or an understood file, never an end of the process: real files, mutated at random with
// a fixed seed.
#include <filesystem>
#include <fstream>
#include <random>

#include "common/scene/landsat_metadata.h"
#include "common/scene/safe_metadata.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::scene {
namespace {

namespace fs = std::filesystem;
using ::arpent::testing::SharedData;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Mutate(std::string text, std::mt19937& random) {
  const auto below = [&random](size_t count) { return static_cast<size_t>(random() % std::max<size_t>(1, count)); };
  for (size_t i = 0, count = 1 + below(8); i < count && !text.empty(); ++i) {
    switch (below(5)) {
      case 0: text[below(text.size())] = static_cast<char>(random()); break;
      case 1: text.resize(below(text.size())); break;
      case 2: text.erase(below(text.size()), below(200)); break;
      case 3: text.insert(below(text.size()), text.substr(below(text.size()), below(200))); break;
      default:  // another number, also a huge or a negative one
        if (const size_t digit = text.find_first_of("0123456789", below(text.size())); digit != std::string::npos) {
          const char* numbers[] = {"-1", "99999999999999999999", "nan", "1e308", ""};
          text.replace(digit, 1, numbers[below(5)]);
        }
    }
  }
  return text;
}

template <typename Parse>
void MutateAndParse(const fs::path& path, int rounds, const Parse& parse) {
  const std::string original = ReadFile(path);
  ASSERT_FALSE(original.empty()) << path;
  ASSERT_OK(parse(original));
  std::mt19937 random(7);
  for (int i = 0; i < rounds; ++i) {
    const absl::Status status = parse(Mutate(original, random));
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
      EXPECT_NE(status.message().find("FILE"), absl::string_view::npos) << status;
    }
  }
}

TEST(MetadataRobustness, SafeFiles) {
  ARPENT_REQUIRE_SHARED_DATA("safe_metadata_samples");
  const fs::path samples = SharedData("safe_metadata_samples");
  const fs::path l1c = samples / "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248.SAFE";
  MutateAndParse(l1c / "MTD_MSIL1C.xml", 300, [](const std::string& text) { return ParseSafeProduct(text, "FILE").status(); });
  for (const auto& entry : fs::recursive_directory_iterator(l1c)) {
    if (entry.path().filename() != "MTD_TL.xml") continue;
    MutateAndParse(entry.path(), 100, [](const std::string& text) { return ParseSafeTile(text, "FILE").status(); });
  }
}

TEST(MetadataRobustness, LandsatText) {
  ARPENT_REQUIRE_SHARED_DATA("landsat_l1_marburg_30m");
  const std::string name = "LC08_L1TP_195025_20130707_20170503_01_T1";
  MutateAndParse(fs::path(SharedData("landsat_l1_marburg_30m")) / name / (name + "_MTL.txt"), 1000,
                 [](const std::string& text) { return ParseLandsatMtl(text, "FILE").status(); });
}

}  // namespace
}  // namespace arpent::scene
