// How keys get in and out of the vault: session key (RSAES-OAEP), content key and read-back key
// (AES-ECB under the session key). Private to the firmware.
#ifndef WARD_FIRMWARE_KEY_EXCHANGE_H_
#define WARD_FIRMWARE_KEY_EXCHANGE_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleNegotiateSessionKey(const Call& call);
Answer HandleSetContentKey(const Call& call);
Answer HandleGetReadbackKey(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_KEY_EXCHANGE_H_
