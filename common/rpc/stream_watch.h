// Ends streams whose client has fallen silent. A call in progress holds a thread, and gRPC's blocking streams know no
// deadline but the client's own: without this, a client that opens a write and sends nothing would hold its thread for ever.
#ifndef ARPENT_COMMON_RPC_STREAM_WATCH_H_
#define ARPENT_COMMON_RPC_STREAM_WATCH_H_

#include <grpcpp/server_context.h>

#include <atomic>
#include <set>
#include <thread>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace arpent::rpc {

struct StreamLimits {
  absl::Duration idle = absl::Minutes(1);     // between two messages
  absl::Duration longest = absl::InfiniteDuration();  // in all
};

// Thread-safe; outlives its streams.
class StreamWatch {
 public:
  StreamWatch();
  ~StreamWatch();
  StreamWatch(const StreamWatch&) = delete;
  StreamWatch& operator=(const StreamWatch&) = delete;

  // One call, watched as long as this object lives. A call that is over a limit is cancelled: what blocks in it returns.
  class Stream {
   public:
    Stream(StreamWatch& watch, grpc::ServerContext& context, const StreamLimits& limits);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // A message came or went.
    void Moved();
    // More is known of how long it may take.
    void SetLongest(absl::Duration longest);
    // DEADLINE_EXCEEDED when the stream was ended by its limits, else `status`.
    absl::Status Explain(const absl::Status& status) const;

   private:
    friend class StreamWatch;
    absl::Time Deadline() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(watch_.mutex_);

    StreamWatch& watch_;
    grpc::ServerContext& context_;
    const absl::Duration idle_;
    const absl::Time begin_;
    absl::Time moved_ ABSL_GUARDED_BY(watch_.mutex_);
    absl::Time end_ ABSL_GUARDED_BY(watch_.mutex_);
    std::atomic<bool> ended_ = false;
  };

 private:
  void Run();
  void Add(Stream* stream);

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace arpent::rpc

#endif  // ARPENT_COMMON_RPC_STREAM_WATCH_H_
