// Every message of the description: who may send it.
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/chip.h"
#include "tests/integration/needs.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kUserAnswer = 0x1000;  // of context 1

struct MessageBench {
  MessageBench() {
    rig.CreateContext(1);
    rig.MapSystem(1, kUserAnswer, rig.data());
    rig.StartQueue(1, 1);
  }
  // The answer to a payload of zeros; the largest response fits.
  uint32_t Ask(uint32_t queue, const abi::MessageInfo& message, size_t payload_bytes) {
    rig.Store<uint32_t>(rig.data(), 0xffffffff);
    rig.PushMessage(queue, message.number, std::vector<uint8_t>(payload_bytes),
                    queue == 0 ? rig.data() : kUserAnswer, 4096);
    rig.RingAndRun(queue);
    REQUIRE(rig.FaultStatus(queue) == 0);
    rig.StartQueue(queue, queue);
    return rig.Load<uint32_t>(rig.data());
  }

  const test::NeedsScope needs;
  const std::unique_ptr<QueueRig> chip = test::MakeChip();
  QueueRig& rig = *chip;
};

TEST_CASE("the messages about what all users share are the kernel's queue's") {
  std::set<std::string> privileged;
  for (const abi::MessageInfo& message : abi::kMessages) {
    if (message.privileged) privileged.insert(message.name);
  }
  CHECK(privileged == std::set<std::string>{"CHECK_SHARED_ACCESS", "CONFIGURE_OUTPUT",
                                            "CREATE_PROTECTED_OUTPUT", "DESTROY_PROTECTED_OUTPUT",
                                            "GET_OUTPUT_INFORMATION", "GET_OUTPUT_RANDOM",
                                            "SET_OUTPUT_KEY"});
}

TEST_CASE("each message is permitted where its description says, whatever its payload") {
  MessageBench bench;
  for (const abi::MessageInfo& message : abi::kMessages) {
    INFO(message.name);
    for (const size_t payload_bytes :
         {size_t{0}, size_t{message.request_bytes}, size_t{message.request_bytes} + 5}) {
      const uint32_t to_user = bench.Ask(1, message, payload_bytes);
      CHECK((to_user == abi::kStatusMessageNotPermitted) == message.privileged);
      CHECK(bench.Ask(0, message, payload_bytes) != abi::kStatusMessageNotPermitted);
    }
  }
}

}  // namespace
}  // namespace ward::fakes
