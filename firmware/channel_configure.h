// CONFIGURE_CHANNEL: the five commands (DDI 8.2, 8.5). Private to the firmware.
#ifndef WARD_FIRMWARE_CHANNEL_CONFIGURE_H_
#define WARD_FIRMWARE_CHANNEL_CONFIGURE_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleConfigureChannel(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CHANNEL_CONFIGURE_H_
