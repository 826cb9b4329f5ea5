// Known-answer tests of the crypto blocks, and the failed state. Private to the firmware.
#ifndef WARD_FIRMWARE_SELF_TEST_H_
#define WARD_FIRMWARE_SELF_TEST_H_

#include "firmware/message.h"

namespace ward::firmware {

// Numbers as the host's test switch and State::failed_test (plus one) use them.
enum class SelfTest : uint32_t {
  kAesEncrypt = 0,
  kAesDecrypt = 1,
  kAesCtr = 2,
  kAesCmac = 3,
  kSha512 = 4,
  kRsaOaep = 5,
  kRandom = 6,
};
inline constexpr uint32_t kSelfTestCount = 7;

// Runs all of them, in order, until one fails. True: all passed. False: EnterFailure was called.
bool RunSelfTests(Platform* platform, State* state);
// Ends every session, channel, decoder and device, wipes every slot and refuses every message until
// reset.
void EnterFailure(Platform* platform, State* state, SelfTest test);

Answer HandleRunSelfTest(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_SELF_TEST_H_
