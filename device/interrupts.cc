#include "device/interrupts.h"

namespace ward::device {

void Interrupts::Raise(uint32_t source) {
  const uint32_t bit = 1u << source;
  registers_->Set(abi::kRegInterruptCause, registers_->Get(abi::kRegInterruptCause) | bit);
  if ((registers_->Get(abi::kRegInterruptEnable) & bit) != 0) Send(source);
}

void Interrupts::ClearCauses(uint32_t value) {
  registers_->Set(abi::kRegInterruptCause, registers_->Get(abi::kRegInterruptCause) & ~value);
}

void Interrupts::SetEnable(uint32_t value) {
  const uint32_t before = registers_->Get(abi::kRegInterruptEnable);
  registers_->SetWritable(abi::kRegInterruptEnable, value);
  const uint32_t now_enabled = registers_->Get(abi::kRegInterruptEnable) & ~before;
  const uint32_t due = now_enabled & registers_->Get(abi::kRegInterruptCause);
  for (uint32_t source = 0; source < 32; ++source) {
    if ((due >> source & 1) != 0) Send(source);
  }
}

void Interrupts::Send(uint32_t source) {
  const uint32_t vector = registers_->Get(abi::kRegInterruptVector + 4 * source);
  trace_->OnEvent({"interrupt", "", {source, vector, 0}});
  config_->SendVector(vector);
}

}  // namespace ward::device
