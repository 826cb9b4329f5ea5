// Runs a script on a function, step by step, until one of them does not come out as it should.
#ifndef WARD_EMULATOR_CLI_SCRIPT_SCRIPT_RUNNER_H_
#define WARD_EMULATOR_CLI_SCRIPT_SCRIPT_RUNNER_H_

#include <functional>
#include <optional>
#include <string>

#include "abi/pci_function.h"
#include "emulator/cli/bench/kernel_queue.h"
#include "emulator/cli/script/script.h"

namespace ward::emulator {

class ScriptRunner {
 public:
  // `function` outlives this. `print` gets each line that the script prints.
  ScriptRunner(abi::PciFunction* function, std::function<void(const std::string&)> print);

  // What was not so, with the register and its fields; nothing when the step came out well.
  std::optional<std::string> Do(const Step& step);
  // The same after the last step: whether what was only written has reached a function at all.
  std::optional<std::string> End();

 private:
  using Outcome = std::optional<std::string>;
  Outcome Do(const PokeStep& step);
  Outcome Do(const ExpectStep& step);
  Outcome Do(const RingStep& step);
  Outcome Do(const MemoryStep& step);
  Outcome Do(const ConfigStep& step);
  Outcome Do(const ResetStep& step);
  Outcome Do(const PrintStep& step);
  // `value` was read: not of a function that is gone.
  Outcome Distrust(uint64_t value, uint32_t width_bits);

  abi::PciFunction* const function_;
  const std::function<void(const std::string&)> print_;
  KernelQueue queue_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_SCRIPT_SCRIPT_RUNNER_H_
