// The device's certificate chain, handed out in parts. Private to the firmware.
#ifndef WARD_FIRMWARE_CERTIFICATE_H_
#define WARD_FIRMWARE_CERTIFICATE_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleGetCertificate(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CERTIFICATE_H_
