// The function that a command works on: a new chip in this process, or one behind a port.
#ifndef WARD_EMULATOR_CLI_BENCH_ATTACHMENT_H_
#define WARD_EMULATOR_CLI_BENCH_ATTACHMENT_H_

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "abi/pci_function.h"

namespace ward::emulator {

inline constexpr char kInProcess[] = "in-process";

// The function at `where`, with memory decoding on; null, with `error`. "in-process" is a chip as
// after power-on that ends with the object; anything else is kmd/ports/open_function.h's.
std::unique_ptr<abi::PciFunction> Attach(const std::string& where, std::string* error);

// The option of the commands that work on a function, "in-process" unless it is given.
void AddFunctionOption(CLI::App* command, std::string* where);

// Says on standard error what was wrong. The exit code of what could not be done.
int Complain(const std::string& error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_ATTACHMENT_H_
