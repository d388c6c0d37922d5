// arpent-lut: computes the radiative-transfer tables that the L2A stage and `arpent atmosphere` read.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "services/lut/table_file.h"

namespace {

// A bar on a terminal, a line every tenth elsewhere.
class ProgressDisplay {
 public:
  void Show(double fraction) {
    const int percent = static_cast<int>(100 * fraction);
    if (percent / step_ == shown_ / step_) return;
    shown_ = percent;
    if (on_terminal_) {
      const std::string done(percent / 2, '#');
      std::fprintf(stderr, "\ratmosphere tables [%-50s] %3d %%", done.c_str(), percent);
      if (percent == 100) std::fputc('\n', stderr);
    } else {
      std::fprintf(stderr, "atmosphere tables %d %%\n", percent);
    }
  }

 private:
  const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
  const int step_ = on_terminal_ ? 1 : 10;
  int shown_ = 0;
};

absl::Status Run(const std::string& output, const std::string& data, int threads) {
  ARPENT_ASSIGN_OR_RETURN(const arpent::kernels::RadiativeInputs inputs, arpent::lut::ReadInputs(data));
  ProgressDisplay display;
  ARPENT_ASSIGN_OR_RETURN(const std::string bytes, arpent::lut::ComputeTables(inputs, threads, [&](double fraction) {
                            display.Show(fraction);
                          }));
  ARPENT_RETURN_IF_ERROR(arpent::lut::WriteWhole(output, bytes));
  std::printf("%s  %s\n", arpent::Sha256Of(bytes).c_str(), output.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Computes the radiative-transfer tables of Sentinel-2A/B/C and Landsat 8/9.");
  std::string output, data = arpent::lut::DefaultDataFolder();
  int threads = std::max(1u, std::thread::hardware_concurrency());
  app.add_option("-o,--output", output, "File to write")->required();
  app.add_option("--data", data, "Folder of the input files")->capture_default_str();
  app.add_option("--threads", threads, "Threads")->check(CLI::Range(1, 1024))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Run(output, data, threads);
  if (status.ok()) return 0;
  std::fprintf(stderr, "arpent-lut: %s\n", std::string(status.message()).c_str());
  return 1;
}
