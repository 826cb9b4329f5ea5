// Fuzz target: the whole chip behind its ports.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/device/runner.h"

// The sanitizer's own defaults, for speed: frames that are kept after their return, and long stacks
// of each allocation.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:malloc_context_size=4";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::Runner runner;
  runner.Run({data, size});
  return 0;
}
