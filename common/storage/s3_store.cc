#include "common/storage/s3_store.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <cpl_vsi_error.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/storage/quiet_gdal.h"
#include "common/storage/spool.h"
#include "common/telemetry/time_account.h"

namespace arpent::storage {
namespace {

using telemetry::ScopedWait;
using telemetry::TimeKind;

constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr char kNoObject[] = ".arpent-is-there";  // a key to ask for; that it is absent is an answer, too
constexpr int kPreconditionFailed = 412;

// An HTTP header of this thread's requests for its lifetime.
class ScopedHeader {
 public:
  explicit ScopedHeader(const std::string& header) {
    CPLSetThreadLocalConfigOption("GDAL_HTTP_HEADERS", header.empty() ? nullptr : header.c_str());
  }
  ~ScopedHeader() { CPLSetThreadLocalConfigOption("GDAL_HTTP_HEADERS", nullptr); }
  ScopedHeader(const ScopedHeader&) = delete;
  ScopedHeader& operator=(const ScopedHeader&) = delete;
};

void SetDefault(const char* key, const char* value) {
  if (CPLGetConfigOption(key, nullptr) == nullptr) CPLSetConfigOption(key, value);
}

// "... HTTP response code on URL: 404" -> 404; 0 when nobody answered, -1 when GDAL says nothing of the kind.
int ResponseCode(absl::string_view message) {
  const size_t colon = message.rfind(": ");
  int code = -1;
  if (!absl::StrContains(message, "HTTP response code") || colon == absl::string_view::npos) return -1;
  return absl::SimpleAtoi(message.substr(colon + 2), &code) ? code : -1;
}

// What GDAL said last about `path`; OK when it found nothing wrong.
absl::Status LastError(const std::string& path) {
  const std::string general = CPLGetLastErrorMsg(), specific = VSIGetLastErrorMsg();
  const std::string message = absl::StrCat(path, ": ", specific.empty() ? general : specific);
  switch (VSIGetLastErrorNo()) {
    case VSIE_AWSObjectNotFound:
    case VSIE_AWSBucketNotFound:
      return absl::NotFoundError(message);
    case VSIE_AWSAccessDenied:
    case VSIE_AWSInvalidCredentials:
    case VSIE_AWSSignatureDoesNotMatch:
      return absl::PermissionDeniedError(message);
    default:
      break;
  }
  switch (ResponseCode(general)) {
    case 404:
      return absl::NotFoundError(message);
    case 401:
    case 403:
      return absl::PermissionDeniedError(message);
    default:
      break;
  }
  return CPLGetLastErrorType() == CE_None && specific.empty() ? absl::OkStatus() : absl::UnavailableError(message);
}

// GDAL's writes and listings do not say why they failed: one plain request tells. OK when that one is answered well.
absl::Status Ask(const std::string& name, const std::string& path) {
  CPLErrorReset();
  VSIErrorReset();
  VSICurlPartialClearCache(name.c_str());
  CSLDestroy(VSIGetFileMetadata(name.c_str(), "HEADERS", nullptr));
  const absl::Status status = LastError(path);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Time ModifiedOf(const VSIDIREntry& entry) {
  return entry.bMTimeKnown ? absl::FromUnixSeconds(entry.nMTime) : absl::InfiniteFuture();
}

std::string Unquoted(absl::string_view etag) {
  absl::ConsumePrefix(&etag, "\"");
  absl::ConsumeSuffix(&etag, "\"");
  return std::string(etag);
}

// HTTP header names have no case.
std::string HeaderOf(char** headers, absl::string_view name) {
  for (int i = 0; headers != nullptr && headers[i] != nullptr; ++i) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(headers[i], absl::MaxSplits('=', 1));
    if (absl::EqualsIgnoreCase(parts.first, name)) return std::string(parts.second);
  }
  return "";
}

// Of a HEAD, or of a ranged GET ("bytes 0-99/100").
bool SizeOf(char** headers, int64_t* size) {
  const std::string range = HeaderOf(headers, "Content-Range");
  if (!range.empty()) return absl::SimpleAtoi(range.substr(range.rfind('/') + 1), size);
  return absl::SimpleAtoi(HeaderOf(headers, "Content-Length"), size);
}

absl::StatusOr<std::pair<std::string, std::string>> SplitEndpoint(const std::string& endpoint) {
  absl::string_view host = endpoint;
  if (absl::ConsumePrefix(&host, "https://")) return std::make_pair(std::string(host), std::string("YES"));
  if (absl::ConsumePrefix(&host, "http://")) return std::make_pair(std::string(host), std::string("NO"));
  return absl::InvalidArgumentError(absl::StrCat("endpoint '", endpoint, "': expected https://host or http://host"));
}

// The keys of an AWS credentials file, whatever section they are in; GDAL's option names.
absl::Status SetCredentials(const std::string& bucket, const std::string& file) {
  std::ifstream in(file);
  if (!in.good()) return absl::NotFoundError(absl::StrCat("credentials file ", file, " cannot be read"));
  int found = 0;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (parts.size() != 2) continue;
    const std::string key = absl::AsciiStrToUpper(absl::StripAsciiWhitespace(parts[0]));
    const std::string value(absl::StripAsciiWhitespace(parts[1]));
    if (key != "AWS_ACCESS_KEY_ID" && key != "AWS_SECRET_ACCESS_KEY" && key != "AWS_SESSION_TOKEN") continue;
    VSISetPathSpecificOption(bucket.c_str(), key.c_str(), value.c_str());
    found += key != "AWS_SESSION_TOKEN";
  }
  if (found == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("credentials file ", file, ": needs aws_access_key_id and aws_secret_access_key"));
}

// GDAL keeps what it read by name, not by version; we keep it better.
void CacheNothingBelow(const std::string& root) {
  static absl::Mutex mutex(absl::kConstInit);
  absl::MutexLock lock(&mutex);
  const std::string known = CPLGetConfigOption("CPL_VSIL_CURL_NON_CACHED", "");
  CPLSetConfigOption("CPL_VSIL_CURL_NON_CACHED", (known.empty() ? root : absl::StrCat(known, ":", root)).c_str());
}

}  // namespace

