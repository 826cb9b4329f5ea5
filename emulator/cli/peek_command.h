// `ward peek` and `ward poke`: registers by their names.
#ifndef WARD_EMULATOR_CLI_PEEK_COMMAND_H_
#define WARD_EMULATOR_CLI_PEEK_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the commands to `app`; its callback leaves the exit code in `exit_code`.
void AddPeekCommand(CLI::App* app, int* exit_code);
void AddPokeCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_PEEK_COMMAND_H_
