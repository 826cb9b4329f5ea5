// One queue's ring: configuration and positions in its registers, and the fetch. Nothing beyond the
// tail of the last accepted doorbell is read.
#ifndef WARD_DEVICE_COMMAND_RING_H_
#define WARD_DEVICE_COMMAND_RING_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "device/context_table.h"
#include "device/memory.h"
#include "device/register_file.h"

namespace ward::device {

class CommandRing {
 public:
  CommandRing(uint32_t queue, RegisterFile* registers, const Memory* memory);

  bool enabled() const { return (*control_ & abi::kQueueControlEnableMask) != 0; }
  bool faulted() const { return *fault_status_ != 0; }
  uint32_t context() const;  // the kernel's for the kernel's queue, whatever the register says
  uint32_t head() const { return *head_; }
  uint32_t tail() const { return *tail_; }
  uint64_t last_fence() const { return registers_->Get64(At(abi::kRegLastFenceLo)); }
  bool HasCommands() const { return head() != tail(); }
  // Bytes from the head that a command may take: to the tail, or to the ring's end before it.
  uint32_t AvailableBytes() const;

  // Head and tail at zero, no fence yet. RING_CONFIGURATION_INVALID when size, priority, ring or
  // fence address are not usable, CONTEXT_INVALID; the positions are cleared nevertheless.
  Result<void> Start(const ContextTable& contexts);
  void ClearPositions();
  // Whether an enabled ring is as Start and AcceptTail leave it.
  bool CanResume(const ContextTable& contexts) const;

  // The tail of a doorbell; RING_TAIL_INVALID leaves the old one.
  Result<void> AcceptTail(uint32_t tail);
  // Bytes from the head on; the range is available. Does not move the head. BUS_ERROR.
  Result<void> Fetch(uint32_t offset, ByteSpan destination) const;
  // As Fetch from the head on, for bytes that are charged when they are used. Whether it worked: a
  // failure may be that of a command far ahead, which is none yet.
  bool ReadAhead(ByteSpan destination) const;
  // Past a command of this length.
  void Advance(uint32_t length);

  // One atomic store to the fence address, then LAST_FENCE. BUS_ERROR writes neither.
  Result<void> WriteFence(Memory* memory, uint64_t value);

 private:
  uint32_t At(uint32_t offset) const { return offset + queue_ * abi::kQueueBlockStride; }
  uint32_t SizeBytes() const { return 1u << *size_log2_; }
  // Of ring, context and fence.
  Result<void> CheckConfiguration(const ContextTable& contexts) const;
  Result<PhysicalSpan> SpanAtHead(uint32_t offset, uint64_t size_bytes) const;
  Result<PhysicalSpan> Span(uint64_t address, uint64_t size_bytes, uint32_t local_bit) const;

  uint32_t queue_;
  RegisterFile* registers_;
  const Memory* memory_;
  // Registers of the queue that each command needs.
  const uint32_t* control_;
  const uint32_t* context_;
  const uint32_t* fault_status_;
  const uint32_t* base_low_;
  const uint32_t* base_high_;
  const uint32_t* size_log2_;
  uint32_t* head_;
  uint32_t* tail_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_COMMAND_RING_H_
