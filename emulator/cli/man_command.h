// `ward man`: manual pages of the commands, in roff.
#ifndef WARD_EMULATOR_CLI_MAN_COMMAND_H_
#define WARD_EMULATOR_CLI_MAN_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`; its callback leaves the exit code in `exit_code`.
void AddManCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_MAN_COMMAND_H_
