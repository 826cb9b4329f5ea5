// How keys get in and out of the vault: session key (RSAES-OAEP), content key and read-back key
// (AES-ECB under the session key). Private to the firmware.
#ifndef WARD_FIRMWARE_KEY_EXCHANGE_H_
#define WARD_FIRMWARE_KEY_EXCHANGE_H_

#include <cstdint>

#include "firmware/message.h"
#include "firmware/self_test.h"

namespace ward::firmware {

// What has to hold of a session before a message for sessions of `exchange` runs.
uint32_t FindUseStatus(const Call& call, const Session* session, KeyExchange exchange);
// What has to hold before its session key is used.
uint32_t FindKeyStatus(const Call& call, const Session* session);
// A block did not do its work. Either the session key turned out to be damaged, which costs this
// session, or the block itself is broken, which costs everything until reset.
Answer FailBlock(const Call& call, const Session& session, SelfTest test);
// The random number of START_KEY_REFRESH is used up, or superseded.
void ForgetRefresh(Session* session);

Answer HandleNegotiateSessionKey(const Call& call);
Answer HandleSetContentKey(const Call& call);
Answer HandleGetReadbackKey(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_KEY_EXCHANGE_H_
