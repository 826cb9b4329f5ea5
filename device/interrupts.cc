#include "device/interrupts.h"

#include <utility>

namespace ward::device {
namespace {

constexpr uint32_t kSourceCount = 32;
// What an application can cause as often as it likes. The others are rare, and somebody has to act
// on them.
constexpr uint32_t kModeratedSources =
    abi::kInterruptCauseQueueMask | abi::kInterruptCauseRefusalMask | abi::kInterruptCauseFlipMask;
constexpr uint64_t kNanosecondsPerMicrosecond = 1000;

}  // namespace

bool Interrupts::IsEnabled(uint32_t source) const {
  return (registers_->Get(abi::kRegInterruptEnable) >> source & 1) != 0;
}

void Interrupts::Raise(uint32_t source) {
  const uint32_t bit = 1u << source;
  registers_->Set(abi::kRegInterruptCause, registers_->Get(abi::kRegInterruptCause) | bit);
  if (!IsEnabled(source) || Hold(source)) return;
  state_.held_sources |= bit;
  SendHeld();
}

bool Interrupts::Hold(uint32_t source) {
  const uint32_t moderation = registers_->Get(abi::kRegInterruptModeration);
  const uint32_t count = moderation & abi::kInterruptModerationCountMask;
  const uint64_t microseconds = moderation >> abi::kInterruptModerationMicrosecondsShift;
  if (count == 0 || microseconds == 0 || (kModeratedSources >> source & 1) == 0) return false;
  if (state_.held_count == count) return false;
  if (state_.held_count++ == 0) {
    const uint64_t now = clock_->NowNs();
    const uint64_t hold_ns = microseconds * kNanosecondsPerMicrosecond;
    state_.due_ns = now > UINT64_MAX - hold_ns ? UINT64_MAX : now + hold_ns;
  }
  state_.held_sources |= 1u << source;
  return true;
}

void Interrupts::SendDue() {
  if (state_.held_sources != 0 && clock_->NowNs() >= state_.due_ns) SendHeld();
}

// Each source's vector once. One whose cause the driver has cleared since is not sent: the driver
// looks after it clears, and has seen what the vector would tell.
void Interrupts::SendHeld() {
  const State held = std::exchange(state_, State{});
  for (uint32_t source = 0; source < kSourceCount; ++source) {
    const bool is_held = (held.held_sources >> source & 1) != 0;
    const bool is_set = (registers_->Get(abi::kRegInterruptCause) >> source & 1) != 0;
    if (is_held && is_set && IsEnabled(source)) Send(source);
  }
}

void Interrupts::SetModeration(uint32_t value) {
  registers_->SetWritable(abi::kRegInterruptModeration, value);
  SendHeld();
}

void Interrupts::ClearCauses(uint32_t value) {
  registers_->Set(abi::kRegInterruptCause, registers_->Get(abi::kRegInterruptCause) & ~value);
}

void Interrupts::SetEnable(uint32_t value) {
  const uint32_t before = registers_->Get(abi::kRegInterruptEnable);
  registers_->SetWritable(abi::kRegInterruptEnable, value);
  const uint32_t now_enabled = registers_->Get(abi::kRegInterruptEnable) & ~before;
  const uint32_t due = now_enabled & registers_->Get(abi::kRegInterruptCause);
  for (uint32_t source = 0; source < kSourceCount; ++source) {
    if ((due >> source & 1) != 0) Send(source);
  }
}

void Interrupts::Send(uint32_t source) {
  const uint32_t vector = registers_->Get(abi::kRegInterruptVector + 4 * source);
  trace_->OnEvent({"interrupt", "", {source, vector, 0}});
  config_->SendVector(vector);
}

}  // namespace ward::device
