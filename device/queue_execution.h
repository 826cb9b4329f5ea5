// What one queue is in the middle of, as a value: a snapshot may fall anywhere between two slices.
#ifndef WARD_DEVICE_QUEUE_EXECUTION_H_
#define WARD_DEVICE_QUEUE_EXECUTION_H_

#include <cstdint>
#include <vector>

#include "abi/generated/commands.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/state_hasher.h"
#include "device/vblank_clock.h"

namespace ward::device {

// A command that was fetched and checked, and where it stood.
struct CommandInProgress {
  uint16_t opcode = 0;    // 0 until it is known to be a described one
  uint32_t position = 0;  // in the ring; of the INDIRECT_BUFFER when the command stood in one
  bool in_indirect = false;
  uint32_t indirect_offset = 0;
  uint32_t session = 0;  // that the command names; 0: none
};

struct QueueExecution {
  enum class Phase : uint8_t {
    kNone,        // at a command border
    kJob,         // an engine works on `job`
    kWaitMemory,  // WAIT: the 8 bytes at `wait_address` have to reach `wait_value`
    kMailbox,     // a security message is fetched and the mailbox is another's
    kFirmware,    // the message is in the mailbox; the answer goes to `operand`
    kInvalidate,  // INVALIDATE: the commands of `awaited_queues` have to end
    kVblank,      // WAIT_VBLANK: `vblank_wait` has to be over
  };
  Phase phase = Phase::kNone;
  CommandInProgress command;
  EngineJob job;
  GuestRange operand;
  uint64_t wait_address = 0;  // virtual; translated at each look
  uint64_t wait_value = 0;
  VblankWait vblank_wait;
  uint32_t awaited_queues = 0;  // bit n: queue n holds addresses translated before the INVALIDATE
  uint32_t message = 0;
  uint32_t response_capacity = 0;
  std::vector<uint8_t> payload;

  // The indirect buffer that commands come from; empty when they come from the ring.
  uint64_t indirect_address = 0;  // virtual; translated at each fetch
  uint32_t indirect_bytes = 0;
  uint32_t indirect_next = 0;
  uint32_t indirect_position = 0;  // of INDIRECT_BUFFER in the ring

  bool InIndirect() const { return indirect_next < indirect_bytes; }
  // Works with addresses that were translated when its command began.
  bool HoldsTranslations() const {
    return phase == Phase::kJob || phase == Phase::kMailbox || phase == Phase::kFirmware;
  }
  // The command is over; an indirect buffer goes on.
  void EndCommand();
  void Hash(StateHasher* hasher) const;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_QUEUE_EXECUTION_H_
