#include "kmd/queue.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "kmd/command.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kRingSizeLog2 = 14;  // some 340 submissions in flight
constexpr uint32_t kRingBytes = 1u << kRingSizeLog2;
constexpr uint32_t kStateDisabled = 0;
constexpr uint32_t kStateFaulted = 4;
constexpr uint32_t kEscapeQueueReport = 1;
// Other queues' progress wakes us too, at most once a fence; a device that interrupts more often
// than this without progress of ours is broken.
constexpr int kMaximumWakeups = 1 << 20;

bool SaysStopped(uint32_t status) {
  const uint32_t state = status & abi::kQueueStatusStateMask;
  return state == kStateDisabled || state >= kStateFaulted;
}

// A function that is gone has every bit set; that is no hang.
bool SaysHung(uint32_t status) {
  return (status & abi::kQueueStatusHungMask) != 0 && !SaysStopped(status);
}

// As RingSpace::MaximumPiece: what always finds room in an empty ring.
static_assert(Queue::kMaximumSubmitBytes + abi::FenceCommand::kSizeBytes <=
              kRingBytes / 2 - RingSpace::kGapBytes);

}  // namespace

Queue::Queue(const RegisterWindow* registers, InterruptLine* interrupts, uint32_t index,
             DmaMemory memory)
    : registers_(registers),
      interrupts_(interrupts),
      index_(index),
      memory_(std::move(memory)),
      space_(kRingBytes) {}

Result<std::unique_ptr<Queue>> Queue::Create(const RegisterWindow* registers,
                                             InterruptLine* interrupts, uint32_t index) {
  WARD_ASSERT(index < abi::kQueueBlockCount);
  WARD_ASSIGN_OR_RETURN(DmaMemory memory,
                        DmaMemory::Allocate(registers->function(), kRingBytes + abi::kPageSize));
  return std::unique_ptr<Queue>(new Queue(registers, interrupts, index, std::move(memory)));
}

uint32_t Queue::Register(uint32_t offset) const { return offset + index_ * abi::kQueueBlockStride; }

void Queue::Stop() {
  registers_->Write(Register(abi::kRegQueueControl), abi::kQueueControlResetMask);
  space_.Reset();
}

Result<void> Queue::Restart() {
  Stop();
  return Enable();
}

Result<void> Queue::Restart(uint32_t context) {
  context_ = context;
  return Restart();
}

Result<void> Queue::Enable() {
  registers_->Write64(Register(abi::kRegRingBaseLo), memory_.bus_address());
  registers_->Write(Register(abi::kRegRingSizeLog2), kRingSizeLog2);
  registers_->Write(Register(abi::kRegQueueContext), context_);
  registers_->Write64(Register(abi::kRegFenceAddressLo), memory_.bus_address() + kRingBytes);
  // A device without the feature has no other one, and no register.
  if (priority_ != kNormalPriority || wrote_priority_) {
    wrote_priority_ = true;
    registers_->Write(Register(abi::kRegQueuePriority), priority_);
  }
  if (hang_timeout_us_ != 0) registers_->Write(Register(abi::kRegQueueTimeout), hang_timeout_us_);
  registers_->Write(Register(abi::kRegQueueControl), abi::kQueueControlEnableMask);
  if (HasStopped()) return Fault{abi::kStatusQueueFaulted, "the device did not enable the queue"};
  return {};
}

uint32_t Queue::Status() const { return registers_->Read(Register(abi::kRegQueueStatus)); }

bool Queue::HasStopped() const { return SaysStopped(Status()); }

bool Queue::WasReset() const { return IsDisabled() || registers_->IsGone(); }

bool Queue::IsHung() const { return SaysHung(Status()); }

bool Queue::IsDisabled() const { return (Status() & abi::kQueueStatusStateMask) == kStateDisabled; }

uint64_t Queue::CompletedFence() const {
  auto* fence = reinterpret_cast<uint64_t*>(memory_.bytes().data() + kRingBytes);
  // Acquire: who sees the fence sees what the commands before it wrote.
  return std::atomic_ref<uint64_t>(*fence).load(std::memory_order_acquire);
}

Result<RingSpace::Piece> Queue::Reserve(uint32_t bytes) {
  while (true) {
    space_.Release(CompletedFence());
    if (const auto piece = space_.TryReserve(bytes)) return *piece;
    const auto oldest = space_.OldestFence();
    WARD_ASSERT(oldest.has_value());
    // Each turn ends with at least one piece free, or with a fault: also when the device takes the
    // fence back that was seen.
    WARD_TRY(Wait(*oldest));
    space_.Release(*oldest);
  }
}

