// Registers of BAR0 by the names that the contract gives them.
#ifndef WARD_EMULATOR_CLI_REPLAY_REGISTER_OFFSETS_H_
#define WARD_EMULATOR_CLI_REPLAY_REGISTER_OFFSETS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ward::emulator {

// "SCRATCH", "RING_HEAD[3]", "OUTPUT_EDID[1][5]"; where no register is, the offset.
std::string TextOfRegister(uint64_t offset);
// The offsets that a text means: "RING_HEAD[3]" is one, "RING_HEAD" those of all queues. Empty when
// there is no such register.
std::vector<uint32_t> OffsetsOfRegister(const std::string& text);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_REPLAY_REGISTER_OFFSETS_H_
