// The trusted application behind sessions of key exchange HW_PROTECTION (DDI 9): four functions
// that a DRM component of the application reaches through CALL_TRUSTED, and the keys that it
// imported. Private to the firmware.
#ifndef WARD_FIRMWARE_TRUSTED_APPLICATION_H_
#define WARD_FIRMWARE_TRUSTED_APPLICATION_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleGetNewKeyData(const Call& call);
Answer HandleCallTrusted(const Call& call);
Answer HandleSelectKey(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_TRUSTED_APPLICATION_H_
