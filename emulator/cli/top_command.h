// `ward top`: how the devices of a server stand.
#ifndef WARD_EMULATOR_CLI_TOP_COMMAND_H_
#define WARD_EMULATOR_CLI_TOP_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

void AddTopCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_TOP_COMMAND_H_
