// Another program that makes surface reflectance (MAJA, Sen2Cor): how a worker pool says what it is, and one run of it within its limits.
//
// A pool is configured with a file of named processors; a site names one, never a command:
//   {"maja-4.9": {"command": ["/opt/maja/bin/maja", "-i", "{input}", "-o", "{output}", "-w", "{scratch}", "-m", "L2{mode}"],
//                 "time_limit": "3h", "memory_mib": 16384, "scratch_mib": 61440, "image": ""}}
// Words in braces become paths: {input} the scene, {output} where its product must appear, {scratch} for what it needs meanwhile, {dem}
// the DEM or nothing, {history} a folder of the scenes that MAJA's backward mode reads; {mode} is INIT, or BACKWARD when there are some.
// With an image, the command runs in it by podman, without network. The name is part of every product's key: another version of the
// program deserves another name.
#ifndef ARPENT_COMMON_STAGES_L2A_EXTERNAL_PROCESSOR_H_
#define ARPENT_COMMON_STAGES_L2A_EXTERNAL_PROCESSOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace arpent::stages {

struct ExternalProcessor {
  std::string name;
  std::vector<std::string> command;
  std::string image;
  absl::Duration time_limit = absl::Hours(2);
  int64_t memory_bytes = int64_t{8} << 30;    // of all its processes together
  int64_t scratch_bytes = int64_t{40} << 30;  // of everything below the task's work folder
};

using ExternalProcessors = std::map<std::string, ExternalProcessor>;

// INVALID_ARGUMENT naming `file`, the processor and the field; an unknown field is an error.
absl::StatusOr<ExternalProcessors> ParseProcessors(absl::string_view json, const std::string& file);

// Where one run works. `values` are what words in braces become.
struct ProcessorRun {
  std::string work_folder;  // current folder of the program; watched for size
  std::string log_file;     // takes what it prints
  std::map<std::string, std::string> values;
};

// The words that are executed. INVALID_ARGUMENT when a word in braces is unknown.
absl::StatusOr<std::vector<std::string>> CommandLine(const ExternalProcessor& processor, const ProcessorRun& run);

// Runs the program to its end. FAILED_PRECONDITION: it cannot be started. INTERNAL: it ended with an error. DEADLINE_EXCEEDED,
// RESOURCE_EXHAUSTED: a limit was reached and it was killed with everything that it had started. CANCELLED. Each names the processor
// and gives the end of its log.
absl::Status Execute(const ExternalProcessor& processor, const ProcessorRun& run, const std::function<bool()>& cancelled);

}  // namespace arpent::stages

#endif  // ARPENT_COMMON_STAGES_L2A_EXTERNAL_PROCESSOR_H_
