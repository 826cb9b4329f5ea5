// `ward trace ...`: what becomes of recorded traces.
#ifndef WARD_EMULATOR_CLI_TRACE_COMMAND_H_
#define WARD_EMULATOR_CLI_TRACE_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`. When it was the one called, `*exit_code` is what it came to.
void AddTraceCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_TRACE_COMMAND_H_
