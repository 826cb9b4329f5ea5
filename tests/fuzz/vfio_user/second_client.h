// The clients that a hostile one must not hurt: one of another device of the same process, which is
// there all the time, and those of the same device, while it is taken and once it is free again.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_SECOND_CLIENT_H_
#define WARD_TESTS_FUZZ_VFIO_USER_SECOND_CLIENT_H_

#include <cstdint>
#include <vector>

#include "base/file_descriptor.h"
#include "tests/fuzz/vfio_user/one_thread_device.h"
#include "tests/unit/vfio_user/test_driver.h"
#include "tests/unit/vfio_user/wire_client.h"

namespace ward::fuzz {

class Bystander {
 public:
  explicit Bystander(const OneThreadDevice& device);
  // Registers, visible VRAM and a fence in memory are as it has left them, and answer.
  void Check();

 private:
  test::WireClient client_;
  test::ClientRam ram_;
  test::TestDriver driver_;
  FileDescriptor vram_;
  uint32_t round_ = 0;
};

// The device is taken: who comes now is told so, and let go.
void CheckNewcomer(const OneThreadDevice& device);

struct FreshChecks {
  bool former_is_zero = true;  // not where he has written to it since he was let go
  bool queue = false;          // a command of the kernel's queue runs
  bool session = false;        // and a crypto session is made, its key unwrapped
};
// The device is free: who comes now is served as the first one was, and finds nothing of the one
// before, whose files of visible VRAM are `former`.
void CheckFresh(const OneThreadDevice& device, const std::vector<FileDescriptor>& former,
                const FreshChecks& checks);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_SECOND_CLIENT_H_
