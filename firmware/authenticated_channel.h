// Authenticated channels: birth, key, death. Private to the firmware.
#ifndef WARD_FIRMWARE_AUTHENTICATED_CHANNEL_H_
#define WARD_FIRMWARE_AUTHENTICATED_CHANNEL_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleCreateChannel(const Call& call);
Answer HandleDestroyChannel(const Call& call);
Answer HandleNegotiateChannelKey(const Call& call);
Answer HandleQueryChannel(const Call& call);
Answer HandleConfigureChannel(const Call& call);
Answer HandleGetDeviceHandle(const Call& call);
Answer HandleCreateDecoder(const Call& call);
Answer HandleDestroyDecoder(const Call& call);
Answer HandleStartKeyRefresh(const Call& call);
Answer HandleFinishKeyRefresh(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_AUTHENTICATED_CHANNEL_H_
