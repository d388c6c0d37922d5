// The metrics of a process, in Prometheus' sense: counters, gauges and histograms whose labels are small closed sets
// (never a tile, run or task). Names and labels are those of docs/monitoring.md.
#ifndef ARPENT_COMMON_TELEMETRY_METRICS_H_
#define ARPENT_COMMON_TELEMETRY_METRICS_H_

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace arpent::telemetry {

// Handles of one series each: cheap to copy, thread-safe, valid as long as their Metrics.
class Counter {
 public:
  explicit Counter(prometheus::Counter* series) : series_(series) {}
  void Increment(double amount = 1);  // never negative
  double Value() const;

 private:
  prometheus::Counter* series_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* series) : series_(series) {}
  void Set(double value);
  void Add(double amount);
  double Value() const;

 private:
  prometheus::Gauge* series_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* series) : series_(series) {}
  void Observe(double value);

 private:
  prometheus::Histogram* series_;
};

// All series of one name. With() gives the series of these label values, in the order of the label names; a wrong
// number of values ends the process.
template <typename Handle>
class MetricFamily {
 public:
  Handle With(std::initializer_list<absl::string_view> label_values) const;
  // Forgets every series: for gauges that are written anew at each scrape.
  void Clear() const;

 private:
  friend class Metrics;
  struct State;
  std::shared_ptr<State> state_;
};
using CounterFamily = MetricFamily<Counter>;
using GaugeFamily = MetricFamily<Gauge>;
using HistogramFamily = MetricFamily<Histogram>;

// Bucket bounds from `first` on, each `factor` times the one before.
std::vector<double> ExponentialBuckets(double first, double factor, int count);

// Every process has one, made in its main and handed to who counts; `arpent up` shares it between its parts. Adding a
// name again gives the same family. Holds arpent_build_info{version} from the start. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  CounterFamily AddCounter(const std::string& name, const std::string& help, std::vector<std::string> labels);
  GaugeFamily AddGauge(const std::string& name, const std::string& help, std::vector<std::string> labels);
  HistogramFamily AddHistogram(const std::string& name, const std::string& help, std::vector<std::string> labels,
                               std::vector<double> buckets);

  // Runs `refresh` before every scrape, for gauges that are read off something. It lives until the returned object goes.
  [[nodiscard]] std::shared_ptr<void> BeforeScrape(std::function<void()> refresh);

  // The text of /metrics.
  std::string Text() const;

 private:
  friend class MetricsServer;
  struct State;
  std::shared_ptr<State> state_;
};

// Serves GET /metrics until it is destroyed, and with it what the kernel says of the process (node_metrics.h).
class MetricsServer {
 public:
  // `address` is host:port; port 0 takes a free one. `metrics` outlives the server. UNAVAILABLE when it cannot listen.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address, Metrics& metrics);
  ~MetricsServer();

  const std::string& address() const { return address_; }  // with the real port

 private:
  struct State;
  explicit MetricsServer(Metrics& metrics);
  std::unique_ptr<State> state_;
  std::string address_;
};

// The program's version, "0.1.0".
absl::string_view BuildVersion();

}  // namespace arpent::telemetry

#endif  // ARPENT_COMMON_TELEMETRY_METRICS_H_
