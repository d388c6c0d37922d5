// The self-contained HTML page of a run: pictures, maps with legends, accuracy, where the time went. One file, no script, no
// address outside of it. What goes in is plain data (collect.h gathers it from a store).
#ifndef ARPENT_COMMON_REPORT_REPORT_H_
#define ARPENT_COMMON_REPORT_REPORT_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace arpent::report {

struct StageRow {
  std::string stage;
  int64_t expected = 0, done = 0, reused = 0, degraded = 0, skipped = 0, failed = 0, missing = 0;
  // Thread-seconds: cpu, run_queue, cache_wait, storage_wait, disk_wait, other.
  std::array<double, 6> seconds = {};
};

struct FailureRow {
  std::string stage, unit, cause;
};

struct Picture {
  std::string caption;
  std::string png;  // encoded bytes
};

struct LegendEntry {
  std::string name, colour;  // "#rrggbb"
};

// Pictures that belong together, under one heading.
struct Gallery {
  std::string heading, text;
  std::vector<Picture> pictures;
  std::vector<LegendEntry> legend;
};

struct ClassAccuracy {
  std::string name;
  double precision = 0, recall = 0, f_score = 0;
};

// Rows are the reference, columns the map.
struct Accuracy {
  std::string heading;
  std::vector<std::string> classes;
  std::vector<std::vector<int64_t>> matrix;
  std::vector<ClassAccuracy> by_class;
  double overall = 0, overall_low = 0, overall_high = 0, kappa = 0;  // low and high: 95 % interval, both 0 when unknown
};

// One figure against known truth (simulated sites).
struct TruthRow {
  std::string what, value, expected;
};

struct Report {
  std::string site, season, run_id, state, version;
  double wall_seconds = 0;
  std::vector<StageRow> stages;
  std::vector<FailureRow> failures;
  std::vector<std::string> warnings;
  std::vector<Gallery> galleries;
  std::vector<Accuracy> accuracies;
  std::vector<TruthRow> truth;
};

std::string RenderHtml(const Report& report);

// Text with & < > and " made safe for HTML.
std::string EscapeHtml(const std::string& text);

}  // namespace arpent::report

#endif  // ARPENT_COMMON_REPORT_REPORT_H_