absl::StatusOr<std::shared_ptr<S3Store>> S3Store::Open(const S3Options& options) {
  if (options.bucket.empty()) return absl::InvalidArgumentError("an S3 store needs a bucket");
  ARPENT_ASSIGN_OR_RETURN(const std::string prefix, NormalisePath(options.prefix));
  const std::string root = absl::StrCat("/vsis3/", options.bucket, prefix.empty() ? "" : "/", prefix);
  // Listings look options up by bucket, whatever the prefix.
  const std::string bucket = absl::StrCat("/vsis3/", options.bucket);
  const auto set = [&bucket](const char* key, const std::string& value) {
    VSISetPathSpecificOption(bucket.c_str(), key, value.c_str());
  };
  if (!options.endpoint.empty()) {
    ARPENT_ASSIGN_OR_RETURN(const auto endpoint, SplitEndpoint(options.endpoint));
    set("AWS_S3_ENDPOINT", endpoint.first);
    set("AWS_HTTPS", endpoint.second);
  }
  if (!options.region.empty()) set("AWS_REGION", options.region);
  if (options.path_style) set("AWS_VIRTUAL_HOSTING", "FALSE");
  if (options.requester_pays) set("AWS_REQUEST_PAYER", "requester");
  if (options.anonymous) set("AWS_NO_SIGN_REQUEST", "YES");
  if (!options.credentials_file.empty()) ARPENT_RETURN_IF_ERROR(SetCredentials(bucket, options.credentials_file));
  SetDefault("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR");
  SetDefault("GDAL_HTTP_CONNECTTIMEOUT", "10");
  SetDefault("GDAL_HTTP_LOW_SPEED_TIME", "60");
  SetDefault("GDAL_HTTP_LOW_SPEED_LIMIT", "1");
  SetDefault("GDAL_HTTP_MAX_RETRY", "3");
  SetDefault("GDAL_HTTP_RETRY_DELAY", "0.5");
  CacheNothingBelow(root);
  return std::shared_ptr<S3Store>(new S3Store(root));
}

