// A chip that waits for memory, and a client that decides when it gets it.
#ifndef WARD_TESTS_UNIT_VFIO_USER_WAITING_CHIP_H_
#define WARD_TESTS_UNIT_VFIO_USER_WAITING_CHIP_H_

#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/vfio_user.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"
#include "tests/unit/vfio_user/test_driver.h"

namespace ward::test {

struct WaitingOptions {
  std::vector<uint64_t> fences = {7};
  bool interrupts = false;  // each fence does, and its cause is enabled
};

// A client whose queue has fences in its ring, and whose chip waits for an answer.
struct WaitingChip {
  explicit WaitingChip(const RigOptions& options = {}, const WaitingOptions& ring = {})
      : device(options), client(device.ConnectReady()), ram(1 << 20), driver(&client, &ram) {
    ram.ServeTo(&client);
    REQUIRE(client.Map(ram.bus(), ram.size(), -1) == 0);
    if (ring.interrupts) client.SetRegister(abi::kRegInterruptEnable, 1);
    driver.StartQueue();
    for (const uint64_t fence : ring.fences) driver.PushFence(fence, ring.interrupts);
    Begin();
  }
  // What stands in the ring, up to the chip's first request, which is not answered.
  void Begin() {
    client.policy = DmaPolicy::kKept;
    driver.Doorbell();
    asked = Asked();
  }
  // The next request of the chip.
  WireMessage Asked() {
    while (client.kept.empty()) {
      auto message = client.Receive();
      REQUIRE(message);
      if (!message->IsReply() && message->header.command != abi::vfio_user::Command::kInterrupt) {
        client.kept.push_back(std::move(*message));
      }
    }
    WireMessage first = std::move(client.kept.front());
    client.kept.pop_front();
    return first;
  }
  void Refuse(const WireMessage& request) {
    client.SendBytes(BytesOf(
        abi::vfio_user::Header{request.header.id, request.header.command, 16,
                               abi::vfio_user::kTypeReply | abi::vfio_user::kError, ENODEV}));
  }
  // What was asked, and waits until the chip asks again.
  void AnswerOne() {
    client.Answer(asked);
    asked = Asked();
  }
  // What was asked, and from now on whatever will be.
  void AnswerAll() {
    client.policy = DmaPolicy::kAtOnce;
    client.Answer(asked);
  }
  // Up to and with the request that writes a fence, which is not answered.
  void AnswerUntilFence() {
    while (asked.header.command != abi::vfio_user::Command::kDmaWrite ||
           asked.As<abi::vfio_user::DmaAccess>().address != ram.bus() + TestDriver::kFence) {
      AnswerOne();
    }
  }

  ServedDevice device;
  WireClient client;
  ClientRam ram;
  TestDriver driver;
  WireMessage asked;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_WAITING_CHIP_H_
