#include "device/queue_execution.h"

#include "base/assert.h"

namespace ward::device {
void QueueExecution::EnterIndirect(const IndirectBuffer& buffer) {
  WARD_ASSERT(indirect_depth < indirect.size());
  indirect[indirect_depth++] = buffer;
}

bool QueueExecution::CanResumeIndirect() const {
  if (indirect_depth > indirect.size()) return false;
  for (uint32_t depth = 0; depth < indirect_depth; ++depth) {
    const IndirectBuffer& buffer = indirect[depth];
    if (buffer.bytes > abi::kMaximumIndirectBytes || buffer.next > buffer.bytes) return false;
  }
  return indirect_depth == 0 || phase != Phase::kNone || Innermost().next < Innermost().bytes;
}

void QueueExecution::EndCommand() {
  phase = Phase::kNone;
  command = CommandInProgress{};
  job.Clear();
  operand.Clear();
  wait_address = 0;
  wait_value = 0;
  wait_since_ns = 0;
  is_hung = false;
  ready_ns = 0;
  mailbox_ticket = 0;
  vblank_wait = VblankWait{};
  awaited_queues = 0;
  message = 0;
  response_capacity = 0;
  payload.clear();
  while (InIndirect() && Innermost().next >= Innermost().bytes) {
    indirect[--indirect_depth] = IndirectBuffer{};
  }
}

}  // namespace ward::device
