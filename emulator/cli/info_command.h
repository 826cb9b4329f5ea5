// `ward info`: which function this is, what it has and what it does.
#ifndef WARD_EMULATOR_CLI_INFO_COMMAND_H_
#define WARD_EMULATOR_CLI_INFO_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`; its callback leaves the exit code in `exit_code`.
void AddInfoCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_INFO_COMMAND_H_
