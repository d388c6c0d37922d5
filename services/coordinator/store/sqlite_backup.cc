#include "services/coordinator/store/sqlite_backup.h"

#include <sqlite3.h>

#include <filesystem>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace arpent::coordinator {
namespace {

constexpr int kBusyMs = 10 * 1000;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

absl::Status Failed(sqlite3* database, const std::string& path) {
  const std::string message = absl::StrCat("state ", path, ": ", sqlite3_errmsg(database));
  const int code = sqlite3_errcode(database) & 0xff;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return absl::DataLossError(message);
  return absl::UnavailableError(message);
}

}  // namespace

absl::Status BackUpSqlite(const std::string& path, const std::string& target) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return absl::NotFoundError(absl::StrCat("state ", path, ": there is none"));
  if (std::filesystem::exists(target, ignored)) return absl::AlreadyExistsError(absl::StrCat(target, ": is there already"));
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, CloseDatabase> database(raw);
  if (opened != SQLITE_OK) return Failed(raw, path);
  sqlite3_busy_timeout(raw, kBusyMs);
  // One read transaction: what is committed meanwhile is not in the copy, and nothing waits for it.
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(raw, "VACUUM INTO ?", -1, &prepared, nullptr) != SQLITE_OK) return Failed(raw, path);
  const std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement(prepared);
  sqlite3_bind_text(prepared, 1, target.data(), static_cast<int>(target.size()), SQLITE_STATIC);
  absl::Cleanup remove_partial = [&] { std::filesystem::remove(target, ignored); };
  if (sqlite3_step(prepared) != SQLITE_DONE) return Failed(raw, path);
  std::move(remove_partial).Cancel();
  return absl::OkStatus();
}

}  // namespace arpent::coordinator
