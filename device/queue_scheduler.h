// Whose turn it is: three priorities, and a budget for each queue so that none starves
// (docs/spec/queues.md, turns).
#ifndef WARD_DEVICE_QUEUE_SCHEDULER_H_
#define WARD_DEVICE_QUEUE_SCHEDULER_H_

#include <array>
#include <cstdint>

#include "abi/generated/registers.h"
#include "base/state_fields.h"
#include "device/register_file.h"

namespace ward::device {

class QueueScheduler {
 public:
  static constexpr uint32_t kQueueCount = abi::kQueueBlockCount;
  static constexpr uint32_t kPriorityCount = 3;  // values of QUEUE_PRIORITY: low, normal, high
  // What a queue may use in a round, in bytes of work, by its priority.
  static constexpr std::array<int64_t, kPriorityCount> kRoundBytes = {16 << 10, 64 << 10,
                                                                      256 << 10};

  explicit QueueScheduler(RegisterFile* registers);

  // The queues of `candidates` (bit n: queue n) that have budget left in this round, the one whose
  // turn it is first; `count` of them. Higher priorities come first, equal ones take turns.
  struct Order {
    std::array<uint8_t, kQueueCount> queues = {};
    uint32_t count = 0;
  };
  Order Next(uint32_t candidates) const;
  // The queue was enabled, maybe with another priority than before: it has a round's budget of that
  // at most, and keeps what it owes.
  void Admit(uint32_t queue);
  // The queue got on, and its turn is over. Work above its budget is owed to later rounds.
  void Charge(uint32_t queue, uint64_t work);
  // What the queue was charged since the chip was made, in bytes of work, resets included. For
  // people who look on; no part of the state, and no influence on it.
  uint64_t WorkOf(uint32_t queue) const { return work_[queue]; }
  // Begins as many rounds as it takes for one more queue of `active` (bit n: queue n) to have
  // budget. False, and no round, when all of them have some.
  bool BeginRound(uint32_t active);

  struct State {
    std::array<int64_t, kQueueCount> budget = {};
    std::array<uint32_t, kPriorityCount> next = {};  // whose turn it is, by priority

    WARD_STATE_FIELDS(budget, next)
  };
  const State& Save() const { return state_; }
  void Load(const State& state) { state_ = state; }
  void Reset() { state_ = State{}; }
  static bool CanLoad(const State& state);

 private:
  uint32_t PriorityOf(uint32_t queue) const;

  std::array<const uint32_t*, kQueueCount> priorities_;  // the registers
  State state_;
  std::array<uint64_t, kQueueCount> work_ = {};
};

}  // namespace ward::device

#endif  // WARD_DEVICE_QUEUE_SCHEDULER_H_
