#include "kmd/queue_scheduler.h"

#include <algorithm>
#include <utility>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/assert.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kProgressCauses = abi::kInterruptCauseQueueMask | abi::kInterruptCauseFaultMask;
// As Queue::Wait has it: a device that interrupts more often without an end in sight is broken.
constexpr int kMaximumWakeups = 1 << 20;

bool IsAtRest(const UserQueue& queue) { return queue.IsIdle() || queue.queue().HasStopped(); }

}  // namespace

Result<UserQueue*> QueueScheduler::Take(Holder* holder) {
  const auto is_free = [](const Entry& entry) { return entry.holder == nullptr; };
  auto entry = std::find_if(entries_.begin(), entries_.end(), is_free);
  if (entry == entries_.end()) {
    // Queue 0 is the kernel's.
    if (entries_.size() + 1 < queue_count_) {
      WARD_TRY(MakeOne());
    } else if (!FreeOne().ok()) {
      WARD_TRY(WaitAndFreeOne());
    }
    entry = std::find_if(entries_.begin(), entries_.end(), is_free);
    WARD_ASSERT(entry != entries_.end());
  }
  entry->holder = holder;
  entries_.splice(entries_.end(), entries_, entry);
  return entry->queue.get();
}

Result<void> QueueScheduler::MakeOne() {
  const auto index = static_cast<uint32_t>(entries_.size() + 1);
  WARD_ASSIGN_OR_RETURN(
      auto queue, UserQueue::Create(registers_, interrupts_, memory_, index, hang_timeout_us_));
  entries_.push_back({std::move(queue), nullptr});
  return {};
}

Result<void> QueueScheduler::FreeOne() {
  for (const Entry& entry : entries_) {
    if (!IsAtRest(*entry.queue)) continue;
    return entry.holder->LetGo();  // which gives it back
  }
  return Fault{abi::kStatusLimitReached, "every queue of the device is busy"};
}

Result<void> QueueScheduler::WaitAndFreeOne() {
  bool timed_out = false;
  for (int wakeup = 0; wakeup < kMaximumWakeups; ++wakeup) {
    interrupts_->Acknowledge(kProgressCauses);
    interrupts_->Arm(InterruptLine::kAllQueues);
    const Result<void> freed = FreeOne();
    if (freed.ok() || freed.fault().status != abi::kStatusLimitReached) return freed;
    if (timed_out) break;
    const abi::PciError error = interrupts_->WaitForProgress(Queue::kDefaultTimeoutMs);
    // Looks once more after a timeout: the last interrupt may have been taken by another wait.
    timed_out = error == abi::PciError::kTimeout;
    if (error != abi::PciError::kNone && !timed_out) {
      return PciFault(error, "waiting for an interrupt failed");
    }
  }
  return registers_->TimeoutFault("every queue of the device stays busy");
}

void QueueScheduler::Touch(const UserQueue* queue) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return one.queue.get() == queue; });
  WARD_ASSERT(entry != entries_.end());
  entries_.splice(entries_.end(), entries_, entry);
}

void QueueScheduler::GiveBack(UserQueue* queue) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return one.queue.get() == queue; });
  WARD_ASSERT(entry != entries_.end());
  entry->holder = nullptr;
}

}  // namespace ward::kmd
