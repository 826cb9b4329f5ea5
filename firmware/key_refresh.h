// Session-key refresh (DDI 7.7): session key = session key XOR a random number that the device
// made. Private to the firmware.
#ifndef WARD_FIRMWARE_KEY_REFRESH_H_
#define WARD_FIRMWARE_KEY_REFRESH_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleStartKeyRefresh(const Call& call);
Answer HandleFinishKeyRefresh(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_KEY_REFRESH_H_
