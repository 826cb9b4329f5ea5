// libFuzzer target for served devices: hostile clients by the vfio-user protocol, with other
// clients beside and behind them. wire_script.h has the grammar of the inputs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/oracle.h"
#include "tests/fuzz/vfio_user/wire_player.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::WirePlayer player;
  static uint32_t inputs = 0;
  // The dear checks are for some. A first input has them all, so that what was found is found
  // again.
  constexpr uint32_t kQueueEvery = 4, kSessionEvery = 128, kRepeatEvery = 16;
  const uint32_t number = inputs++;
  const ward::fuzz::FreshChecks checks = {.queue = number % kQueueEvery == 0,
                                          .session = number % kSessionEvery == 0};
  const uint64_t digest = player.Run({data, size}, checks);
  if (number % kRepeatEvery == 0) {
    ward::fuzz::Expect(player.Run({data, size}, checks) == digest, "repeats",
                       "the same input comes out the same");
  }
  return 0;
}
