// Runs a test's computation with each instruction set that this machine can run.
#ifndef ARPENT_COMMON_TESTING_INSTRUCTION_SETS_H_
#define ARPENT_COMMON_TESTING_INSTRUCTION_SETS_H_

#include <hwy/targets.h>

#include <cstdint>

namespace arpent::testing {

// Calls `use(name)` once for each, while kernels use that one only; afterwards they choose for themselves again. Returns
// how many there are.
template <typename Use>
int ForEachInstructionSet(const Use& use) {
  int count = 0;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1, ++count) {
    hwy::SetSupportedTargetsForTest(left & -left);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    use(hwy::TargetName(left & -left));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return count;
}

}  // namespace arpent::testing

#endif  // ARPENT_COMMON_TESTING_INSTRUCTION_SETS_H_
