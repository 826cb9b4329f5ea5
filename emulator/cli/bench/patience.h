// Waiting for a function without knowing whose time it lives in: a chip in this process has virtual
// time, which passes only while somebody waits for an interrupt.
#ifndef WARD_EMULATOR_CLI_BENCH_PATIENCE_H_
#define WARD_EMULATOR_CLI_BENCH_PATIENCE_H_

#include <chrono>
#include <cstdint>

#include "abi/pci_function.h"

namespace ward::emulator {

class Patience {
 public:
  // `function` outlives this. Switches on vector 0 when none is on.
  Patience(abi::PciFunction* function, uint32_t milliseconds);

  // Lets the function work until vector 0 fires or a while has passed; the whiles grow up to 16 ms.
  // False when the time is over, or the function is gone.
  bool Wait();

 private:
  abi::PciFunction* const function_;
  const std::chrono::steady_clock::time_point end_;
  uint32_t left_ms_;
  uint32_t while_ms_ = 1;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_PATIENCE_H_
