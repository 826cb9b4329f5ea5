// A client of a served device whose memory the chip shares, with a running kernel's queue.
#ifndef WARD_TESTS_UNIT_VFIO_USER_GUEST_H_
#define WARD_TESTS_UNIT_VFIO_USER_GUEST_H_

#include <stdexcept>

#include "tests/unit/vfio_user/server_rig.h"
#include "tests/unit/vfio_user/test_driver.h"

namespace ward::test {

struct Guest {
  explicit Guest(const ServedDevice& device) : client(device.ConnectReady()), ram(2 << 20) {
    if (client.Map(ram.bus(), ram.size(), ram.descriptor()) != 0) {
      throw std::runtime_error("the memory was not mapped");
    }
    driver.StartQueue();
  }
  // Copies of 512 KiB, each far more than a slice, then fence 99.
  void BeginLongWork(int copies = 64) {
    for (int i = 0; i < copies; ++i) {
      driver.PushCopy(ram.bus() + 0x100000, ram.bus() + 0x80000, 0x80000);
    }
    driver.PushFence(99, true);
    driver.Doorbell();
  }

  WireClient client;
  ClientRam ram;
  TestDriver driver{&client, &ram};
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_GUEST_H_
