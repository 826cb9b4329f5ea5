// Fuzz target: the whole chip behind its ports.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include "tests/fuzz/device/runner.h"

namespace {

// How much is done with an input. A fuzzer has no time for more than falls to each by its bytes.
void (ward::fuzz::Runner::*run)(ward::ConstByteSpan) = &ward::fuzz::Runner::Run;

}  // namespace

// A reproducer is played in each way, so that it shows what it was found by whatever its bytes have
// become, minimised ones too.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
#ifdef WARD_FUZZ_REPLAY
  run = &ward::fuzz::Runner::RunMoreWays;
#endif
  for (int i = 1; i < *argc; ++i) {
    // What can't be looked at is an option, or the engine says what it is.
    std::error_code trouble;
    if (std::filesystem::is_regular_file((*argv)[i], trouble)) {
      run = &ward::fuzz::Runner::RunEachWay;
    }
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::Runner runner;
  (runner.*run)({data, size});
  return 0;
}
