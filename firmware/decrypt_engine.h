// Grants: what the chip's crypto engine may do for a session without entering firmware. Private to
// the firmware.
#ifndef WARD_FIRMWARE_DECRYPT_ENGINE_H_
#define WARD_FIRMWARE_DECRYPT_ENGINE_H_

#include "firmware/firmware.h"
#include "firmware/platform.h"

namespace ward::firmware {

// Makes `*session` what `next` says: the engine's grant first, then the slots that are no longer
// held are wiped. False, with nothing changed, when the read-back IV found no entropy.
[[nodiscard]] bool Admit(Platform* platform, Session* session, const Session& next);
// The engine forgets the session.
void Withdraw(Platform* platform, const Session& session);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_DECRYPT_ENGINE_H_
