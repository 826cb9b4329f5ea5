// Crypto sessions: birth, life, death. Private to the firmware.
#ifndef WARD_FIRMWARE_CRYPTO_SESSION_H_
#define WARD_FIRMWARE_CRYPTO_SESSION_H_

#include <cstdint>

#include "firmware/message.h"

namespace ward::firmware {

// 16 bits, and never 0: so no session, and no channel, has number 0, at index 0 either.
constexpr uint32_t NextGeneration(uint32_t generation) {
  return generation >= 0xffff ? 1 : generation + 1;
}

// The session's place in State::sessions and in the grant table.
constexpr uint32_t IndexOf(uint32_t session_number) { return session_number & 0xffff; }

// The session of that number if `context` owns it; nullptr, for whatever reason, otherwise.
Session* FindSession(State* state, uint32_t number, uint32_t context);
// The context's session of that handle, cut to `handle_bytes`; nullptr when it has none, or it was
// torn down.
Session* FindSessionOfHandle(State* state, uint64_t handle, uint32_t handle_bytes,
                             uint32_t context);
// Takes the session out of the engine, wipes its keys and zeroes its protected pages.
void EndSession(Platform* platform, Session* session);
// Tear-down: the same, but the session stays until it is destroyed and says that it is lost.
void LoseSession(Platform* platform, Session* session);

// QUERY_SESSION's `state`.
uint32_t FindState(Platform* platform, const Session& session);

Answer HandleCreateSession(const Call& call);
Answer HandleDestroySession(const Call& call);
Answer HandleQuerySession(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CRYPTO_SESSION_H_
