#include "services/tile_cache/cache_service.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/cache_messages.h"
#include "common/rpc/status.h"

namespace arpent::tile_cache {
namespace {

namespace pb = arpent::cache::v1;
using rpc::ChunkChecksum;
using rpc::FromGrpc;
using rpc::kCacheChunkBytes;
using rpc::Right;
using rpc::ToGrpc;
using storage::ObjectInfo;
using storage::ObjectStore;

// The messages of a Write as a ByteProducer. The end is told only after the checksum was found right, so that the store
// cannot make a damaged object visible.
class StreamedBytes {
 public:
  StreamedBytes(grpc::ServerReader<pb::WriteRequest>* reader, rpc::StreamWatch::Stream& stream)
      : reader_(reader), stream_(stream), state_(XXH3_createState()) {
    XXH3_64bits_reset(state_);
  }
  ~StreamedBytes() { XXH3_freeState(state_); }

  absl::StatusOr<size_t> Next(char* buffer, size_t capacity) {
    while (position_ == message_.data().size()) {
      if (!reader_->Read(&message_)) return absl::DataLossError("the stream ended before its checksum came");
      if (!message_.data().empty() || message_.has_checksum()) stream_.Moved();
      position_ = 0;
      if (message_.has_checksum()) {
        if (message_.checksum() == XXH3_64bits_digest(state_)) return size_t{0};
        return absl::DataLossError("bytes changed on the way to the gateway");
      }
      if (!message_.has_data()) return absl::InvalidArgumentError("a second header came within a write");
      XXH3_64bits_update(state_, message_.data().data(), message_.data().size());
    }
    const size_t length = std::min(capacity, message_.data().size() - position_);
    std::memcpy(buffer, message_.data().data() + position_, length);
    position_ += length;
    return length;
  }

 private:
  grpc::ServerReader<pb::WriteRequest>* const reader_;
  rpc::StreamWatch::Stream& stream_;
  XXH3_state_t* const state_;
  pb::WriteRequest message_;
  size_t position_ = 0;
};

}  // namespace

absl::Duration CacheService::LongestFor(int64_t bytes) const {
  return limits_.longest + absl::Microseconds(bytes);  // at least 1 MB/s
}

absl::Status CacheService::Admit(const grpc::ServerContext& context, Right right) const {
  return rpc::Admit(access_.get(), context, right);
}

absl::StatusOr<ObjectStore*> CacheService::Enter(const grpc::ServerContext& context, Right right,
                                                 const std::string& store) const {
  ARPENT_RETURN_IF_ERROR(Admit(context, right));
  return stores_->Find(store);
}

grpc::Status CacheService::Stat(grpc::ServerContext* context, const pb::StatRequest* request, pb::StatResponse* response) {
  return ToGrpc([&]() -> absl::Status {
    ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Enter(*context, Right::kReadObjects, request->store()));
    ARPENT_ASSIGN_OR_RETURN(const ObjectInfo info, store->Stat(request->path()));
    rpc::ToProto(info, response->mutable_object());
    return absl::OkStatus();
  }());
}

grpc::Status CacheService::List(grpc::ServerContext* context, const pb::ListRequest* request, pb::ListResponse* response) {
  return ToGrpc([&]() -> absl::Status {
    ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Enter(*context, Right::kReadObjects, request->store()));
    const int wanted = request->page_size();
    if (wanted < 0) return absl::InvalidArgumentError("page_size: negative");
    const int page_size = wanted == 0 ? rpc::kMaxListPage : std::min(wanted, rpc::kMaxListPage);
    ARPENT_ASSIGN_OR_RETURN(const ListPages::Page page,
                            pages_.Next(*store, request->prefix(), request->recursive(),
                                        static_cast<size_t>(page_size), request->page_token()));
    for (const ObjectInfo& object : page.objects) rpc::ToProto(object, response->add_objects());
    response->set_next_page_token(page.next_token);
    return absl::OkStatus();
  }());
}

