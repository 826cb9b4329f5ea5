// Fuzz target: the whole chip behind its ports.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/device/runner.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::Runner runner;
  runner.Run({data, size});
  return 0;
}
