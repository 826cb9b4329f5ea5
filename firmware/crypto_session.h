// Crypto sessions: birth, life, death. Private to the firmware.
#ifndef WARD_FIRMWARE_CRYPTO_SESSION_H_
#define WARD_FIRMWARE_CRYPTO_SESSION_H_

#include <cstdint>

#include "firmware/message.h"

namespace ward::firmware {

// The session's place in State::sessions and in the grant table.
constexpr uint32_t IndexOf(uint32_t session_number) { return session_number & 0xffff; }

// The session of that number if `context` owns it; nullptr, for whatever reason, otherwise.
Session* FindSession(State* state, uint32_t number, uint32_t context);
// Takes the session out of the engine, wipes its keys and zeroes its protected pages.
void EndSession(Platform* platform, Session* session);

Answer HandleCreateSession(const Call& call);
Answer HandleDestroySession(const Call& call);
Answer HandleQuerySession(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CRYPTO_SESSION_H_