absl::StatusOr<ObjectInfo> S3Store::StatObject(const std::string& path) const {
  const std::string name = Name(path);
  CPLErrorReset();
  VSIErrorReset();
  VSICurlPartialClearCache(name.c_str());
  CPLStringList headers(VSIGetFileMetadata(name.c_str(), "HEADERS", nullptr), /*bTakeOwnership=*/TRUE);
  ObjectInfo info{.path = path, .etag = Unquoted(HeaderOf(headers.List(), "ETag"))};
  if (!info.etag.empty() && SizeOf(headers.List(), &info.size_bytes)) return info;
  const absl::Status error = LastError(path);
  // GDAL asks for the first bytes, which an empty object has not: no error, but no answer either.
  if (error.ok()) return FindListed(path);
  return error;
}

absl::StatusOr<ObjectInfo> S3Store::FindListed(const std::string& path) const {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash);
  const std::string leaf = path.substr(slash + 1);
  const std::string filter = absl::StrCat("PREFIX=", leaf);
  const char* const options[] = {filter.c_str(), nullptr};
  VSIDIR* const directory = VSIOpenDir(Name(folder).c_str(), 0, options);
  if (directory != nullptr) {
    const absl::Cleanup close_directory = [directory] { VSICloseDir(directory); };
    while (const VSIDIREntry* const entry = VSIGetNextDirEntry(directory)) {
      if (leaf != entry->pszName || VSI_ISDIR(entry->nMode)) continue;
      return ObjectInfo{.path = path,
                        .size_bytes = static_cast<int64_t>(entry->nSize),
                        .etag = Unquoted(HeaderOf(entry->papszExtra, "ETag")),
                        .modified = ModifiedOf(*entry)};
    }
  }
  return absl::NotFoundError(absl::StrCat(path, ": no such object"));
}

absl::StatusOr<ObjectInfo> S3Store::Stat(const std::string& raw_path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  const ScopedWait wait(TimeKind::kStorageWait);
  if (path.empty()) return ObjectInfo{.is_folder = true};
  const QuietGdal quiet;
  absl::StatusOr<ObjectInfo> object = StatObject(path);
  if (!absl::IsNotFound(object.status())) return object;
  const absl::StatusOr<std::vector<ObjectInfo>> below = List(path, /*recursive=*/false);
  if (below.ok()) return ObjectInfo{.path = path, .is_folder = true};
  return below.status();
}

absl::StatusOr<std::vector<ObjectInfo>> S3Store::List(const std::string& prefix, bool recursive) {
  ARPENT_ASSIGN_OR_RETURN(const std::string folder, NormalisePath(prefix));
  const ScopedWait wait(TimeKind::kStorageWait);
  const QuietGdal quiet;
  const std::string name = Name(folder);
  VSICurlPartialClearCache(name.c_str());
  std::vector<ObjectInfo> objects;
  if (VSIDIR* const directory = VSIOpenDir(name.c_str(), recursive ? -1 : 0, nullptr)) {
    const absl::Cleanup close_directory = [directory] { VSICloseDir(directory); };
    while (const VSIDIREntry* const entry = VSIGetNextDirEntry(directory)) {
      absl::string_view child = entry->pszName;
      absl::ConsumeSuffix(&child, "/");
      const bool is_folder = VSI_ISDIR(entry->nMode);
      if (child.empty() || (is_folder && recursive)) continue;
      ObjectInfo& object = objects.emplace_back();
      object.path = folder.empty() ? std::string(child) : absl::StrCat(folder, "/", child);
      object.is_folder = is_folder;
      if (is_folder) continue;
      object.size_bytes = static_cast<int64_t>(entry->nSize);
      object.etag = Unquoted(HeaderOf(entry->papszExtra, "ETag"));
      object.modified = ModifiedOf(*entry);
    }
  }
  ARPENT_RETURN_IF_ERROR(LastError(folder));
  if (objects.empty()) {
    ARPENT_RETURN_IF_ERROR(Ask(absl::StrCat(name, "/", kNoObject), folder));
    if (!folder.empty()) return absl::NotFoundError(absl::StrCat(folder, ": no such folder"));
  }
  std::sort(objects.begin(), objects.end(), [](const ObjectInfo& a, const ObjectInfo& b) { return a.path < b.path; });
  return objects;
}

