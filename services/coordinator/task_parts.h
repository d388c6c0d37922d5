// How the work on one product is dealt out: as one task, or as parts and then the task that assembles them. Pure
// bookkeeping: what the queue calls these tasks, which are done, how far the whole is.
#ifndef ARPENT_SERVICES_COORDINATOR_TASK_PARTS_H_
#define ARPENT_SERVICES_COORDINATOR_TASK_PARTS_H_

#include <string>
#include <vector>

namespace arpent::coordinator {

// A task's name in the queue and on the wire: KEY for a product (or run and cell of a discover task), KEY#3 for a part of it.
struct TaskName {
  std::string task;
  int part = -1;  // -1: the product itself

  bool is_part() const { return part >= 0; }
  std::string ToString() const;
  static TaskName Parse(const std::string& id);
};

class TaskParts {
 public:
  // Into across x across, none of which is done.
  void Cut(int across);
  bool cut() const { return across_ > 1; }
  int across() const { return across_; }
  int count() const { return static_cast<int>(fractions_.size()); }
  int done() const;
  bool IsDone(int part) const { return fractions_[part] >= kDone; }

  // What can be worked on: the parts that are not done, or -1, the product: when it is not cut or all its parts are done.
  std::vector<int> Open() const;

  void SetDone(int part) { fractions_[part] = kDone; }
  // How far the task of a part (-1: of the product) is, 0..1.
  void SetProgress(int part, double fraction);
  // How far the whole is. Assembling is a small part of it.
  double Progress() const;

 private:
  static constexpr double kDone = 2;  // more than any task in progress says

  int across_ = 1;
  std::vector<double> fractions_;  // by part
  double last_ = 0;                // of the product's own task
};

// Into how many across a task is cut when `idle` slots could work on `ready` tasks: only when there are two slots for each, as parts
// cost more CPU than the whole (docs/performance.md); no finer than there are idle slots, not beyond 4 x 4, and no part below
// `least_part_seconds`. 1: it is left whole.
int PartsAcross(int idle, int ready, double core_seconds, double least_part_seconds);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_TASK_PARTS_H_
