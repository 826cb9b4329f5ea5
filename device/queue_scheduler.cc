#include "device/queue_scheduler.h"

#include <algorithm>

namespace ward::device {

// A queue with another value can't be enabled, so that it does not matter where it stands.
uint32_t QueueScheduler::PriorityOf(uint32_t queue) const {
  const uint32_t value = registers_->Get(abi::kRegQueuePriority + queue * abi::kQueueBlockStride);
  return std::min(value, kPriorityCount - 1);
}

QueueScheduler::Order QueueScheduler::Next() const {
  Order order;
  for (uint32_t priority = kPriorityCount; priority-- > 0;) {
    for (uint32_t i = 0; i < kQueueCount; ++i) {
      const uint32_t queue = (state_.next[priority] + i) % kQueueCount;
      if (state_.budget[queue] <= 0 || PriorityOf(queue) != priority) continue;
      order.queues[order.count++] = static_cast<uint8_t>(queue);
    }
  }
  return order;
}

void QueueScheduler::Admit(uint32_t queue) {
  state_.budget[queue] = std::min(state_.budget[queue], kRoundBytes[PriorityOf(queue)]);
}

void QueueScheduler::Charge(uint32_t queue, uint64_t work) {
  state_.budget[queue] -= static_cast<int64_t>(work);
  work_[queue] += work;
  state_.next[PriorityOf(queue)] = (queue + 1) % kQueueCount;
}

bool QueueScheduler::BeginRound(uint32_t active) {
  int64_t rounds = 0;
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    if ((active >> queue & 1) == 0 || state_.budget[queue] > 0) continue;
    const int64_t needed = -state_.budget[queue] / kRoundBytes[PriorityOf(queue)] + 1;
    rounds = rounds == 0 ? needed : std::min(rounds, needed);
  }
  if (rounds == 0) return false;
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    const int64_t share = kRoundBytes[PriorityOf(queue)];
    // Nothing is saved up by a queue that has nothing to do.
    state_.budget[queue] = std::min(share, state_.budget[queue] + rounds * share);
  }
  return true;
}

// What a queue owes is bounded by one command's work, far below this.
bool QueueScheduler::CanLoad(const State& state) {
  constexpr int64_t kMostOwed = int64_t{1} << 48;
  return std::all_of(state.next.begin(), state.next.end(),
                     [](uint32_t queue) { return queue < kQueueCount; }) &&
         std::all_of(state.budget.begin(), state.budget.end(), [](int64_t budget) {
           return budget >= -kMostOwed && budget <= kRoundBytes[kPriorityCount - 1];
         });
}

}  // namespace ward::device
