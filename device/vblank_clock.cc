#include "device/vblank_clock.h"

#include "base/assert.h"
#include "base/planted_bug.h"
#include "device/display_mode.h"

namespace ward::device {
namespace {

constexpr uint64_t kSecondNs = 1000000000;
// Of a clock that may be loaded: some 70 years of vblanks from a start in the first 140 years.
// Their sum is a time that hosts can hold in 63 bits.
constexpr uint64_t kMostVblanks = uint64_t{1} << 37;
constexpr uint64_t kLatestStartNs = uint64_t{1} << 62;

}  // namespace

void VblankClock::Start(uint64_t now_ns) {
  if (running_) return;
  running_ = true;
  start_ns_ = now_ns;
}

void VblankClock::Stop(uint64_t now_ns) {
  start_count_ = CountAt(now_ns);
  running_ = false;
  start_ns_ = 0;
}

// By whole seconds and the rest, so that no product overflows.
uint64_t VblankClock::CountAt(uint64_t now_ns) const {
  if (!running_ || now_ns < start_ns_) return start_count_;
  const uint64_t elapsed = now_ns - start_ns_;
  return start_count_ + elapsed / kSecondNs * kRefreshHz +
         elapsed % kSecondNs * kRefreshHz / kSecondNs;
}

uint64_t VblankClock::TimeOf(uint64_t count) const {
  WARD_ASSERT(running_ && count > start_count_);
  const uint64_t vblanks = count - start_count_;
  const uint64_t round_up = HasPlantedBug(PlantedBug::kVblankRoundedDown) ? 0 : kRefreshHz - 1;
  return start_ns_ + vblanks / kRefreshHz * kSecondNs +
         (vblanks % kRefreshHz * kSecondNs + round_up) / kRefreshHz;
}

bool VblankClock::CanLoad() const {
  return (running_ || start_ns_ == 0) && start_ns_ <= kLatestStartNs &&
         start_count_ <= kMostVblanks;
}

bool VblankClock::CanWaitFor(uint64_t count) const {
  return running_ && count > start_count_ && count - start_count_ <= kMostVblanks;
}

}  // namespace ward::device
