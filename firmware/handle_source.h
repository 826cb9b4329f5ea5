// Handles: 64-bit values that stand for devices, sessions, decoders and channels in channel
// messages (R4, R32). Private to the firmware.
#ifndef WARD_FIRMWARE_HANDLE_SOURCE_H_
#define WARD_FIRMWARE_HANDLE_SOURCE_H_

#include <cstdint>

#include "firmware/message.h"

namespace ward::firmware {

// A handle that was never given out before, and whose low 32 bits were not either: those are a
// serial number under a random permutation, the high ones are random. Neither 0 nor all ones.
// HANDLES_EXHAUSTED after 2^32 of them; SELF_TEST_FAILED, with the firmware failed, when there is
// no entropy.
[[nodiscard]] uint32_t MakeHandle(const Call& call, uint64_t* handle);

// What a message with handles of `handle_bytes` (8 or 4) carries for a handle.
constexpr uint64_t CutHandle(uint64_t handle, uint32_t handle_bytes) {
  return handle_bytes == 4 ? handle & 0xffffffff : handle;
}

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_HANDLE_SOURCE_H_
