// The system as served devices see it in one thread: time, entropy and waiting are staged, so that
// an input comes out the same whenever it runs. The linker puts these functions in the place of the
// system's (--wrap, tests/fuzz/CMakeLists.txt); the server's code is the one that is shipped.
//
// * Time goes on by a microsecond whenever it is asked for, and by what a wait would have taken.
// * A server that waits for its client lets the client act; a client that waits for the server lets
//   the server run.
// * Mappings of files are counted.
// * RSA operations are remembered, but for one in 4096.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_STAGED_SYSTEM_H_
#define WARD_TESTS_FUZZ_VFIO_USER_STAGED_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <functional>

namespace ward::fuzz {

struct StagedSystem {
  static StagedSystem& Get();
  // The same time of a second, and the same entropy, whatever ran before.
  void BeginInput();

  uint64_t now_ns = 1'000'000'000;
  uint64_t entropy_state = 1;
  bool is_in_server = false;
  uint64_t server_waits = 0;
  std::function<void()> client_acts;
  std::function<bool()> server_acts;  // false: it is at rest
};

// Files that are mapped shared now.
size_t CountFileMappings();
// Of this process.
size_t CountOpenDescriptors();

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_STAGED_SYSTEM_H_
