// `ward replay`: recordings of the chip's boundary, run again.
#ifndef WARD_EMULATOR_CLI_REPLAY_COMMAND_H_
#define WARD_EMULATOR_CLI_REPLAY_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`. When it was the one called, `*exit_code` is what it came to.
void AddReplayCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_REPLAY_COMMAND_H_
