// Priorities of contexts: which the queue of each has, from when on, and what they are good for.
#include <cstdint>
#include <vector>

#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kInvalid = abi::kStatusInvalidArgument;
constexpr uint32_t kBig = 1 << 20;

struct Rig : ChipMachine {
  uint32_t PriorityOfQueue(uint32_t queue) {
    return host->BarRead32(0, abi::kRegQueuePriority + queue * abi::kQueueBlockStride);
  }
  uint32_t Set(const Client& client, ContextPriority priority) {
    const auto set = adapter->SetPriority(client.device, client.context, priority);
    return set.ok() ? abi::kStatusOk : set.fault().status;
  }
};

CommandBuffer FillOf(AllocationHandle target, uint32_t value) {
  CommandBuffer commands;
  commands.AddFill(target, 0, 4096, value);
  return commands;
}

TEST_CASE("D3DKMT's fifteen priorities are the chip's three") {
  for (int priority = kLowestSchedulingPriority; priority <= kHighestSchedulingPriority;
       ++priority) {
    const ContextPriority expected = priority < 0    ? ContextPriority::kLow
                                     : priority == 0 ? ContextPriority::kNormal
                                                     : ContextPriority::kHigh;
    CHECK(PriorityOf(priority) == expected);
  }
}

TEST_CASE("a context's queue has its priority from the first submission on that finds it at rest") {
  Rig machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  REQUIRE(client.Run(FillOf(page, 1)) == abi::kStatusOk);
  CHECK(machine.PriorityOfQueue(1) == 1);
  for (const auto priority : {ContextPriority::kHigh, ContextPriority::kLow,
                              ContextPriority::kNormal, ContextPriority::kHigh}) {
    const uint32_t before = machine.PriorityOfQueue(1);
    REQUIRE(machine.Set(client, priority) == abi::kStatusOk);
    CHECK(machine.PriorityOfQueue(1) == before);
    const auto fence = client.Submit(FillOf(page, 2));
    REQUIRE(fence.ok());
    CHECK(machine.PriorityOfQueue(1) == static_cast<uint32_t>(priority));
    REQUIRE(client.adapter->WaitFence(client.device, client.context, fence.value()).ok());
  }
  // Not while its work is in flight: that would be lost with the restart.
  const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
  uint8_t* const word = client.adapter->Lock(client.device, flag).value().data();
  CommandBuffer waits;
  waits.AddWait(flag);
  waits.AddFill(page, 0, 4096, 3);
  REQUIRE(client.Submit(waits).ok());
  REQUIRE(machine.Set(client, ContextPriority::kLow) == abi::kStatusOk);
  CommandBuffer more;
  more.AddFill(page, 0, 2048, 4);
  const auto last = client.Submit(more);
  REQUIRE(last.ok());
  CHECK(machine.PriorityOfQueue(1) == 2);
  StoreLe<uint64_t>(word, 1);
  REQUIRE(client.adapter->WaitFence(client.device, client.context, last.value()).ok());
  const std::vector<uint8_t> bytes = client.Read(page);
  CHECK(LoadLe<uint32_t>(bytes.data()) == 4);
  CHECK(LoadLe<uint32_t>(bytes.data() + 4092) == 3);
  REQUIRE(client.Run(FillOf(page, 5)) == abi::kStatusOk);
  CHECK(machine.PriorityOfQueue(1) == 0);
}

TEST_CASE("of two contexts with the same work the one of higher priority is done first") {
  for (const bool first_is_high : {true, false}) {
    Rig machine;
    Client clients[] = {Client(&machine), Client(&machine)};
    uint8_t* words[2];
    uint8_t* targets[2];
    for (size_t i = 0; i < 2; ++i) {
      Client& client = clients[i];
      const bool is_high = (i == 0) == first_is_high;
      REQUIRE(machine.Set(client, is_high ? ContextPriority::kHigh : ContextPriority::kLow) ==
              abi::kStatusOk);
      const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
      const AllocationHandle target = client.Allocate(Segment::kSystem, kBig);
      words[i] = client.adapter->Lock(client.device, flag).value().data();
      targets[i] = client.adapter->Lock(client.device, target).value().data();
      CommandBuffer commands;
      commands.AddWait(flag);
      commands.AddFill(target, 0, kBig, 0x11111111);
      REQUIRE(client.Submit(commands).ok());
    }
    for (uint8_t* word : words) StoreLe<uint64_t>(word, 1);
    const auto is_done = [&](size_t i) { return targets[i][kBig - 1] == 0x11; };
    while (!is_done(0) && !is_done(1)) REQUIRE(machine.host->boundary().Process(4096).more);
    CHECK(is_done(0) == first_is_high);
    CHECK(is_done(1) != first_is_high);
    // The other one gets its part of each round all the same.
    CHECK(targets[first_is_high ? 1 : 0][0] == 0x11);
  }
}

TEST_CASE("a queue that passes to another context has that one's priority") {
  Rig machine;
  std::vector<Client> clients;
  const auto run = [&](ContextPriority priority) {
    Client& client = clients.emplace_back(&machine);
    if (priority != ContextPriority::kNormal) {
      REQUIRE(machine.Set(client, priority) == abi::kStatusOk);
    }
    REQUIRE(client.Run(FillOf(client.Allocate(Segment::kSystem, 4096), 1)) == abi::kStatusOk);
  };
  for (uint32_t queue = 1; queue < abi::kQueueBlockCount; ++queue) {
    run(ContextPriority::kLow);
    CHECK(machine.PriorityOfQueue(queue) == 0);
  }
  run(ContextPriority::kNormal);  // takes the one that was used least recently
  CHECK(machine.PriorityOfQueue(1) == 1);
  CHECK(machine.PriorityOfQueue(2) == 0);
}

TEST_CASE("only contexts of the device have priorities, and there are three") {
  Rig machine;
  Client client(&machine);
  Client other(&machine);
  CHECK(client.adapter->SetPriority(other.device, client.context, ContextPriority::kLow)
            .fault()
            .status == kInvalid);
  CHECK(client.adapter->SetPriority(client.device, 0, ContextPriority::kLow).fault().status ==
        kInvalid);
  CHECK(machine.Set(client, static_cast<ContextPriority>(3)) == kInvalid);
}

}  // namespace
}  // namespace ward::kmd
