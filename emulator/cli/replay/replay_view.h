// What can be seen of a replayed chip, as text. Never a key, nor protected memory.
#ifndef WARD_EMULATOR_CLI_REPLAY_REPLAY_VIEW_H_
#define WARD_EMULATOR_CLI_REPLAY_REPLAY_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "emulator/boundary/event_source.h"
#include "emulator/boundary/known_memory.h"
#include "emulator/boundary/replayer.h"

namespace ward::emulator {

// "register write DOORBELL[1] = 0x40".
std::string DescribeCall(const RecordedEvent& call);
// One line a register, "NAME  0x value".
std::string ShowRegisters(Replayer* chip, const std::vector<uint32_t>& offsets);
// Every register that does not read as after power-on, constants left out.
std::string ShowChangedRegisters(Replayer* chip);
// One line for each queue that was ever used.
std::string ShowQueues(Replayer* chip);
// One line for each key slot that is taken.
std::string ShowSlots(const Replayer& chip);
// Hexadecimal bytes, 16 a line; "--" where the recording tells nothing of.
std::string ShowMemory(const KnownMemory& memory, uint64_t address, uint64_t size_bytes);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_REPLAY_REPLAY_VIEW_H_
