// The parsers of delivered metadata, by name: what the fuzzer runs and what the corpus is replayed through.
#ifndef ARPENT_TESTS_FUZZ_METADATA_PARSERS_H_
#define ARPENT_TESTS_FUZZ_METADATA_PARSERS_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "common/scene/landsat_metadata.h"
#include "common/scene/safe_metadata.h"

namespace arpent::fuzz {

using Parser = std::function<absl::Status(const std::string& text)>;

inline const std::map<std::string, Parser>& MetadataParsers() {
  static const std::map<std::string, Parser>* const parsers = new std::map<std::string, Parser>{
      {"landsat_mtl", [](const std::string& text) { return scene::ParseLandsatMtl(text, "FILE").status(); }},
      {"safe_product", [](const std::string& text) { return scene::ParseSafeProduct(text, "FILE").status(); }},
      {"safe_l2a_product", [](const std::string& text) { return scene::ParseSafeL2aProduct(text, "FILE").status(); }},
      {"safe_tile", [](const std::string& text) { return scene::ParseSafeTile(text, "FILE").status(); }},
      {"safe_manifest", [](const std::string& text) { return scene::ParseSafeManifest(text, "FILE").status(); }},
  };
  return *parsers;
}

// Whatever the bytes: understood, or INVALID_ARGUMENT that names the file.
inline bool IsGoodAnswer(const absl::Status& status) {
  return status.ok() || (status.code() == absl::StatusCode::kInvalidArgument &&
                         status.message().find("FILE") != absl::string_view::npos);
}

}  // namespace arpent::fuzz

#endif  // ARPENT_TESTS_FUZZ_METADATA_PARSERS_H_
