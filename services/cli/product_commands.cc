#include "services/cli/product_commands.h"

#include <filesystem>
#include <iostream>
#include <memory>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/storage/file_store.h"
#include "common/storage/open_store.h"
#include "common/storage/stores.h"
#include "services/cli/command.h"
#include "services/cli/connection.h"
#include "services/cli/product_verify.h"
#include "services/cli/storage_copy.h"
#include "services/cli/storage_sweep.h"

namespace arpent::cli {
namespace {

using arpent::product::v1::Product;
using arpent::product::v1::ProductService;

struct ProductArguments {
  ServerOptions server;
  arpent::product::v1::ListProductsRequest filter;
  std::string key, from, to;
  bool dry_run = false;
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
  Table table({"stage", "tile", "unit", "key", "size", "degraded", "place"});
  for (const Product& product : products.products()) {
    int64_t bytes = 0;
    for (const auto& asset : product.assets()) bytes += asset.size_bytes();
    table.Add({product.stage(), product.tile(), product.unit(), product.key().substr(0, kShortKeyLength), HumanBytes(bytes),
               product.degraded() ? "degraded" : "", product.uri()});
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

absl::StatusOr<int> Delete(const ProductArguments& arguments) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  arpent::product::v1::DeleteProductRequest request;
  request.set_key(arguments.key);
  ARPENT_RETURN_IF_ERROR(connection->Call<arpent::product::v1::DeleteProductResponse>(connection->products(),
                                                                          &ProductService::StubInterface::DeleteProduct,
                                                                          request)
                             .status());
  std::cout << "forgotten; its files go with the next `arpent storage sweep`\n";
  return kDone;
}

absl::StatusOr<int> Verify(const ProductArguments& arguments) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  arpent::product::v1::ListProductsResponse products;
  if (arguments.key.empty()) {
    ARPENT_ASSIGN_OR_RETURN(products, ListProducts(*connection, arguments.filter));
  } else {
    ARPENT_ASSIGN_OR_RETURN(*products.add_products(), GetProduct(*connection, arguments.key));
  }
  ARPENT_ASSIGN_OR_RETURN(const auto output, connection->Store("output"));
  int damaged = 0;
  for (const Product& product : products.products()) {
    const absl::Status status = VerifyProduct(*output, product);
    if (status.ok()) continue;
    ++damaged;
    std::cout << product.uri() << ": " << CodeName(status.code()) << ": " << status.message() << "\n";
  }
  std::cout << products.products_size() - damaged << " of " << products.products_size() << " products are whole\n";
  return damaged == 0 ? kDone : kFailed;
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

absl::StatusOr<int> Sweep(const ProductArguments& arguments) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const auto products, ListProducts(*connection, {}));
  ARPENT_ASSIGN_OR_RETURN(const auto output, connection->Store("output"));
  ARPENT_ASSIGN_OR_RETURN(const SweepResult result, SweepOutput(*output, products, arguments.dry_run));
  for (const std::string& path : result.removed) std::cout << (arguments.dry_run ? "would remove " : "removed ") << path << "\n";
  std::cout << result.removed.size() << " objects, " << HumanBytes(result.bytes) << (arguments.dry_run ? " (dry run)" : "")
            << "\n";
  return kDone;
}

struct Place {
  std::shared_ptr<storage::ObjectStore> store;
  std::string path;
};

// "output:/l2a" is behind the tile cache, anything else a folder or a file of this machine.
absl::StatusOr<Place> FindPlace(Connection& connection, const std::string& text, bool is_folder) {
  if (const auto uri = storage::StoreUri::Parse(text); uri.ok()) {
    ARPENT_ASSIGN_OR_RETURN(auto store, connection.Store(uri->store));
    return Place{std::move(store), uri->path};
  }
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(text, error).lexically_normal();
  const std::filesystem::path folder = is_folder ? path : path.parent_path();
  ARPENT_ASSIGN_OR_RETURN(auto store, storage::OpenStore(folder.string() + "?create=true"));
  return Place{std::move(store), is_folder ? "" : path.filename().string()};
}

absl::StatusOr<int> Copy(const ProductArguments& arguments) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  std::error_code absent;
  ARPENT_ASSIGN_OR_RETURN(const Place from, FindPlace(*connection, arguments.from,
                                                      std::filesystem::is_directory(arguments.from, absent)));
  const absl::StatusOr<storage::ObjectInfo> object =
      from.path.empty() ? absl::NotFoundError("a root is a folder") : from.store->Stat(from.path);
  ARPENT_ASSIGN_OR_RETURN(const Place to, FindPlace(*connection, arguments.to, !object.ok() || object->is_folder));
  ARPENT_ASSIGN_OR_RETURN(const CopyResult result, CopyObjects(*from.store, from.path, *to.store, to.path));
  if (const auto folder = std::dynamic_pointer_cast<storage::FileStore>(to.store)) {
    // Nobody wants it among copied products. One that somebody else writes to is not empty and stays.
    std::error_code not_empty;
    std::filesystem::remove(std::filesystem::path(folder->root()) / storage::FileStore::kUnfinished, not_empty);
  }
  std::cout << result.objects << " objects, " << HumanBytes(result.bytes) << "\n";
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
  CLI::App* verify = group->add_subcommand("verify", "Read products back and compare every checksum");
  verify->add_option("key", arguments->key, "Default: all that the filters choose");
  AddFilter(*verify, *arguments);
  AddServerOptions(*verify, arguments->server);
  verify->footer("Example:\n  arpent product verify --stage map");
  OnCall(*verify, exit_code, [=] { return Verify(*arguments); });

  arguments = std::make_shared<ProductArguments>();
  CLI::App* erase = group->add_subcommand("delete", "Forget a product, so that the next run makes it again");
  erase->add_option("key", arguments->key, "Its key, or the first 12 digits")->required();
  AddServerOptions(*erase, arguments->server);
  erase->footer("Example:\n  arpent product delete 0123456789ab");
  OnCall(*erase, exit_code, [=] { return Delete(*arguments); });
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

void AddStorageCommands(CLI::App& app, const OutputFormat&, int& exit_code) {
  CLI::App* group = app.add_subcommand("storage", "Storage: copy, sweep");
  group->require_subcommand(1);
  auto arguments = std::make_shared<ProductArguments>();
  CLI::App* sweep = group->add_subcommand("sweep", "Remove what no current product needs from the output store");
  sweep->add_flag("--dry-run", arguments->dry_run, "Only say what would go");
  AddServerOptions(*sweep, arguments->server);
  sweep->footer("Example:\n  arpent storage sweep --dry-run");
  OnCall(*sweep, exit_code, [=] { return Sweep(*arguments); });

  arguments = std::make_shared<ProductArguments>();
  CLI::App* copy = group->add_subcommand("copy", "Copy objects into a store, out of one, or between two");
  copy->add_option("from", arguments->from, "File or folder, or STORE:/PATH")->required();
  copy->add_option("to", arguments->to, "Where it is to be, by the same rules; what is there is replaced")->required();
  AddServerOptions(*copy, arguments->server);
  copy->footer("Examples:\n  arpent storage copy scenes input:/l1c\n  arpent storage copy output:/map maps");
  OnCall(*copy, exit_code, [=] { return Copy(*arguments); });
}

}  // namespace arpent::cli
