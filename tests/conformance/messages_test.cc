// Every message of the description: who may send it.
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kUserAnswer = 0x1000;  // of context 1

struct MessageRig : GpuRig {
  MessageRig() {
    CreateContext(1);
    MapSystem(1, kUserAnswer, kData);
    StartQueue(1, 1);
  }
  // The answer to a payload of zeros; the largest response fits.
  uint32_t Ask(uint32_t queue, const abi::MessageInfo& message, size_t payload_bytes) {
    ports.bus.Store<uint32_t>(kData, 0xffffffff);
    PushMessage(queue, message.number, std::vector<uint8_t>(payload_bytes),
                queue == 0 ? kData : kUserAnswer, 4096);
    RingAndRun(queue);
    REQUIRE(FaultStatus(queue) == 0);
    StartQueue(queue, queue);
    return ports.bus.Load<uint32_t>(kData);
  }
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
  MessageRig rig;
  for (const abi::MessageInfo& message : abi::kMessages) {
    INFO(message.name);
    for (const size_t payload_bytes :
         {size_t{0}, size_t{message.request_bytes}, size_t{message.request_bytes} + 5}) {
      const uint32_t to_user = rig.Ask(1, message, payload_bytes);
      CHECK((to_user == abi::kStatusMessageNotPermitted) == message.privileged);
      CHECK(rig.Ask(0, message, payload_bytes) != abi::kStatusMessageNotPermitted);
    }
  }
}

}  // namespace
}  // namespace ward::fakes
