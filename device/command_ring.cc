#include "device/command_ring.h"

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "device/queue_scheduler.h"

namespace ward::device {

CommandRing::CommandRing(uint32_t queue, RegisterFile* registers, const Memory* memory)
    : queue_(queue),
      registers_(registers),
      memory_(memory),
      control_(registers->Cell(At(abi::kRegQueueControl))),
      context_(registers->Cell(At(abi::kRegQueueContext))),
      fault_status_(registers->Cell(At(abi::kRegFaultStatus))),
      base_low_(registers->Cell(At(abi::kRegRingBaseLo))),
      base_high_(registers->Cell(At(abi::kRegRingBaseHi))),
      size_log2_(registers->Cell(At(abi::kRegRingSizeLog2))),
      head_(registers->Cell(At(abi::kRegRingHead))),
      tail_(registers->Cell(At(abi::kRegRingTail))) {}

uint32_t CommandRing::context() const {
  if (queue_ == abi::kKernelQueue) return abi::kKernelContext;
  return *context_;
}

uint32_t CommandRing::AvailableBytes() const {
  return head() <= tail() ? tail() - head() : SizeBytes() - head();
}

Result<PhysicalSpan> CommandRing::Span(uint64_t address, uint64_t size_bytes,
                                       uint32_t local_bit) const {
  const bool local = (*control_ & local_bit) != 0;
  auto span =
      local ? memory_->LocalSpan(address, size_bytes) : memory_->SystemSpan(address, size_bytes);
  if (!span.ok() || span.value().aperture() == Aperture::kProtected) {
    return Fault{abi::kStatusRingConfigurationInvalid,
                 "ring or fence is outside of the memory that may hold it", address};
  }
  return span;
}

Result<void> CommandRing::Start(const ContextTable& contexts) {
  ClearPositions();
  registers_->Set64(At(abi::kRegLastFenceLo), 0);
  return CheckConfiguration(contexts);
}

Result<void> CommandRing::CheckConfiguration(const ContextTable& contexts) const {
  const uint32_t size_log2 = registers_->Get(At(abi::kRegRingSizeLog2));
  if (size_log2 < abi::kMinimumRingSizeLog2 || size_log2 > abi::kMaximumRingSizeLog2) {
    return Fault{abi::kStatusRingConfigurationInvalid, "ring size is not 2^12 to 2^20"};
  }
  if (registers_->Get(At(abi::kRegQueuePriority)) >= QueueScheduler::kPriorityCount) {
    return Fault{abi::kStatusRingConfigurationInvalid, "priority is not low, normal or high"};
  }
  if (queue_ != abi::kKernelQueue && !contexts.CheckUser(context()).ok()) {
    return Fault{abi::kStatusContextInvalid, "queue's context does not exist"};
  }
  WARD_TRY(Span(registers_->Get64(At(abi::kRegRingBaseLo)), SizeBytes(),
                abi::kQueueControlRingLocalMask));
  WARD_TRY(Span(registers_->Get64(At(abi::kRegFenceAddressLo)), sizeof(uint64_t),
                abi::kQueueControlFenceLocalMask));
  return {};
}

bool CommandRing::CanResume(const ContextTable& contexts) const {
  if (!CheckConfiguration(contexts).ok()) return false;
  for (const uint32_t position : {head(), tail()}) {
    if (position >= SizeBytes() || position % abi::kCommandAlignment != 0) return false;
  }
  return true;
}

void CommandRing::ClearPositions() {
  *head_ = 0;
  *tail_ = 0;
}

Result<void> CommandRing::AcceptTail(uint32_t tail) {
  const uint32_t checked = HasPlantedBug(PlantedBug::kTailTruncated) ? tail & 0xffff : tail;
  if (checked >= SizeBytes() || checked % abi::kCommandAlignment != 0) {
    return Fault{abi::kStatusRingTailInvalid, "tail is outside of the ring or misaligned"};
  }
  *tail_ = tail;
  return {};
}

Result<void> CommandRing::Fetch(uint32_t offset, ByteSpan destination) const {
  WARD_ASSIGN_OR_RETURN(const PhysicalSpan span, SpanAtHead(offset, destination.size()));
  return memory_->Read(span, destination);
}

bool CommandRing::ReadAhead(ByteSpan destination) const {
  auto span = SpanAtHead(0, destination.size());
  return span.ok() && memory_->ReadUncharged(span.value(), destination).ok();
}

Result<PhysicalSpan> CommandRing::SpanAtHead(uint32_t offset, uint64_t size_bytes) const {
  WARD_ASSERT(RangeFits(offset, size_bytes, AvailableBytes()));
  const uint64_t base = uint64_t{*base_high_} << 32 | *base_low_;
  return Span(base + head() + offset, size_bytes, abi::kQueueControlRingLocalMask);
}

void CommandRing::Advance(uint32_t length) { *head_ = (head() + length) & (SizeBytes() - 1); }

Result<void> CommandRing::WriteFence(Memory* memory, uint64_t value) {
  WARD_ASSIGN_OR_RETURN(const PhysicalSpan span,
                        Span(registers_->Get64(At(abi::kRegFenceAddressLo)), sizeof(value),
                             abi::kQueueControlFenceLocalMask));
  if (HasPlantedBug(PlantedBug::kLastFenceBeforeStore))
    registers_->Set64(At(abi::kRegLastFenceLo), value);
  WARD_TRY(memory->WriteAtomic64(span, value));
  registers_->Set64(At(abi::kRegLastFenceLo), value);
  return {};
}

}  // namespace ward::device
