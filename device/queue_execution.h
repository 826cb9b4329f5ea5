// What one queue is in the middle of, as a value: a snapshot may fall anywhere between two slices.
#ifndef WARD_DEVICE_QUEUE_EXECUTION_H_
#define WARD_DEVICE_QUEUE_EXECUTION_H_

#include <cstdint>
#include <vector>

#include "abi/generated/commands.h"
#include "base/state_fields.h"
#include "device/engine_job.h"
#include "device/memory.h"

namespace ward::device {

// A command that was fetched and checked, and where it stood.
struct CommandInProgress {
  uint16_t opcode = 0;    // 0 until it is known to be a described one
  uint32_t position = 0;  // in the ring; of the INDIRECT_BUFFER when the command stood in one
  bool in_indirect = false;
  uint32_t indirect_offset = 0;
  uint32_t session = 0;  // that the command names; 0: none

  WARD_STATE_FIELDS(opcode, position, in_indirect, indirect_offset, session)
};

struct QueueExecution {
  enum class Phase : uint8_t {
    kNone,        // at a command border
    kJob,         // an engine works on `job`
    kWaitMemory,  // WAIT: the 8 bytes at `wait_address` have to reach `wait_value`
    kMailbox,     // a security message is fetched and the mailbox is another's
    kFirmware,    // the message is in the mailbox; the answer goes to `operand`
    kInvalidate,  // INVALIDATE: the commands of `awaited_queues` have to end
    kLast = kInvalidate
  };
  Phase phase = Phase::kNone;
  CommandInProgress command;
  EngineJob job;
  GuestRange operand;
  uint64_t wait_address = 0;  // virtual; translated at each look
  uint64_t wait_value = 0;
  uint32_t awaited_queues = 0;  // bit n: queue n holds addresses translated before the INVALIDATE
  uint32_t message = 0;
  uint32_t response_capacity = 0;
  std::vector<uint8_t> payload;

  // The indirect buffer that commands come from; empty when they come from the ring.
  uint64_t indirect_address = 0;  // virtual; translated at each fetch
  uint32_t indirect_bytes = 0;
  uint32_t indirect_next = 0;
  uint32_t indirect_position = 0;  // of INDIRECT_BUFFER in the ring

  WARD_STATE_FIELDS(phase, command, job, operand, wait_address, wait_value, awaited_queues, message,
                    response_capacity, payload, indirect_address, indirect_bytes, indirect_next,
                    indirect_position)

  bool InIndirect() const { return indirect_next < indirect_bytes; }
  // Works with addresses that were translated when its command began.
  bool HoldsTranslations() const {
    return phase == Phase::kJob || phase == Phase::kMailbox || phase == Phase::kFirmware;
  }
  // The command is over; an indirect buffer goes on.
  void EndCommand();
};

}  // namespace ward::device

#endif  // WARD_DEVICE_QUEUE_EXECUTION_H_
