// libFuzzer target for the whole chip behind its ports.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "tests/fuzz/fuzz_machine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::FuzzMachine machine;
  static uint32_t inputs = 0;
  // The same input again has to come out the same.
  constexpr uint32_t kRepeatEvery = 16;
  const bool repeat = inputs++ % kRepeatEvery == 0;
  const uint64_t digest = machine.Run({data, size}, repeat);
  if (repeat) WARD_ASSERT(machine.Run({data, size}, true) == digest);
  return 0;
}