grpc::Status CacheService::Read(grpc::ServerContext* context, const pb::ReadRequest* request,
                                grpc::ServerWriter<pb::ReadResponse>* writer) {
  return ToGrpc([&]() -> absl::Status {
    ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, Enter(*context, Right::kReadObjects, request->store()));
    if (request->offset() < 0 || request->length() < 0) {
      return absl::InvalidArgumentError(absl::StrCat(request->path(), ": offset and length must not be negative"));
    }
    std::string etag = request->etag();
    int64_t offset = request->offset(), left = request->length();
    if (left == 0 || (etag.empty() && left > static_cast<int64_t>(kCacheChunkBytes))) {
      // More than one message: all of them are of the version that the object has now.
      ARPENT_ASSIGN_OR_RETURN(const ObjectInfo info, store->Stat(request->path()));
      if (etag.empty()) etag = info.etag;
      if (left == 0) left = std::max<int64_t>(0, info.size_bytes - offset);
    }
    pb::ReadResponse response;
    rpc::StreamWatch::Stream stream(watch_, *context, {.idle = limits_.idle, .longest = LongestFor(left)});
    while (left > 0 && !context->IsCancelled()) {
      std::string& data = *response.mutable_data();
      data.resize(static_cast<size_t>(std::min<int64_t>(left, kCacheChunkBytes)));
      ARPENT_ASSIGN_OR_RETURN(const size_t got, store->Read(request->path(), etag, offset, data.size(), data.data()));
      const bool last = got < data.size();
      data.resize(got);
      response.set_checksum(ChunkChecksum(data.data(), got));
      if (got > 0 && !writer->Write(response)) return stream.Explain(absl::CancelledError("the reader went away"));
      stream.Moved();
      if (last) break;
      offset += static_cast<int64_t>(got);
      left -= static_cast<int64_t>(got);
    }
    return absl::OkStatus();
  }());
}

grpc::Status CacheService::Write(grpc::ServerContext* context, grpc::ServerReader<pb::WriteRequest>* reader,
                                 pb::WriteResponse* response) {
  return ToGrpc([&]() -> absl::Status {
    ARPENT_RETURN_IF_ERROR(Admit(*context, Right::kWriteObjects));
    rpc::StreamWatch::Stream stream(watch_, *context, limits_);
    pb::WriteRequest first;
    if (!reader->Read(&first) || !first.has_header()) {
      return stream.Explain(absl::InvalidArgumentError("a write begins with its header"));
    }
    const pb::WriteHeader& header = first.header();
    if (header.size_bytes() < 0) return absl::InvalidArgumentError(absl::StrCat(header.path(), ": size_bytes is negative"));
    ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store, stores_->Find(header.store()));
    stream.SetLongest(LongestFor(header.size_bytes()));
    StreamedBytes bytes(reader, stream);
    const absl::StatusOr<ObjectInfo> info =
        store->Write(header.path(), header.size_bytes(),
                     [&bytes](char* buffer, size_t capacity) { return bytes.Next(buffer, capacity); });
    if (!info.ok()) return stream.Explain(info.status());
    rpc::ToProto(*info, response->mutable_object());
    return absl::OkStatus();
  }());
}

grpc::Status CacheService::Delete(grpc::ServerContext* context, const pb::DeleteRequest* request, pb::DeleteResponse*) {
  return ToGrpc([&]() -> absl::Status {
    // Workers remove the parts of products when they have put them together, and nothing else.
    const bool is_part = request->store() == "output" && absl::StartsWith(request->path(), "work/");
    ARPENT_ASSIGN_OR_RETURN(ObjectStore* const store,
                            Enter(*context, is_part ? Right::kWriteObjects : Right::kOperate, request->store()));
    return store->Delete(request->path());
  }());
}

}  // namespace arpent::tile_cache