absl::StatusOr<size_t> S3Store::Read(const std::string& raw_path, const std::string& etag, int64_t offset,
                                     size_t length, char* buffer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  if (offset < 0) return absl::InvalidArgumentError(absl::StrCat(path, ": offset ", offset, " is negative"));
  ScopedWait wait(TimeKind::kStorageWait);
  const QuietGdal quiet;
  const std::string name = Name(path);
  const ScopedHeader version(etag.empty() ? "" : absl::StrCat("If-Match: \"", etag, "\""));
  size_t got = 0;
  bool failed = true;
  if (VSILFILE* const file = VSIFOpenL(name.c_str(), "rb")) {
    const absl::Cleanup close_file = [file] { VSIFCloseL(file); };
    VSIFSeekL(file, 0, SEEK_END);
    const int64_t left = static_cast<int64_t>(VSIFTellL(file)) - offset;
    got = static_cast<size_t>(std::clamp<int64_t>(left, 0, static_cast<int64_t>(length)));
    // This call goes past GDAL's cache of byte ranges, which knows no versions.
    void* data = buffer;
    const vsi_l_offset position = static_cast<vsi_l_offset>(offset);
    failed = got > 0 && VSIFReadMultiRangeL(1, &data, &position, &got, file) != 0;
    if (got == 0 && !etag.empty()) failed = true;  // nothing was asked that could have told the version
  }
  if (failed) {
    // A refused If-Match looks to GDAL like any other failure: ask what is there now.
    const absl::Status error = LastError(path);
    const bool refused = ResponseCode(CPLGetLastErrorMsg()) == kPreconditionFailed;
    const ScopedHeader no_version("");
    const QuietGdal fresh;
    ARPENT_ASSIGN_OR_RETURN(const ObjectInfo now, StatObject(path));
    if (refused || (!etag.empty() && now.etag != etag)) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": was replaced while it was read"));
    }
    if (offset >= now.size_bytes || length == 0) return size_t{0};
    return absl::UnavailableError(error.ok() ? absl::StrCat(path, ": the storage broke off") : error.message());
  }
  wait.AddBytes(static_cast<int64_t>(got), 0);
  return got;
}

absl::StatusOr<ObjectInfo> S3Store::Write(const std::string& raw_path, int64_t size_bytes,
                                          const ByteProducer& producer) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  if (path.empty()) return absl::InvalidArgumentError("an object needs a path");
  ScopedWait wait(TimeKind::kStorageWait);
  // GDAL would complete an upload that it was not told to be broken: nothing is sent before everything is here.
  ARPENT_ASSIGN_OR_RETURN(const std::unique_ptr<Spool> spool, Spool::Fill(path, size_bytes, producer));
  const QuietGdal quiet;
  const std::string name = Name(path);
  VSILFILE* const file = VSIFOpenL(name.c_str(), "wb");
  bool sent = file != nullptr;
  absl::Status spooled;
  std::string chunk(kChunkBytes, '\0');
  while (sent) {
    const absl::StatusOr<size_t> length = spool->Next(chunk.data(), chunk.size());
    spooled = length.status();
    if (!length.ok() || *length == 0) break;
    sent = VSIFWriteL(chunk.data(), 1, *length, file) == *length;
  }
  if (file != nullptr) sent = VSIFCloseL(file) == 0 && sent;
  ARPENT_RETURN_IF_ERROR(spooled);
  if (!sent) {
    const std::string cause = CPLGetLastErrorMsg();
    ARPENT_RETURN_IF_ERROR(Ask(name, path));
    return absl::UnavailableError(absl::StrCat(path, ": ", cause));
  }
  wait.AddBytes(0, size_bytes);
  return StatObject(path);
}

absl::Status S3Store::Delete(const std::string& raw_path) {
  ARPENT_ASSIGN_OR_RETURN(const std::string path, NormalisePath(raw_path));
  if (path.empty()) return absl::InvalidArgumentError("an object needs a path");
  const ScopedWait wait(TimeKind::kStorageWait);
  const QuietGdal quiet;
  if (VSIUnlink(Name(path).c_str()) == 0) return absl::OkStatus();
  const absl::Status now = StatObject(path).status();
  if (absl::IsNotFound(now)) return absl::OkStatus();
  return now.ok() ? absl::UnavailableError(absl::StrCat(path, ": the storage did not delete it")) : now;
}

}  // namespace arpent::storage
