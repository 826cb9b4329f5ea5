// Causes, their enable bits, and which vector each source sends.
#ifndef WARD_DEVICE_INTERRUPTS_H_
#define WARD_DEVICE_INTERRUPTS_H_

#include <cstdint>

#include "abi/generated/registers.h"
#include "base/trace.h"
#include "device/pci_config.h"
#include "device/register_file.h"

namespace ward::device {

class Interrupts {
 public:
  // Sources by bit of INTERRUPT_CAUSE; source n below kSourceFault is queue n's.
  static constexpr uint32_t kSourceFault = abi::kInterruptCauseFaultShift;
  static constexpr uint32_t kSourceRefusal = abi::kInterruptCauseRefusalShift;
  static constexpr uint32_t kSourceKeysLost = abi::kInterruptCauseKeysLostShift;
  static constexpr uint32_t kSourceFlip = abi::kInterruptCauseFlipShift;

  Interrupts(RegisterFile* registers, PciConfig* config, TraceSink* trace)
      : registers_(registers), config_(config), trace_(trace) {}

  // Sets the cause and, when it is enabled, sends its vector, also when the cause was set already:
  // a driver that looks at the vector alone misses nothing.
  void Raise(uint32_t source);
  // INTERRUPT_CAUSE: write one to clear.
  void ClearCauses(uint32_t value);
  // INTERRUPT_ENABLE: a cause that is set when it becomes enabled sends its vector.
  void SetEnable(uint32_t value);

 private:
  void Send(uint32_t source);

  RegisterFile* registers_;
  PciConfig* config_;
  TraceSink* trace_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_INTERRUPTS_H_
