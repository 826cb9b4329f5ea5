// `ward dma`: local memory written, read and filled by the copy engine.
#ifndef WARD_EMULATOR_CLI_DMA_COMMAND_H_
#define WARD_EMULATOR_CLI_DMA_COMMAND_H_

#include <CLI/App.hpp>

namespace ward::emulator {

// Adds the command to `app`; its callback leaves the exit code in `exit_code`.
void AddDmaCommand(CLI::App* app, int* exit_code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_DMA_COMMAND_H_
