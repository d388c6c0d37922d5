// libFuzzer's entry; ARPENT_FUZZ_PARSER names the parser of metadata_parsers.h.
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/metadata_parsers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const arpent::fuzz::Parser& parse = arpent::fuzz::MetadataParsers().at(ARPENT_FUZZ_PARSER);
  const absl::Status status = parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!arpent::fuzz::IsGoodAnswer(status)) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::abort();
  }
  return 0;
}