Result<uint64_t> Queue::Submit(ConstByteSpan commands) {
  WARD_ASSERT(commands.size() <= kMaximumSubmitBytes &&
              IsAligned(commands.size(), abi::kCommandAlignment));
  const auto size = static_cast<uint32_t>(commands.size());
  WARD_ASSIGN_OR_RETURN(const RingSpace::Piece piece,
                        Reserve(size + abi::FenceCommand::kSizeBytes));
  uint8_t* ring = memory_.bytes().data();
  if (piece.padding_bytes != 0) {
    auto padding = MakeCommand<abi::NoopCommand>();
    padding.length = piece.padding_bytes;
    std::memcpy(ring + piece.padding_offset, &padding, sizeof(padding));
  }
  auto fence = MakeCommand<abi::FenceCommand>();
  fence.flags = abi::FenceCommand::kFlagInterrupt;
  fence.value = last_fence_ + 1;
  std::memcpy(ring + piece.offset, commands.data(), size);
  std::memcpy(ring + piece.offset + size, &fence, sizeof(fence));
  last_fence_ = fence.value;
  space_.Commit(last_fence_);
  registers_->Write(abi::kRegDoorbell + index_ * abi::kDoorbellBlockStride, space_.tail());
  return last_fence_;
}

Fault Queue::StopFault() const {
  if (registers_->IsGone()) {
    return {abi::kStatusDeviceGone, "the function does not answer any more"};
  }
  return {abi::kStatusQueueFaulted, "the context's queue has stopped"};
}

// No register is read: each would cost as much as many looks, or a message to a server. The vector
// that was sent for the fence stays behind, and the next sleep ends early for it, once.
bool Queue::Spin(uint64_t fence) {
  if (CompletedFence() >= fence) {
    spin_budget_.WasThere();
    return true;
  }
  for (uint32_t reads = spin_budget_.Next(); reads != 0; --reads) {
    if (CompletedFence() < fence) continue;
    spin_budget_.Hit();
    return true;
  }
  spin_budget_.Miss();
  return false;
}

Result<void> Queue::Wait(uint64_t fence, uint32_t timeout_ms) {
  if (fence > last_fence_) {
    return Fault{abi::kStatusInvalidArgument, "the fence was never submitted"};
  }
  if (Spin(fence)) {
    // An interrupt that nobody sleeps for costs a guest's only processor more than the fence did.
    if (spin_budget_.IsEnough()) interrupts_->Disarm(1u << index_);
    return {};
  }
  bool timed_out = false;
  for (int wakeup = 0; wakeup < kMaximumWakeups; ++wakeup) {
    interrupts_->Acknowledge((1u << index_) | abi::kInterruptCauseFaultMask |
                             abi::kInterruptCauseHangMask);
    interrupts_->Arm(1u << index_);
    const uint32_t status = Status();  // before the fence: one written just before a stop counts
    if (CompletedFence() >= fence) return {};
    if (SaysStopped(status)) return StopFault();
    if (SaysHung(status)) return registers_->TimeoutFault("the queue hangs");
    if (timed_out) return registers_->TimeoutFault("the fence was not reached in time");
    const abi::PciError error = interrupts_->WaitForProgress(timeout_ms);
    // Looks once more after a timeout: the last interrupt may have been taken by another wait.
    timed_out = error == abi::PciError::kTimeout;
    if (error != abi::PciError::kNone && !timed_out) {
      return PciFault(error, "waiting for an interrupt failed");
    }
    if (HasPlantedBug(PlantedBug::kTimeoutIgnored)) timed_out = false;
  }
  return registers_->TimeoutFault("the device interrupts without making progress");
}

uint32_t Queue::RefusalCount() const { return registers_->Read(Register(abi::kRegRefusalCount)); }

abi::QueueReport Queue::Report() const {
  abi::QueueReport report{};
  report.escape = kEscapeQueueReport;
  report.queue_state =
      registers_->Read(Register(abi::kRegQueueStatus)) & abi::kQueueStatusStateMask;
  report.fault_status =
      registers_->Read(Register(abi::kRegFaultStatus)) & abi::kFaultStatusStatusMask;
  report.fault_opcode =
      registers_->Read(Register(abi::kRegFaultCommand)) & abi::kFaultCommandOpcodeMask;
  report.fault_address = registers_->Read64(Register(abi::kRegFaultAddressLo));
  report.refusal_count = RefusalCount();
  report.refusal_status =
      registers_->Read(Register(abi::kRegRefusalStatus)) & abi::kRefusalStatusStatusMask;
  return report;
}

}  // namespace ward::kmd
