#include "common/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <list>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/telemetry/node_metrics.h"

namespace arpent::telemetry {
namespace {

template <typename Handle>
struct SeriesOf;
template <>
struct SeriesOf<Counter> {
  using Type = prometheus::Counter;
};
template <>
struct SeriesOf<Gauge> {
  using Type = prometheus::Gauge;
};
template <>
struct SeriesOf<Histogram> {
  using Type = prometheus::Histogram;
};

}  // namespace

void Counter::Increment(double amount) { series_->Increment(amount); }
double Counter::Value() const { return series_->Value(); }
void Gauge::Set(double value) { series_->Set(value); }
void Gauge::Add(double amount) { series_->Increment(amount); }
double Gauge::Value() const { return series_->Value(); }
void Histogram::Observe(double value) { series_->Observe(value); }

template <typename Handle>
struct MetricFamily<Handle>::State {
  using Series = typename SeriesOf<Handle>::Type;
  prometheus::Family<Series>* family = nullptr;
  std::string name;
  std::vector<std::string> labels;
  std::vector<double> buckets;
  absl::Mutex mutex;
  std::set<Series*> series ABSL_GUARDED_BY(mutex);

  Series& Add(const prometheus::Labels& values) {
    if constexpr (std::is_same_v<Handle, Histogram>) {
      return family->Add(values, buckets);
    } else {
      return family->Add(values);
    }
  }
};

template <typename Handle>
Handle MetricFamily<Handle>::With(std::initializer_list<absl::string_view> label_values) const {
  if (label_values.size() != state_->labels.size()) {
    std::fprintf(stderr, "metric %s has %zu labels, %zu were given\n", state_->name.c_str(), state_->labels.size(),
                 label_values.size());
    std::abort();
  }
  prometheus::Labels labels;
  auto name = state_->labels.begin();
  for (const absl::string_view value : label_values) labels.emplace(*name++, std::string(value));
  absl::MutexLock lock(&state_->mutex);
  auto& series = state_->Add(labels);
  state_->series.insert(&series);
  return Handle(&series);
}

template <typename Handle>
void MetricFamily<Handle>::Clear() const {
  absl::MutexLock lock(&state_->mutex);
  for (auto* series : std::exchange(state_->series, {})) state_->family->Remove(series);
}

template class MetricFamily<Counter>;
template class MetricFamily<Gauge>;
template class MetricFamily<Histogram>;

std::vector<double> ExponentialBuckets(double first, double factor, int count) {
  std::vector<double> bounds;
  for (double bound = first; count > 0; --count, bound *= factor) bounds.push_back(bound);
  return bounds;
}

// What the exposer collects from: first refreshes, then gathers.
struct Metrics::State final : prometheus::Collectable {
  prometheus::Registry registry;
  mutable absl::Mutex scrape_mutex;
  mutable absl::Mutex mutex;
  mutable std::list<std::weak_ptr<std::function<void()>>> refreshers ABSL_GUARDED_BY(mutex);
  std::map<std::string, std::shared_ptr<void>> families ABSL_GUARDED_BY(mutex);

  // One scrape at a time: none sees gauges that another one is writing anew.
  std::vector<prometheus::MetricFamily> Collect() const override {
    absl::MutexLock lock(&scrape_mutex);
    for (const auto& refresh : LiveRefreshers()) (*refresh)();
    return registry.Collect();
  }

  std::vector<std::shared_ptr<std::function<void()>>> LiveRefreshers() const {
    absl::MutexLock lock(&mutex);
    std::vector<std::shared_ptr<std::function<void()>>> live;
    refreshers.remove_if([&](const auto& weak) {
      auto refresh = weak.lock();
      if (refresh != nullptr) live.push_back(refresh);
      return refresh == nullptr;
    });
    return live;
  }

  // Builds the family once per name.
  template <typename Family, typename Build>
  Family Add(const std::string& name, std::vector<std::string> labels, std::vector<double> buckets, const Build& build) {
    absl::MutexLock lock(&mutex);
    Family family;
    std::shared_ptr<void>& known = families[name];
    if (known == nullptr) {
      auto state = std::make_shared<typename Family::State>();
      state->family = build();
      state->name = name;
      state->labels = std::move(labels);
      state->buckets = std::move(buckets);
      known = state;
    }
    family.state_ = std::static_pointer_cast<typename Family::State>(known);
    return family;
  }
};

Metrics::Metrics() : state_(std::make_shared<State>()) {
  AddGauge("arpent_build_info", "1, with the version of the program.", {"version"}).With({BuildVersion()}).Set(1);
}
Metrics::~Metrics() = default;

CounterFamily Metrics::AddCounter(const std::string& name, const std::string& help, std::vector<std::string> labels) {
  return state_->Add<CounterFamily>(name, std::move(labels), {}, [&] {
    return &prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry);
  });
}

GaugeFamily Metrics::AddGauge(const std::string& name, const std::string& help, std::vector<std::string> labels) {
  return state_->Add<GaugeFamily>(name, std::move(labels), {}, [&] {
    return &prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry);
  });
}

HistogramFamily Metrics::AddHistogram(const std::string& name, const std::string& help,
                                      std::vector<std::string> labels, std::vector<double> buckets) {
  return state_->Add<HistogramFamily>(name, std::move(labels), std::move(buckets), [&] {
    return &prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry);
  });
}

std::shared_ptr<void> Metrics::BeforeScrape(std::function<void()> refresh) {
  auto held = std::make_shared<std::function<void()>>(std::move(refresh));
  absl::MutexLock lock(&state_->mutex);
  state_->refreshers.push_back(held);
  return held;
}

std::string Metrics::Text() const { return prometheus::TextSerializer().Serialize(state_->Collect()); }

struct MetricsServer::State {
  explicit State(Metrics& metrics) : node(metrics) {}

  const NodeMetrics node;
  std::unique_ptr<prometheus::Exposer> exposer;
  std::shared_ptr<prometheus::Collectable> collectable;  // the exposer holds it weakly
};

MetricsServer::MetricsServer(Metrics& metrics) : state_(std::make_unique<State>(metrics)) {}
MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address, Metrics& metrics) {
  auto server = std::unique_ptr<MetricsServer>(new MetricsServer(metrics));
  try {
    server->state_->exposer = std::make_unique<prometheus::Exposer>(address);
    server->state_->collectable = metrics.state_;
    server->state_->exposer->RegisterCollectable(metrics.state_);
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics cannot be served on ", address, ": ", error.what()));
  }
  const int port = server->state_->exposer->GetListeningPorts().front();
  server->address_ = absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return server;
}

absl::string_view BuildVersion() { return ARPENT_VERSION; }

}  // namespace arpent::telemetry
