#include "tests/fuzz/device/ring_writer.h"

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "tests/fakes/security_message.h"

namespace ward::fuzz {

void RingWriter::Push(uint32_t queue, ConstByteSpan command) {
  if (command.size() > layout::kRingBytes) return;
  const uint64_t ring = layout::kRings + queue * layout::kRingBytes;
  uint32_t& tail = tails_[queue];
  if (tail + command.size() > layout::kRingBytes) {
    auto noop = MakeCommand<abi::NoopCommand>();
    noop.length = layout::kRingBytes - tail;
    sink_->Do({.kind = OperationKind::kWriteMemory, .at = ring + tail, .bytes = BytesOf(noop)});
    tail = 0;
  }
  sink_->Do({.kind = OperationKind::kWriteMemory, .at = ring + tail, .bytes = command});
  tail = (tail + static_cast<uint32_t>(command.size()) + 15) / 16 * 16 % layout::kRingBytes;
}

void RingWriter::PushMessage(uint32_t queue, uint32_t message, ConstByteSpan payload,
                             uint64_t response) {
  Push(queue, fakes::MakeMessage(message, payload, response, 4096));
}

void RingWriter::Doorbell(uint32_t queue) {
  rung_[queue] = tails_[queue];
  WriteRegister(abi::kRegDoorbell + queue * abi::kDoorbellBlockStride, tails_[queue]);
}

void RingWriter::WriteRegister(uint64_t offset, uint32_t value) {
  sink_->Do({.kind = OperationKind::kWriteRegister, .at = offset, .size = 4, .value = value});
}

void RingWriter::Process(uint64_t budget_bytes) {
  sink_->Do({.kind = OperationKind::kProcess, .value = budget_bytes});
}

}  // namespace ward::fuzz
