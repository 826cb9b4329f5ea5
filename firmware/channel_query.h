// QUERY_CHANNEL: the thirteen queries (DDI 8.3, 8.5). Private to the firmware.
#ifndef WARD_FIRMWARE_CHANNEL_QUERY_H_
#define WARD_FIRMWARE_CHANNEL_QUERY_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleQueryChannel(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CHANNEL_QUERY_H_
