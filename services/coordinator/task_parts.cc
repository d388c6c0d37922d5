#include "services/coordinator/task_parts.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace arpent::coordinator {
namespace {

constexpr size_t kKeyDigits = 64;
constexpr int kMostAcross = 4;
constexpr double kAssembling = 0.1;  // of the whole work

}  // namespace

std::string TaskName::ToString() const { return is_part() ? absl::StrCat(task, "#", part) : task; }

TaskName TaskName::Parse(const std::string& id) {
  TaskName name;
  const bool names_a_part = id.size() > kKeyDigits && id[kKeyDigits] == '#' &&
                            std::all_of(id.begin(), id.begin() + kKeyDigits, absl::ascii_isxdigit);
  if (!names_a_part || !absl::SimpleAtoi(id.substr(kKeyDigits + 1), &name.part)) return {id, -1};
  name.task = id.substr(0, kKeyDigits);
  return name;
}

void TaskParts::Cut(int across) {
  across_ = across;
  fractions_.assign(across > 1 ? static_cast<size_t>(across) * across : 0, 0);
}

int TaskParts::done() const {
  return static_cast<int>(std::count(fractions_.begin(), fractions_.end(), kDone));
}

std::vector<int> TaskParts::Open() const {
  std::vector<int> open;
  for (int part = 0; part < count(); ++part) {
    if (!IsDone(part)) open.push_back(part);
  }
  if (open.empty()) open.push_back(-1);
  return open;
}

void TaskParts::SetProgress(int part, double fraction) {
  (part < 0 ? last_ : fractions_[part]) = std::clamp(fraction, 0.0, 1.0);
}

double TaskParts::Progress() const {
  if (!cut()) return last_;
  double sum = 0;
  for (const double fraction : fractions_) sum += std::min(1.0, fraction);
  return (1 - kAssembling) * sum / count() + kAssembling * last_;
}

int PartsAcross(int idle, int ready, double core_seconds, double least_part_seconds) {
  if (ready <= 0 || idle < 2 * ready) return 1;
  int across = 2;
  while (across < kMostAcross && across * across * ready < idle) ++across;
  while (across > 1 && core_seconds < least_part_seconds * across * across) --across;
  return across;
}

}  // namespace arpent::coordinator
