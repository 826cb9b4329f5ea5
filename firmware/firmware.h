// Entry points of the firmware. It runs to completion per message; its state is one structure in
// its own memory. Freestanding: no heap, exceptions, RTTI or OS; no static data.
#ifndef WARD_FIRMWARE_FIRMWARE_H_
#define WARD_FIRMWARE_FIRMWARE_H_

#include <cstdint>

#include "firmware/platform.h"

namespace ward::firmware {

inline constexpr uint32_t kSessionCount = 64;

struct Session {
  uint32_t number;  // generation << 16 | index; 0: free
  uint32_t context;
  uint32_t generation;  // of the last session at this index; survives its end
  uint32_t key_epoch;
  uint32_t session_slot;
  uint32_t content_slot;
  uint32_t readback_slot;
};

enum class Health : uint32_t { kStarting = 0, kReady = 1, kFailed = 2 };

// All of the firmware's state; zeroed before Boot. Holds no key bytes.
struct State {
  Health health;
  uint32_t failed_test;  // number of the test that failed, plus one; 0: none
  Session sessions[kSessionCount];
};

struct MessageInfo {
  uint32_t number;
  uint32_t context;  // of the queue that it came from
  uint32_t payload_bytes;
  uint32_t response_capacity;  // header included
};

struct Answer {
  uint32_t status;  // abi/status.toml
  uint32_t
      length_bytes;  // of the response, its 16-byte header included; the platform writes the header
};

// Known-answer tests; afterwards state->health is kReady or kFailed.
void Boot(Platform* platform, State* state);
Answer HandleMessage(Platform* platform, State* state, const MessageInfo& message);
// The cipher of the blts does not run: as a self test that fails.
void FailCipher(Platform* platform, State* state);
// The context died: its sessions end.
void EndContext(Platform* platform, State* state, uint32_t context);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_FIRMWARE_H_
