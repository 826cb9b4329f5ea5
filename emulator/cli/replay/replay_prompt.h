// `ward replay -i`: commands, one a line, that step a recorded chip forwards and backwards and look
// at it. From a terminal or from a pipe.
#ifndef WARD_EMULATOR_CLI_REPLAY_REPLAY_PROMPT_H_
#define WARD_EMULATOR_CLI_REPLAY_REPLAY_PROMPT_H_

#include <istream>

#include "emulator/recording/recording_reader.h"

namespace ward::emulator {

// Until "quit" or the end of `input`. Exit code: 1 when a line could not be done.
int RunReplayPrompt(RecordingReader* reader, std::istream& input);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_REPLAY_REPLAY_PROMPT_H_
