// atmosphere_report [FILE]: measures the atmosphere's tables and prints the figures as Markdown, or puts them into FILE
// between the lines "<!-- figures: begin -->" and "<!-- figures: end -->".
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/testing/temporary_folder.h"
#include "tests/accuracy/atmosphere_errors.h"

namespace arpent::accuracy {
namespace {

std::string Line(const std::string& name, const Summary& s) {
  return absl::StrFormat("| %s | %d | %.5f | %.5f | %.5f | %.5f | %.2f %% | %.5f |\n", name, s.count, s.toa_rms,
                         s.toa_99, s.toa_max, s.surface_rms, 100 * s.surface_within, s.gas_rms);
}

std::string Section(const std::string& title, const std::vector<Sample>& samples) {
  std::string text = absl::StrCat(
      "**", title,
      "**\n\n| | values | TOA RMS | TOA 99 % | TOA max | surface RMS | within 0.005 + 0.05 rho | gas RMS |\n",
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  text += Line("all land bands", Summarise(samples, IsLand));
  std::set<std::string> bands, models;
  for (const Sample& sample : samples) {
    if (!IsCirrus(sample)) bands.insert(sample.band);
    models.insert(sample.aerosol);
  }
  for (const std::string& model : models) {
    text += Line(model, Summarise(samples, [&](const Sample& s) { return IsLand(s) && s.aerosol == model; }));
  }
  for (const std::string& band : bands) {
    text += Line(band, Summarise(samples, [&](const Sample& s) { return !IsCirrus(s) && s.band == band; }));
  }
  return text + "\n";
}

std::string Report() {
  auto tables = BuiltTables();
  if (!tables.ok()) return "";
  const std::string folder = testing::SharedData("radiative_transfer");
  auto truth = CompareWithTruth(*tables, folder + "/truth.csv");
  auto solver = CompareWithSolver(*tables, 200);
  if (!truth.ok() || !solver.ok()) return "";
  return Section("Against 6S (truth.csv)", *truth) +
         Section("Tables against the solver with 24 streams and 60 layers: sun to 70 deg, AOT to 1, altitude to 3 km",
                 *solver);
}

int Run(const char* path) {
  const std::string report = Report();
  if (report.empty()) {
    std::fputs("atmosphere_report: tables or shared data are missing\n", stderr);
    return 1;
  }
  if (path == nullptr) {
    std::fputs(report.c_str(), stdout);
    return 0;
  }
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  std::string text = content.str();
  const std::string begin = "<!-- figures: begin -->\n", end = "<!-- figures: end -->";
  const size_t first = text.find(begin), last = text.find(end);
  if (first == std::string::npos || last == std::string::npos) {
    std::fprintf(stderr, "atmosphere_report: %s has no lines for figures\n", path);
    return 1;
  }
  text.replace(first + begin.size(), last - first - begin.size(), report);
  std::ofstream(path) << text;
  return 0;
}

}  // namespace
}  // namespace arpent::accuracy

int main(int argc, char** argv) { return arpent::accuracy::Run(argc > 1 ? argv[1] : nullptr); }
