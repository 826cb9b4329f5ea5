// Causes, their enable bits, and which vector each source sends.
#ifndef WARD_DEVICE_INTERRUPTS_H_
#define WARD_DEVICE_INTERRUPTS_H_

#include <cstdint>

#include "abi/generated/registers.h"
#include "base/state_fields.h"
#include "base/trace.h"
#include "device/pci_config.h"
#include "device/ports.h"
#include "device/register_file.h"
#include "device/state_hasher.h"

namespace ward::device {

class Interrupts {
 public:
  // Sources by bit of INTERRUPT_CAUSE; source n below kSourceFault is queue n's.
  static constexpr uint32_t kSourceFault = abi::kInterruptCauseFaultShift;
  static constexpr uint32_t kSourceRefusal = abi::kInterruptCauseRefusalShift;
  static constexpr uint32_t kSourceKeysLost = abi::kInterruptCauseKeysLostShift;
  static constexpr uint32_t kSourceFlip = abi::kInterruptCauseFlipShift;
  static constexpr uint32_t kSourceHang = abi::kInterruptCauseHangShift;

  Interrupts(RegisterFile* registers, PciConfig* config, ClockPort* clock, TraceSink* trace)
      : registers_(registers), config_(config), clock_(clock), trace_(trace) {}

  // Sets the cause and, when it is enabled, sends its vector, also when the cause was set already:
  // a driver that looks at the vector alone misses nothing. INTERRUPT_MODERATION may hold it back.
  void Raise(uint32_t source);
  // INTERRUPT_CAUSE: write one to clear.
  void ClearCauses(uint32_t value);
  // INTERRUPT_ENABLE: a cause that is set when it becomes enabled sends its vector.
  void SetEnable(uint32_t value);
  // INTERRUPT_MODERATION; sends what is held.
  void SetModeration(uint32_t value);

  // Sends what was held long enough. Virtual time at which that is due; 0 when nothing is held.
  void SendDue();
  uint64_t WakeupNs() const { return state_.held_sources == 0 ? 0 : state_.due_ns; }

  // What is held by moderation is forgotten (reset).
  void Reset() { state_ = State{}; }

  struct State {
    uint32_t held_sources = 0;
    uint32_t held_count = 0;  // interrupts, of all of them
    uint64_t due_ns = 0;      // when the oldest has been held long enough

    WARD_STATE_FIELDS(held_sources, held_count, due_ns)
  };
  const State& Save() const { return state_; }
  void Load(const State& state) { state_ = state; }
  void Hash(StateHasher* hasher) const { WalkState(*hasher, state_); }

 private:
  // True: the interrupt is counted, and goes out with a later one or when it is due.
  bool Hold(uint32_t source);
  void SendHeld();
  void Send(uint32_t source);
  bool IsEnabled(uint32_t source) const;

  RegisterFile* registers_;
  PciConfig* config_;
  ClockPort* clock_;
  TraceSink* trace_;
  State state_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_INTERRUPTS_H_
