// Which slots of the key vault a session holds. Private to the firmware.
#ifndef WARD_FIRMWARE_KEY_STORE_H_
#define WARD_FIRMWARE_KEY_STORE_H_

#include "firmware/firmware.h"
#include "firmware/platform.h"

namespace ward::firmware {

// What each key may do. Fixed when its slot is allocated.
inline constexpr uint32_t kSessionKeyUsage = kUsageUnwrap | kUsageDecrypt;
inline constexpr uint32_t kContentKeyUsage = kUsageDecrypt;
inline constexpr uint32_t kReadbackKeyUsage = kUsageEncrypt;
inline constexpr uint32_t kChannelKeyUsage = kUsageMac;
inline constexpr uint32_t kOutputKeyUsage = kUsageMac;

// The session holds no slot then; nothing is wiped.
void ForgetSlots(Session* session);
// Wipes the slots that `held` has and `kept` has not.
void WipeDroppedSlots(Platform* platform, const Session& held, const Session& kept);
// Wipes every slot of the session.
void WipeSlots(Platform* platform, const Session& session);
// A session key, or an imported one.
bool HoldsKey(const Session& session);
// True when a key of the session failed its check word: all its keys are gone until it is
// destroyed.
bool IsLost(Platform* platform, const Session& session);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_KEY_STORE_H_
