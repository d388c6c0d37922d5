#include "common/base/task_context.h"

namespace arpent {
namespace {
thread_local TaskContext* current = nullptr;
}  // namespace

TaskContext* CurrentTaskContext() { return current; }

ScopedTaskContext::ScopedTaskContext(TaskContext* context) : context_(context), previous_(current) {
  if (context_ == previous_) return;
  if (previous_ != nullptr) previous_->ThreadLeaves();
  current = context_;
  if (context_ != nullptr) context_->ThreadEnters();
}

ScopedTaskContext::~ScopedTaskContext() {
  if (context_ == previous_) return;
  if (context_ != nullptr) context_->ThreadLeaves();
  current = previous_;
  if (previous_ != nullptr) previous_->ThreadEnters();
}

}  // namespace arpent
