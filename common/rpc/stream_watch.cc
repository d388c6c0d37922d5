#include "common/rpc/stream_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace arpent::rpc {

StreamWatch::StreamWatch() : thread_([this] { Run(); }) {}

StreamWatch::~StreamWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

// Moving only puts a deadline off, so it wakes nobody: the thread looks again when the earliest one that it knew is over.
void StreamWatch::Run() {
  absl::MutexLock lock(&mutex_);
  while (!stop_) {
    changed_ = false;
    const absl::Time now = absl::Now();
    absl::Time next = absl::InfiniteFuture();
    for (Stream* const stream : streams_) {
      if (stream->ended_) continue;
      const absl::Time deadline = stream->Deadline();
      if (deadline > now) {
        next = std::min(next, deadline);
        continue;
      }
      stream->ended_ = true;
      stream->context_.TryCancel();
    }
    const auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stop_ || changed_; };
    mutex_.AwaitWithDeadline(absl::Condition(&awake), next);
  }
}

void StreamWatch::Add(Stream* stream) {
  absl::MutexLock lock(&mutex_);
  streams_.insert(stream);
  changed_ = true;
}

StreamWatch::Stream::Stream(StreamWatch& watch, grpc::ServerContext& context, const StreamLimits& limits)
    : watch_(watch),
      context_(context),
      idle_(limits.idle),
      begin_(absl::Now()),
      moved_(begin_),
      end_(begin_ + limits.longest) {
  watch_.Add(this);
}

StreamWatch::Stream::~Stream() {
  absl::MutexLock lock(&watch_.mutex_);
  watch_.streams_.erase(this);
}

absl::Time StreamWatch::Stream::Deadline() const { return std::min(moved_ + idle_, end_); }

void StreamWatch::Stream::Moved() {
  absl::MutexLock lock(&watch_.mutex_);
  moved_ = absl::Now();
}

void StreamWatch::Stream::SetLongest(absl::Duration longest) {
  absl::MutexLock lock(&watch_.mutex_);
  end_ = begin_ + longest;
  watch_.changed_ = true;
}

absl::Status StreamWatch::Stream::Explain(const absl::Status& status) const {
  if (!ended_) return status;
  return absl::DeadlineExceededError("the stream was ended: its client was too slow, or silent");
}

}  // namespace arpent::rpc
