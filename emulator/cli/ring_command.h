// `ward ring`: commands on the queue of the kernel, from a cold function.
#ifndef WARD_EMULATOR_CLI_RING_COMMAND_H_
#define WARD_EMULATOR_CLI_RING_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`; its callback leaves the exit code in `exit_code`.
void AddRingCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_RING_COMMAND_H_
