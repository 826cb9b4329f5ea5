// What one queue is in the middle of, as a value: a snapshot may fall anywhere between two slices.
#ifndef WARD_DEVICE_QUEUE_EXECUTION_H_
#define WARD_DEVICE_QUEUE_EXECUTION_H_

#include <array>
#include <cstdint>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "base/state_fields.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "device/vblank_clock.h"

namespace ward::device {

// A command that was fetched and checked, and where it stood.
struct CommandInProgress {
  uint16_t opcode = 0;    // 0 until it is known to be a described one
  uint32_t position = 0;  // in the ring; of the INDIRECT_BUFFER when the command stood in one
  bool in_indirect = false;
  bool is_nested = false;        // in an indirect buffer that another one led to
  uint32_t indirect_offset = 0;  // in the buffer that it stood in
  uint32_t outer_offset = 0;     // of the inner INDIRECT_BUFFER in the outer buffer
  uint32_t session = 0;          // that the command names; 0: none

  WARD_STATE_FIELDS(opcode, position, in_indirect, is_nested, indirect_offset, outer_offset,
                    session)
};

// A buffer that commands come from.
struct IndirectBuffer {
  uint64_t address = 0;  // virtual; translated at each fetch
  uint32_t bytes = 0;
  uint32_t next = 0;      // offset of the command that is fetched next
  uint32_t position = 0;  // of its INDIRECT_BUFFER: in the ring, or in the outer buffer

  WARD_STATE_FIELDS(address, bytes, next, position)
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
    kEngineTime,  // an engine is done, and its time is over at `ready_ns`
    kStuck,       // an engine that hangs (GpuOptions::engine_hang_after): only a reset ends it
    kLast = kStuck
  };
  Phase phase = Phase::kNone;
  CommandInProgress command;
  EngineJob job;
  GuestRange operand;
  uint64_t wait_address = 0;  // virtual; translated at each look
  uint64_t wait_value = 0;
  VblankWait vblank_wait;
  uint64_t wait_since_ns = 0;   // virtual time at which the wait began, or the engine hung
  bool is_hung = false;         // that was reported as a hang
  uint64_t ready_ns = 0;        // kEngineTime, in virtual time
  uint64_t mailbox_ticket = 0;  // kMailbox: the lowest is served first
  uint32_t awaited_queues = 0;  // bit n: queue n holds addresses translated before the INVALIDATE
  uint32_t message = 0;
  uint32_t response_capacity = 0;
  std::vector<uint8_t> payload;

  // The indirect buffers that were entered, the innermost last; none: commands come from the ring.
  std::array<IndirectBuffer, abi::kMaximumIndirectDepth> indirect = {};
  uint32_t indirect_depth = 0;

  WARD_STATE_FIELDS(phase, command, job, operand, wait_address, wait_value, wait_since_ns, is_hung,
                    ready_ns, mailbox_ticket, vblank_wait, awaited_queues, message,
                    response_capacity, payload, indirect, indirect_depth)

  bool InIndirect() const { return indirect_depth != 0; }
  const IndirectBuffer& Innermost() const { return indirect[indirect_depth - 1]; }
  void EnterIndirect(const IndirectBuffer& buffer);
  // Whether the buffers of a saved execution are as EnterIndirect and EndCommand leave them: each
  // has a command left, but for those whose last one is in progress.
  bool CanResumeIndirect() const;
  // Works with addresses that were translated when its command began.
  bool HoldsTranslations() const {
    return phase == Phase::kJob || phase == Phase::kMailbox || phase == Phase::kFirmware;
  }
  // The command is over; an indirect buffer goes on unless that was its last.
  void EndCommand();
};

}  // namespace ward::device

#endif  // WARD_DEVICE_QUEUE_EXECUTION_H_
