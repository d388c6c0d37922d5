#include "services/cli/product_commands.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/storage/stores.h"
#include "services/cli/command.h"
#include "services/cli/connection.h"
#include "services/cli/product_recompute.h"
#include "services/cli/product_verify.h"

namespace arpent::cli {
namespace {

using arpent::product::v1::Product;
using arpent::product::v1::ProductService;

struct ProductArguments {
  ServerOptions server;
  arpent::product::v1::ListProductsRequest filter;
  std::string key;
  int sample = 1;
  std::string tables;
};

absl::StatusOr<Product> GetProduct(Connection& connection, const std::string& key) {
  arpent::product::v1::GetProductRequest request;
  request.set_key(key);
  ARPENT_ASSIGN_OR_RETURN(auto response, connection.Call<arpent::product::v1::GetProductResponse>(connection.products(),
                                             &ProductService::StubInterface::GetProduct, request));
  return std::move(*response.mutable_product());
}

absl::StatusOr<int> List(const ProductArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const auto products, ListProducts(*connection, arguments.filter));
  if (format == OutputFormat::kJson) {
    std::cout << ToJson(products) << "\n";
    return kDone;
  }
  Table table({"stage", "tile", "unit", "key", "size", "state", "place"});
  for (const Product& product : products.products()) {
    int64_t bytes = 0;
    for (const auto& asset : product.assets()) bytes += asset.size_bytes();
    table.Add({product.stage(), product.tile(), product.unit(), product.key().substr(0, kShortKeyLength), HumanBytes(bytes),
               absl::StrCat(product.current() ? "" : "old ", product.degraded() ? "degraded" : ""), product.uri()});
  }
  std::cout << table.ToString();
  return kDone;
}

absl::StatusOr<int> Get(const ProductArguments& arguments) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const Product product, GetProduct(*connection, arguments.key));
  std::cout << ToJson(product) << "\n";
  return kDone;
}

absl::StatusOr<int> Delete(const ProductArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const Product product, GetProduct(*connection, arguments.key));  // by its first digits, too
  ARPENT_RETURN_IF_ERROR(ForgetProduct(*connection, product.key()));
  if (format == OutputFormat::kJson) {
    PrintJson({{"deleted", product.key()}});
  } else {
    std::cout << "forgotten; its files go with the next `arpent storage sweep`\n";
  }
  return kDone;
}

// A sample of about equal steps through the list, so that every stage has its turn.
std::vector<const Product*> SampleOf(const arpent::product::v1::ListProductsResponse& products, int size) {
  std::vector<const Product*> sorted;
  for (const Product& product : products.products()) sorted.push_back(&product);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Product* a, const Product* b) { return a->stage() < b->stage(); });
  std::vector<const Product*> sample;
  const size_t count = std::min<size_t>(size, sorted.size());
  for (size_t i = 0; i < count; ++i) sample.push_back(sorted[(2 * i + 1) * sorted.size() / (2 * count)]);
  return sample;
}

// Tells of a product that is not as it should be: at once in words, or later in `found`.
void ReportDifference(const Product& product, const absl::Status& status, OutputFormat format, Json& found) {
  const std::string code(CodeName(status.code()));
  found.push_back({{"key", product.key()}, {"uri", product.uri()}, {"error_code", code},
                   {"error_message", std::string(status.message())}});
  if (format != OutputFormat::kJson) std::cout << product.uri() << ": " << code << ": " << status.message() << "\n";
}

absl::StatusOr<int> Verify(const ProductArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  arpent::product::v1::ListProductsResponse products;
  if (arguments.key.empty()) {
    ARPENT_ASSIGN_OR_RETURN(products, ListProducts(*connection, arguments.filter));
  } else {
    ARPENT_ASSIGN_OR_RETURN(*products.add_products(), GetProduct(*connection, arguments.key));
  }
  ARPENT_ASSIGN_OR_RETURN(const auto output, connection->Store("output"));
  Json damaged = Json::array();
  for (const Product& product : products.products()) {
    const absl::Status status = VerifyProduct(*output, product);
    if (!status.ok()) ReportDifference(product, status, format, damaged);
  }
  const size_t whole = products.products_size() - damaged.size();
  if (format != OutputFormat::kJson) {
    std::cout << whole << " of " << products.products_size() << " products are whole\n";
  }

  const std::vector<const Product*> sample = SampleOf(products, arguments.sample);
  RecomputeOptions recompute{[&](const std::string& name) { return connection->Store(name); }, arguments.tables, 0};
  Json different = Json::array();
  for (const Product* product : sample) {
    const absl::Status status = Recompute(recompute, *product);
    if (!status.ok()) ReportDifference(*product, status, format, different);
  }
  const int exit_code = damaged.empty() && different.empty() ? kDone : kFailed;
  if (format == OutputFormat::kJson) {
    PrintJson({{"products", products.products_size()}, {"whole", whole}, {"damaged", damaged},
               {"computed_again", sample.size()}, {"different", different}});
  } else if (!sample.empty()) {
    std::cout << sample.size() - different.size() << " of " << sample.size()
              << " computed again are the same, to the pixel\n";
  }
  return exit_code;
}

