#include "common/report/report.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace arpent::report {
namespace {

constexpr char kStyle[] = R"css(
:root{--ink:#1d2a24;--soft:#5b6b62;--line:#dfe6e1;--paper:#fbfcfa;--leaf:#2f7d4f}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:2px solid var(--leaf);padding-bottom:.2rem}
p.sub{color:var(--soft);margin:.2rem 0 1rem}
table{border-collapse:collapse;margin:.5rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}th{font-weight:600;color:var(--soft)}
td.diagonal{background:#dff0e4;font-weight:600}td.wrong{background:#fbe9e6}
.gallery{display:flex;flex-wrap:wrap;gap:14px}figure{margin:0;max-width:250px}figure img{width:100%;image-rendering:pixelated;border:1px solid var(--line);background:#fff}
figcaption{font-size:.8rem;color:var(--soft);overflow-wrap:anywhere}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1rem;margin:.5rem 0;font-size:.85rem}.swatch{display:inline-block;width:.9em;height:.9em;border:1px solid #0003;margin-right:.35em;vertical-align:-.1em}
.badge{display:inline-block;padding:.1rem .6rem;border-radius:1rem;background:var(--leaf);color:#fff;font-size:.85rem}.badge.DEGRADED,.badge.CANCELLED{background:#b5541c}
ul.failures{color:#8c2f14}
)css";

constexpr const char* kKinds[] = {"CPU", "run queue", "cache wait", "storage wait", "disk wait", "other"};
constexpr const char* kKindColours[] = {"#2f7d4f", "#a3c9b0", "#d9a441", "#c8642f", "#8e5ea2", "#c9cfcb"};
constexpr int kBarWidth = 560;

std::string Swatch(const std::string& colour, const std::string& name) {
  return absl::StrCat("<span><span class=\"swatch\" style=\"background:", EscapeHtml(colour), "\"></span>",
                      EscapeHtml(name), "</span>");
}

std::string StagesSection(const Report& report) {
  std::string html =
      "<h2>Ledger</h2><table><tr><th>Stage</th><th>Expected</th><th>Done</th><th>of it reused</th><th>degraded</th>"
      "<th>Skipped</th><th>Failed</th><th>Missing input</th></tr>";
  for (const StageRow& row : report.stages) {
    absl::StrAppend(&html, "<tr><td>", EscapeHtml(row.stage), "</td><td>", row.expected, "</td><td>", row.done,
                    "</td><td>", row.reused, "</td><td>", row.degraded, "</td><td>", row.skipped, "</td><td>",
                    row.failed, "</td><td>", row.missing, "</td></tr>");
  }
  return html + "</table>";
}

// Bars of thread time per stage, split by what the threads did.
std::string TimesSection(const Report& report) {
  double longest = 0;
  for (const StageRow& row : report.stages) {
    longest = std::max(longest, std::accumulate(row.seconds.begin(), row.seconds.end(), 0.0));
  }
  if (longest <= 0) return "";
  const int height = 24 * static_cast<int>(report.stages.size());
  std::string html = absl::StrFormat(
      "<h2>Where the time went</h2><p class=\"sub\">Thread-seconds of each stage. Wall time of the run: %.1f s.</p>"
      "<svg width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"thread-seconds per stage\" font-size=\"13\">",
      report.wall_seconds, kBarWidth + 250, height);
  int y = 0;
  for (const StageRow& row : report.stages) {
    absl::StrAppend(&html, "<text x=\"0\" y=\"", y + 16, "\">", EscapeHtml(row.stage), "</text>");
    double x = 110, total = 0;
    for (size_t kind = 0; kind < row.seconds.size(); ++kind) {
      const double width = row.seconds[kind] / longest * kBarWidth;
      absl::StrAppendFormat(&html, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"18\" fill=\"%s\"/>", x, y + 2,
                            width, kKindColours[kind]);
      x += width;
      total += row.seconds[kind];
    }
    absl::StrAppendFormat(&html, "<text x=\"%.1f\" y=\"%d\">%.1f s</text>", x + 6, y + 16, total);
    y += 24;
  }
  absl::StrAppend(&html, "</svg><div class=\"legend\">");
  for (int kind = 0; kind < 6; ++kind) absl::StrAppend(&html, Swatch(kKindColours[kind], kKinds[kind]));
  return html + "</div>";
}

std::string GallerySection(const Gallery& gallery) {
  std::string html = absl::StrCat("<h2>", EscapeHtml(gallery.heading), "</h2>");
  if (!gallery.text.empty()) absl::StrAppend(&html, "<p class=\"sub\">", EscapeHtml(gallery.text), "</p>");
  if (!gallery.legend.empty()) {
    absl::StrAppend(&html, "<div class=\"legend\">");
    for (const LegendEntry& entry : gallery.legend) absl::StrAppend(&html, Swatch(entry.colour, entry.name));
    absl::StrAppend(&html, "</div>");
  }
  absl::StrAppend(&html, "<div class=\"gallery\">");
  for (const Picture& picture : gallery.pictures) {
    absl::StrAppend(&html, "<figure><img alt=\"", EscapeHtml(picture.caption), "\" src=\"data:image/png;base64,",
                    absl::Base64Escape(picture.png), "\"><figcaption>", EscapeHtml(picture.caption),
                    "</figcaption></figure>");
  }
  return html + "</div>";
}

std::string AccuracySection(const Accuracy& accuracy) {
  std::string html = absl::StrFormat("<h2>%s</h2><p class=\"sub\">Overall accuracy %.3f", EscapeHtml(accuracy.heading),
                                     accuracy.overall);
  if (accuracy.overall_high > 0) {
    absl::StrAppendFormat(&html, " (95 %% interval %.3f to %.3f)", accuracy.overall_low, accuracy.overall_high);
  }
  absl::StrAppendFormat(&html, ", kappa %.3f. Rows: reference; columns: map; pixels.</p><table><tr><th></th>",
                        accuracy.kappa);
  for (const std::string& name : accuracy.classes) absl::StrAppend(&html, "<th>", EscapeHtml(name), "</th>");
  absl::StrAppend(&html, "</tr>");
  for (size_t i = 0; i < accuracy.matrix.size(); ++i) {
    absl::StrAppend(&html, "<tr><td>", EscapeHtml(accuracy.classes[i]), "</td>");
    for (size_t j = 0; j < accuracy.matrix[i].size(); ++j) {
      const int64_t count = accuracy.matrix[i][j];
      absl::StrAppend(&html, "<td", i == j ? " class=\"diagonal\"" : (count > 0 ? " class=\"wrong\"" : ""), ">", count,
                      "</td>");
    }
    absl::StrAppend(&html, "</tr>");
  }
  absl::StrAppend(&html, "</table><table><tr><th>Class</th><th>Precision</th><th>Recall</th><th>F-score</th><th></th></tr>");
  for (const ClassAccuracy& row : accuracy.by_class) {
    absl::StrAppendFormat(&html,
                          "<tr><td>%s</td><td>%.3f</td><td>%.3f</td><td>%.3f</td><td><svg width=\"200\" height=\"12\">"
                          "<rect width=\"200\" height=\"12\" fill=\"#eef2ef\"/><rect width=\"%.1f\" height=\"12\" "
                          "fill=\"#2f7d4f\"/></svg></td></tr>",
                          EscapeHtml(row.name), row.precision, row.recall, row.f_score, 200 * row.f_score);
  }
  return html + "</table>";
}

}  // namespace

std::string EscapeHtml(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string RenderHtml(const Report& report) {
  std::string html = absl::StrCat(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>Arpent: ",
      EscapeHtml(report.site), " ", EscapeHtml(report.season), "</title><style>", kStyle, "</style><h1>",
      EscapeHtml(report.site), ", ", EscapeHtml(report.season), " <span class=\"badge ", EscapeHtml(report.state), "\">",
      EscapeHtml(report.state), "</span></h1><p class=\"sub\">Run ", EscapeHtml(report.run_id), ", arpent ",
      EscapeHtml(report.version), "</p>");
  if (!report.failures.empty() || !report.warnings.empty()) {
    absl::StrAppend(&html, "<h2>What went wrong</h2><ul class=\"failures\">");
    for (const FailureRow& row : report.failures) {
      absl::StrAppend(&html, "<li>", EscapeHtml(row.stage), " ", EscapeHtml(row.unit), ": ", EscapeHtml(row.cause),
                      "</li>");
    }
    for (const std::string& warning : report.warnings) absl::StrAppend(&html, "<li>", EscapeHtml(warning), "</li>");
    absl::StrAppend(&html, "</ul>");
  }
  absl::StrAppend(&html, StagesSection(report));
  if (!report.truth.empty()) {
    absl::StrAppend(&html, "<h2>Against the simulated truth</h2><table><tr><th>What</th><th>Found</th><th>Aim</th></tr>");
    for (const TruthRow& row : report.truth) {
      absl::StrAppend(&html, "<tr><td>", EscapeHtml(row.what), "</td><td>", EscapeHtml(row.value), "</td><td>",
                      EscapeHtml(row.expected), "</td></tr>");
    }
    absl::StrAppend(&html, "</table>");
  }
  for (const Gallery& gallery : report.galleries) {
    if (!gallery.pictures.empty()) absl::StrAppend(&html, GallerySection(gallery));
  }
  for (const Accuracy& accuracy : report.accuracies) absl::StrAppend(&html, AccuracySection(accuracy));
  absl::StrAppend(&html, TimesSection(report), "</html>\n");
  return html;
}

}  // namespace arpent::report
