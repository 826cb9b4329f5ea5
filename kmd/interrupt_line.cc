#include "kmd/interrupt_line.h"

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kProgressVector = 0;
constexpr uint32_t kProgressCauses =
    abi::kInterruptCauseQueueMask | abi::kInterruptCauseFaultMask | abi::kInterruptCauseHangMask;
constexpr uint32_t kEventCauses = abi::kInterruptCauseKeysLostMask;
constexpr uint32_t kSourceCount = 25;  // bits of INTERRUPT_CAUSE
constexpr uint32_t kAllCauses = (1u << kSourceCount) - 1;

}  // namespace

Result<void> InterruptLine::Enable() {
  event_vector_ = 1;
  abi::PciError error = registers_->function()->EnableInterrupts(2);
  if (error == abi::PciError::kNoMemory) {
    event_vector_ = kProgressVector;
    error = registers_->function()->EnableInterrupts(1);
  }
  if (error != abi::PciError::kNone) return PciFault(error, "no interrupt vectors");
  for (uint32_t source = 0; source < kSourceCount; ++source) {
    const bool progress = (kProgressCauses >> source & 1) != 0;
    registers_->Write(abi::kRegInterruptVector + 4 * source,
                      progress ? kProgressVector : event_vector_);
  }
  Acknowledge(kAllCauses);
  enabled_ = kProgressCauses | kEventCauses;
  registers_->Write(abi::kRegInterruptEnable, enabled_);
  return {};
}

void InterruptLine::Disable() {
  enabled_ = 0;
  registers_->Write(abi::kRegInterruptEnable, enabled_);
  // Nothing is left to do about an error: the function is being given up.
  (void)registers_->function()->EnableInterrupts(0);
}

void InterruptLine::Acknowledge(uint32_t causes) const {
  registers_->Write(abi::kRegInterruptCause, causes);
}

// A write is a message to a device in another process: only when it changes something.
void InterruptLine::EnableFences(uint32_t enabled) {
  if (enabled == enabled_) return;
  enabled_ = enabled;
  registers_->Write(abi::kRegInterruptEnable, enabled_);
}

abi::PciError InterruptLine::WaitForProgress(uint32_t timeout_ms) const {
  return registers_->function()->WaitInterrupt(kProgressVector, timeout_ms);
}

void InterruptLine::EnableEvents(uint32_t causes) {
  enabled_ |= causes & ~kProgressCauses;
  registers_->Write(abi::kRegInterruptEnable, enabled_);
}

void InterruptLine::DisableEvents(uint32_t causes) {
  enabled_ &= ~causes | kProgressCauses;
  registers_->Write(abi::kRegInterruptEnable, enabled_);
}

abi::PciError InterruptLine::WaitForEvent(uint32_t timeout_ms) const {
  return registers_->function()->WaitInterrupt(event_vector_, timeout_ms);
}

}  // namespace ward::kmd