absl::StatusOr<int> ListWorkers(const ProductArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  using arpent::worker::v1::WorkerService;
  ARPENT_ASSIGN_OR_RETURN(const auto response, connection->Call<arpent::worker::v1::ListWorkersResponse>(connection->workers(),
                                                   &WorkerService::StubInterface::ListWorkers,
                                                   arpent::worker::v1::ListWorkersRequest()));
  if (format == OutputFormat::kJson) {
    std::cout << ToJson(response) << "\n";
    return kDone;
  }
  Table table({"worker", "host", "version", "busy", "slots", "state", "silent"});
  for (const auto& worker : response.workers()) {
    table.Add({worker.worker_id(), worker.host(), worker.version(), absl::StrCat(worker.busy_slots()),
               absl::StrCat(worker.slots()), worker.draining() ? "draining" : "ready",
               HumanSeconds(worker.silent_seconds())});
  }
  std::cout << table.ToString();
  return kDone;
}

void AddFilter(CLI::App& command, ProductArguments& arguments) {
  const auto add = [&command](const std::string& name, const std::string& what, std::string* target) {
    command.add_option_function<std::string>(name, [target](const std::string& value) { *target = value; }, what);
  };
  add("--site", "Only this site's", arguments.filter.mutable_site());
  add("--stage", "Only this stage's", arguments.filter.mutable_stage());
  add("--tile", "Only this tile's", arguments.filter.mutable_tile());
}

}  // namespace

void AddProductCommands(CLI::App& app, const OutputFormat& format, int& exit_code) {
  CLI::App* group = app.add_subcommand("product", "Products: list, get, verify, delete");
  group->require_subcommand(1);
  auto arguments = std::make_shared<ProductArguments>();
  CLI::App* list = group->add_subcommand("list", "Current products");
  AddFilter(*list, *arguments);
  list->add_flag_callback("--old", [arguments] { arguments->filter.set_include_old(true); },
                          "Also those that newer ones took the place of");
  AddServerOptions(*list, arguments->server);
  list->footer("Example:\n  arpent product list --stage crop-type");
  OnCall(*list, exit_code, [=, &format] { return List(*arguments, format); });

  arguments = std::make_shared<ProductArguments>();
  CLI::App* get = group->add_subcommand("get", "One product as JSON");
  get->add_option("key", arguments->key, "Its key, or the first 12 digits")->required();
  AddServerOptions(*get, arguments->server);
  get->footer("Example:\n  arpent product get 0123456789ab");
  OnCall(*get, exit_code, [=] { return Get(*arguments); });

  arguments = std::make_shared<ProductArguments>();
  CLI::App* verify = group->add_subcommand("verify", "Read products back, compare every checksum, and compute a sample again");
  verify->add_option("key", arguments->key, "Default: all that the filters choose");
  AddFilter(*verify, *arguments);
  AddServerOptions(*verify, arguments->server);
  verify->add_option("--sample", arguments->sample, "How many are computed again on this machine; 0: none")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  verify->add_option("--tables", arguments->tables,
                     "Folder of the look-up tables (default: $ARPENT_TABLES, else beside the program)");
  verify->footer("Examples:\n  arpent product verify --stage map\n  arpent product verify --sample 0");
  OnCall(*verify, exit_code, [=, &format] { return Verify(*arguments, format); });

  arguments = std::make_shared<ProductArguments>();
  CLI::App* erase = group->add_subcommand("delete", "Forget a product, so that the next run makes it again");
  erase->add_option("key", arguments->key, "Its key, or the first 12 digits")->required();
  AddServerOptions(*erase, arguments->server);
  erase->footer("Example:\n  arpent product delete 0123456789ab");
  OnCall(*erase, exit_code, [=, &format] { return Delete(*arguments, format); });
}

void AddWorkerCommands(CLI::App& app, const OutputFormat& format, int& exit_code) {
  CLI::App* group = app.add_subcommand("worker", "Workers: list");
  group->require_subcommand(1);
  auto arguments = std::make_shared<ProductArguments>();
  CLI::App* list = group->add_subcommand("list", "Workers that the coordinator hears");
  AddServerOptions(*list, arguments->server);
  list->footer("Example:\n  arpent worker list");
  OnCall(*list, exit_code, [=, &format] { return ListWorkers(*arguments, format); });
}

}  // namespace arpent::cli
