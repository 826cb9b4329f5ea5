// A function that was there and does not answer any more: unplugged, or its server ended. What is
// read of it then is all ones, which no command may take for an answer.
#ifndef WARD_EMULATOR_CLI_BENCH_GONE_H_
#define WARD_EMULATOR_CLI_BENCH_GONE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "abi/pci_function.h"

namespace ward::emulator {

// Whether a register or a configuration register of `width_bits` may have been read from a function
// that is gone: all ones, in a half of a 64-bit one too. Then ask WhyGone.
bool LooksGone(uint64_t value, uint32_t width_bits);

// Why the function is gone, for people; nothing when it still answers. What was read before it
// answered is then true.
std::optional<std::string> WhyGone(abi::PciFunction* function);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_GONE_H_
