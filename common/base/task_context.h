// What a thread works for. A stage's threads come from a shared pool; ParallelFor carries the caller's context over to
// them, so that layers above can account time to the right task (telemetry/time_account.h).
#ifndef ARPENT_COMMON_BASE_TASK_CONTEXT_H_
#define ARPENT_COMMON_BASE_TASK_CONTEXT_H_

namespace arpent {

class TaskContext {
 public:
  virtual ~TaskContext() = default;
  // Called on the thread that begins or ends to work for this context.
  virtual void ThreadEnters() = 0;
  virtual void ThreadLeaves() = 0;
};

// The context of the calling thread, or null.
TaskContext* CurrentTaskContext();

// Makes `context` (may be null) current on this thread for its lifetime. Entering the context that is already current
// changes nothing.
class ScopedTaskContext {
 public:
  explicit ScopedTaskContext(TaskContext* context);
  ~ScopedTaskContext();
  ScopedTaskContext(const ScopedTaskContext&) = delete;
  ScopedTaskContext& operator=(const ScopedTaskContext&) = delete;

 private:
  TaskContext* const context_;
  TaskContext* const previous_;
};

}  // namespace arpent

#endif  // ARPENT_COMMON_BASE_TASK_CONTEXT_H_
