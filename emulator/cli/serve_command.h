// `ward serve`: the chip in a process of its own, for a stock QEMU or a driver without a VM.
#ifndef WARD_EMULATOR_CLI_SERVE_COMMAND_H_
#define WARD_EMULATOR_CLI_SERVE_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`; its callback leaves the exit code in `exit_code`.
void AddServeCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_SERVE_COMMAND_H_
