#include "device/queue_scheduler.h"

#include <algorithm>
#include <bit>

#include "base/planted_bug.h"

namespace ward::device {

QueueScheduler::QueueScheduler(RegisterFile* registers) {
  for (uint32_t queue = 0; queue < kQueueCount; ++queue) {
    priorities_[queue] = registers->Cell(abi::kRegQueuePriority + queue * abi::kQueueBlockStride);
  }
}

// A queue with another value can't be enabled, so that it does not matter where it stands.
uint32_t QueueScheduler::PriorityOf(uint32_t queue) const {
  return std::min(*priorities_[queue], kPriorityCount - 1);
}

QueueScheduler::Order QueueScheduler::Next(uint32_t candidates) const {
  static_assert(kQueueCount == 16, "masks of queues are rotated in 16 bits");
  Order order;
  if (std::has_single_bit(candidates)) {  // one that has the chip for itself: nothing to sort
    const auto queue = static_cast<uint32_t>(std::countr_zero(candidates));
    order.queues[0] = static_cast<uint8_t>(queue);
    order.count = state_.budget[queue] > 0 ? 1 : 0;
    return order;
  }
  std::array<uint16_t, kPriorityCount> by_priority = {};
  for (uint32_t left = candidates; left != 0; left &= left - 1) {
    const auto queue = static_cast<uint32_t>(std::countr_zero(left));
    if (state_.budget[queue] <= 0) continue;
    uint16_t& mask = by_priority[PriorityOf(queue)];
    mask = static_cast<uint16_t>(mask | 1u << queue);
  }
  for (uint32_t priority = kPriorityCount; priority-- > 0;) {
    const uint32_t next = state_.next[priority];
    uint32_t left = std::rotr(by_priority[priority], static_cast<int>(next));
    for (; left != 0; left &= left - 1) {
      const uint32_t queue = (next + static_cast<uint32_t>(std::countr_zero(left))) % kQueueCount;
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
  const int64_t most_owed = HasPlantedBug(PlantedBug::kOwedTurnsRefused) ? 0 : int64_t{1} << 48;
  return std::all_of(state.next.begin(), state.next.end(),
                     [](uint32_t queue) { return queue < kQueueCount; }) &&
         std::all_of(state.budget.begin(), state.budget.end(), [&](int64_t budget) {
           return budget >= -most_owed && budget <= kRoundBytes[kPriorityCount - 1];
         });
}

}  // namespace ward::device
