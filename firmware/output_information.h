// GET_OUTPUT_INFORMATION and CONFIGURE_OUTPUT: the signed messages of a protected output (DDI 7.2).
// Private to the firmware.
#ifndef WARD_FIRMWARE_OUTPUT_INFORMATION_H_
#define WARD_FIRMWARE_OUTPUT_INFORMATION_H_

#include "firmware/message.h"

namespace ward::firmware {

Answer HandleGetOutputInformation(const Call& call);
Answer HandleConfigureOutput(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_OUTPUT_INFORMATION_H_
