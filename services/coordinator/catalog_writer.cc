#include "services/coordinator/catalog_writer.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/digest.h"
#include "common/base/parallel.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/storage/stores.h"
#include "common/telemetry/log.h"

namespace arpent::coordinator {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);
constexpr absl::Duration kWhileRunning = absl::Minutes(1);
constexpr absl::Duration kAfterError = absl::Seconds(30);
constexpr char kLatest[] = "latest";

}  // namespace

absl::Status CatalogFiles::ReadNew(const std::vector<std::string>& folders) {
  struct Found {
    absl::Status status;
    product::CatalogEntry entry;
  };
  std::vector<Found> found(folders.size());
  ARPENT_RETURN_IF_ERROR(ParallelFor(folders.size(), DetectResourceLimits().Threads(), [&](size_t i) {
    const auto read = [&]() -> absl::Status {
      ARPENT_ASSIGN_OR_RETURN(const std::string item, storage::ReadAll(*output_, folders[i] + "/item.json"));
      ARPENT_ASSIGN_OR_RETURN(found[i].entry, product::ReadCatalogEntry(folders[i], item));
      ARPENT_ASSIGN_OR_RETURN(const std::string latest, product::LatestItem(found[i].entry, item));
      return storage::WriteAll(*output_, found[i].entry.latest_path(), latest);
    };
    found[i].status = read();
    return absl::OkStatus();
  }));
  absl::Status first;
  for (Found& one : found) {
    if (one.status.ok()) {
      entries_[one.entry.folder] = std::move(one.entry);
    } else {
      first.Update(one.status);
    }
  }
  return first;
}

absl::Status CatalogFiles::RemoveOthers() {
  std::set<std::string> kept;
  for (const auto& [folder, entry] : entries_) kept.insert(entry.latest_path());
  const absl::StatusOr<std::vector<storage::ObjectInfo>> there = output_->List(kLatest, /*recursive=*/true);
  if (absl::IsNotFound(there.status())) return absl::OkStatus();
  ARPENT_RETURN_IF_ERROR(there.status());
  for (const storage::ObjectInfo& object : *there) {
    if (!kept.contains(object.path)) ARPENT_RETURN_IF_ERROR(output_->Delete(object.path));
  }
  return absl::OkStatus();
}

absl::Status CatalogFiles::Show(const std::vector<product::v1::Product>& current) {
  std::set<std::string> folders;
  for (const product::v1::Product& product : current) {
    ARPENT_ASSIGN_OR_RETURN(const storage::StoreUri uri, storage::StoreUri::Parse(product.uri()));
    folders.insert(uri.path);
  }
  const std::string digest = Sha256Of(absl::StrJoin(folders, "\n"));
  if (shown_.empty()) {
    const absl::StatusOr<std::string> catalog = storage::ReadAll(*output_, product::kCatalogFile);
    if (catalog.ok()) shown_ = product::CatalogDigest(*catalog);
    if (!catalog.ok() && !absl::IsNotFound(catalog.status())) return catalog.status();
    if (folders.empty() && !catalog.ok()) return absl::OkStatus();  // nothing to show, nothing to take back
  }
  if (digest == shown_) return absl::OkStatus();

  std::erase_if(entries_, [&](const auto& entry) { return !folders.contains(entry.first); });
  std::vector<std::string> fresh;
  for (const std::string& folder : folders) {
    if (!entries_.contains(folder)) fresh.push_back(folder);
  }
  const absl::Status unread = ReadNew(fresh);
  std::map<std::string, std::vector<product::CatalogEntry>> kinds;
  for (const auto& [folder, entry] : entries_) kinds[entry.kind()].push_back(entry);
  std::vector<std::string> names;
  for (const auto& [kind, entries] : kinds) {
    ARPENT_RETURN_IF_ERROR(
        storage::WriteAll(*output_, product::CollectionPath(kind), product::CollectionJson(entries)));
    names.push_back(kind);
  }
  ARPENT_RETURN_IF_ERROR(
      storage::WriteAll(*output_, product::kCatalogFile, product::CatalogJson(names, unread.ok() ? digest : "")));
  ARPENT_RETURN_IF_ERROR(RemoveOthers());
  if (unread.ok()) shown_ = digest;
  return unread;
}

CatalogWriter::CatalogWriter(std::shared_ptr<Coordinator> coordinator, std::shared_ptr<storage::ObjectStore> output)
    : coordinator_(std::move(coordinator)), files_(std::move(output)), thread_([this] { Run(); }) {}

CatalogWriter::~CatalogWriter() {
  stop_.Notify();
  thread_.join();
}

void CatalogWriter::Run() {
  while (!stop_.WaitForNotificationWithTimeout(kLook)) WriteIfNew(/*even_if_more_comes=*/false);
  WriteIfNew(/*even_if_more_comes=*/true);
}

void CatalogWriter::WriteIfNew(bool even_if_more_comes) {
  const Coordinator::ProductNews news = coordinator_->NewsOfProducts();
  const absl::Time now = absl::Now();
  if (news.version == written_) return;
  if (!even_if_more_comes && news.more_to_come && now - last_try_ < kWhileRunning) return;
  if (!even_if_more_comes && now < last_try_ + kAfterError && written_ < 0) return;
  last_try_ = now;
  const auto write = [&]() -> absl::Status {
    std::vector<product::v1::Product> current;
    product::v1::ListProductsRequest request;
    do {
      std::string next;
      ARPENT_ASSIGN_OR_RETURN(auto page, coordinator_->ListProducts(request, &next));
      std::move(page.begin(), page.end(), std::back_inserter(current));
      request.set_page_token(next);
    } while (!request.page_token().empty());
    return files_.Show(current);
  };
  const absl::Status status = write();
  written_ = status.ok() ? news.version : -1;  // -1: to be tried again
  if (!status.ok()) {
    telemetry::Log(telemetry::LogLevel::kWarning, "the catalogue is behind", {{"error", std::string(status.message())}});
  }
}

}  // namespace arpent::coordinator
