// How often a wait looks at memory before it sleeps. Being woken costs tens of microseconds, so a
// wait may look for about that long; where that did not help, it looks less.
#ifndef WARD_KMD_SPIN_BUDGET_H_
#define WARD_KMD_SPIN_BUDGET_H_

#include <algorithm>
#include <cstdint>

namespace ward::kmd {

class SpinBudget {
 public:
  // Some 10 us of reads that hit the cache, some 40 us of them in an emulated processor.
  static constexpr uint32_t kMostReads = 1 << 14;
  static constexpr uint32_t kFewestReads = 1 << 6;
  // One wait in so many has all of them, whatever was before: work becomes short again.
  static constexpr uint32_t kTrial = 16;

  // The reads of the next wait.
  uint32_t Next() {
    const bool is_trial = waits_++ % kTrial == 0;
    return is_trial ? kMostReads : reads_;
  }
  // What became of it. WasThere: it had no need of any.
  void Hit() {
    reads_ = kMostReads;
    ++hits_;
  }
  void WasThere() { ++hits_; }
  void Miss() {
    reads_ = std::max(reads_ / 2, kFewestReads);
    hits_ = 0;
  }
  // Whether several waits in a row had no need of sleep, so that the next one will not, likely.
  bool IsEnough() const { return hits_ >= kHitsInARow; }

 private:
  static constexpr uint32_t kHitsInARow = 4;

  uint32_t reads_ = kMostReads;
  uint32_t waits_ = 0;
  uint32_t hits_ = 0;  // since the last miss
};

}  // namespace ward::kmd

#endif  // WARD_KMD_SPIN_BUDGET_H_
