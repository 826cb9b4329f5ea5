// Entry points of the firmware. It runs to completion per message; its state is one structure in
// its own memory. Freestanding: no heap, exceptions, RTTI or OS; no static data.
#ifndef WARD_FIRMWARE_FIRMWARE_H_
#define WARD_FIRMWARE_FIRMWARE_H_

#include <cstdint>

#include "base/state_fields.h"
#include "firmware/platform.h"

namespace ward::firmware {

inline constexpr uint32_t kSessionCount = 64;
inline constexpr uint32_t kChannelCount = 64;
inline constexpr uint32_t kDecoderCount = 64;
inline constexpr uint32_t kDeviceCount = 64;          // contexts that asked for a device handle
inline constexpr uint32_t kAllowedProcessCount = 16;  // of one device
inline constexpr uint32_t kImportedKeyCount = 4;      // of one session
inline constexpr uint32_t kProtectedOutputCount = 16;

// RSAES_OAEP, HW_PROTECTION.
enum class KeyExchange : uint32_t { kOaep = 0, kHardware = 1, kLast = kHardware };

// A key that the trusted application took in. `slot` is kNoSlot where there is none.
struct ImportedKey {
  uint8_t key_id[16];
  uint32_t slot;

  WARD_STATE_FIELDS(key_id, slot)
};

struct Session {
  uint64_t handle;  // what channel messages call it; 0: free
  uint32_t number;  // generation << 16 | index; 0: free
  uint32_t context;
  uint32_t generation;  // of the last session at this index; survives its end
  uint32_t key_epoch;
  uint32_t session_slot;
  uint32_t content_slot;
  uint32_t readback_slot;
  uint32_t protection;         // PROTECTION_FLAGS that its context's channels ask for
  uint32_t refresh_pending;    // 1: START_KEY_REFRESH came, FINISH_KEY_REFRESH did not yet
  uint8_t refresh_random[16];  // public: START_KEY_REFRESH answered it
  KeyExchange exchange;
  uint32_t torn_down;  // 1: keys and content were lost by tear-down
  // HW_PROTECTION alone. What the next import has to carry, and for which key; public.
  uint32_t token_pending;
  uint64_t token;
  uint8_t token_key_id[16];
  ImportedKey imported[kImportedKeyCount];

  WARD_STATE_FIELDS(handle, number, context, generation, key_epoch, session_slot, content_slot,
                    readback_slot, protection, refresh_pending, refresh_random, exchange, torn_down,
                    token_pending, token, token_key_id, imported)
};

// An authenticated channel (docs/spec/security-processor.md).
struct Channel {
  uint64_t handle;
  uint64_t next_query;      // least sequence number accepted; 2^32 accepts none
  uint64_t next_configure;  // likewise
  uint32_t number;          // generation << 16 | index; 0: free
  uint32_t context;
  uint32_t generation;  // of the last channel at this index; survives its end
  uint32_t key_slot;
  uint32_t type;          // D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE
  uint32_t handle_bytes;  // width of a HANDLE in its messages, 8 or 4
  uint32_t initialized;   // 1: INITIALIZE succeeded
  uint32_t protection;    // PROTECTION_FLAGS that this channel asked for
  uint32_t torn_down;     // 1: its key was lost by tear-down

  WARD_STATE_FIELDS(handle, next_query, next_configure, number, context, generation, key_slot, type,
                    handle_bytes, initialized, protection, torn_down)
};

struct Decoder {
  uint64_t handle;          // 0: free
  uint64_t session_handle;  // tied to it by CONFIGURE_CRYPTO_SESSION; may have ended since
  uint32_t context;

  WARD_STATE_FIELDS(handle, session_handle, context)
};

struct AllowedProcess {
  uint64_t handle;  // 0 for the DWM
  uint32_t type;    // D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE

  WARD_STATE_FIELDS(handle, type)
};

// What channel messages call a device: one context that has a handle.
struct Device {
  uint64_t handle;  // 0: free
  uint32_t context;
  uint32_t process_count;
  AllowedProcess processes[kAllowedProcessCount];

  WARD_STATE_FIELDS(handle, context, process_count, processes)
};

// A protected output: one application's hold on the protection of a display output.
enum class ProtectedOutputPhase : uint32_t { kNone, kCreated, kKeyed, kLast = kKeyed };
struct ProtectedOutput {
  uint64_t next_information;  // the one sequence number accepted; 2^32 accepts none
  uint64_t next_configure;    // likewise
  ProtectedOutputPhase phase;
  uint32_t number;      // generation << 16 | index; 0: free
  uint32_t generation;  // of the last one at this index; survives its end
  uint32_t output;      // the display output
  uint32_t key_slot;
  uint32_t level;      // OPM_HDCP_PROTECTION_LEVEL that it asked for
  uint8_t random[16];  // public: GET_OUTPUT_RANDOM answers it

  WARD_STATE_FIELDS(next_information, next_configure, phase, number, generation, output, key_slot,
                    level, random)
};

// Where handles come from. A reset keeps it, as it keeps the key epoch: no handle comes twice.
struct HandleSource {
  uint32_t serial;
  uint32_t keyed;
  uint32_t round_keys[4];

  WARD_STATE_FIELDS(serial, keyed, round_keys)
};

enum class Health : uint32_t { kStarting = 0, kReady = 1, kFailed = 2, kLast = kFailed };

// All of the firmware's state; zeroed before Boot, but for the handle source of the boot
// before. Holds no key bytes.
struct State {
  Health health;
  uint32_t failed_test;  // number of the test that failed, plus one; 0: none
  Session sessions[kSessionCount];
  Channel channels[kChannelCount];
  Decoder decoders[kDecoderCount];
  Device devices[kDeviceCount];
  ProtectedOutput protected_outputs[kProtectedOutputCount];
  HandleSource handle_source;

  WARD_STATE_FIELDS(health, failed_test, sessions, channels, decoders, devices, protected_outputs,
                    handle_source)
};

struct MessageInfo {
  uint32_t number;
  uint32_t context;  // of the queue that it came from
  uint32_t payload_bytes;
  uint32_t response_capacity;  // header included

  WARD_STATE_FIELDS(number, context, payload_bytes, response_capacity)
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
// The context died: its sessions, channels and decoders end.
void EndContext(Platform* platform, State* state, uint32_t context);
// Every key is wiped. Sessions and channels stay until they are destroyed, and are good for nothing
// else.
void TearDown(Platform* platform, State* state);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_FIRMWARE_H_
