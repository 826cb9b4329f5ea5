#include "device/queue_execution.h"

namespace ward::device {
void QueueExecution::EndCommand() {
  phase = Phase::kNone;
  command = CommandInProgress{};
  job = EngineJob{};
  operand = GuestRange{};
  wait_address = 0;
  wait_value = 0;
  awaited_queues = 0;
  message = 0;
  response_capacity = 0;
  payload.clear();
  if (!InIndirect()) {
    indirect_address = 0;
    indirect_bytes = 0;
    indirect_next = 0;
    indirect_position = 0;
  }
}

}  // namespace ward::device
