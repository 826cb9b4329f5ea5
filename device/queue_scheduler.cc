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

void QueueScheduler::Hash(StateHasher* hasher) const {
  for (const int64_t budget : state_.budget) hasher->Add(static_cast<uint64_t>(budget));
  for (const uint32_t next : state_.next) hasher->Add(next);
}

}  // namespace ward::device
