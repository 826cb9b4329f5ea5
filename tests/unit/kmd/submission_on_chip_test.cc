#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

// A FILL at an address that the user made up.
CommandBuffer FillAt(uint64_t address) {
  abi::FillCommand fill{};
  fill.destination = address;
  fill.value = 0xeeeeeeee;
  fill.row_bytes = 16;
  fill.row_count = 1;
  CommandBuffer commands;
  commands.Add(fill, {});
  return commands;
}

TEST_CASE("ten thousand submissions wrap the ring many times, in order") {
  ChipMachine machine;
  Client client(&machine);
  constexpr uint32_t kCount = 10000;
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4 * kCount);
  uint64_t last = 0;
  for (uint32_t i = 0; i < kCount; ++i) {
    CommandBuffer commands;
    commands.AddFill(table, 4 * i, 4, i + 1);
    const auto fence = client.Submit(commands);
    REQUIRE(fence.ok());
    REQUIRE(fence.value() == last + 1);
    last = fence.value();
  }
  REQUIRE(client.adapter->WaitFence(client.device, client.context, last).ok());
  const std::vector<uint8_t> bytes = client.Read(table);
  for (uint32_t i = 0; i < kCount; ++i) REQUIRE(LoadLe<uint32_t>(bytes.data() + 4 * i) == i + 1);
}

TEST_CASE("commands that wait behind others keep their own copies") {
  ChipMachine machine;
  Client client(&machine);
  const ContextHandle second = client.adapter->CreateContext(client.device).value();
  const AllocationHandle flag = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer wait;
  wait.AddWait(flag);
  REQUIRE(client.Submit(wait).ok());
  for (uint32_t i = 0; i < 100; ++i) {
    CommandBuffer commands;
    commands.AddFill(table, 4 * i, 4, i + 1);
    REQUIRE(client.Submit(commands).ok());
  }
  CommandBuffer release;
  release.AddFill(flag, 0, 8, 1);
  REQUIRE(client.adapter
              ->Submit(client.device, second, release.bytes, release.allocations, release.patches)
              .ok());
  const std::vector<uint8_t> bytes = client.Read(table);
  for (uint32_t i = 0; i < 100; ++i) REQUIRE(LoadLe<uint32_t>(bytes.data() + 4 * i) == i + 1);
}

TEST_CASE("the longest command buffers run, longer ones are refused") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  abi::NoopCommand noop{};
  for (size_t size = 48; size < 256 << 10; size += 16) commands.Add(noop, {});
  for (uint32_t run = 1; run <= 20; ++run) {  // five times around the buffer for commands
    CommandBuffer whole = commands;
    whole.AddFill(page, 0, 4, run);
    REQUIRE(whole.bytes.size() == 256 << 10);
    REQUIRE(client.Run(whole) == abi::kStatusOk);
    REQUIRE(LoadLe<uint32_t>(client.Read(page).data()) == run);
  }
  commands.Add(noop, {});
  commands.AddFill(page, 0, 4, 99);
  CHECK(client.Run(commands) == abi::kStatusInvalidArgument);
}

TEST_CASE("submissions that do not hold together are refused and run nothing") {
  ChipMachine machine;
  Client client(&machine);
  Client other(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle foreign = other.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  commands.AddFill(page, 0, 16, 1);
  SECTION("no command") { commands = {}; }
  SECTION("part of a command") { commands.bytes.resize(40); }
  SECTION("a patch behind the end") { commands.patches[0].patch_offset = 48; }
  SECTION("a patch across the end") { commands.patches[0].patch_offset = 44; }
  SECTION("a patch that wraps") { commands.patches[0].patch_offset = 0xfffffff8; }
  SECTION("a patch that is not aligned") { commands.patches[0].patch_offset = 12; }
  SECTION("a patch of no allocation") { commands.patches[0].allocation_index = 1; }
  SECTION("a patch beyond its allocation") { commands.patches[0].allocation_offset = 4097; }
  SECTION("an unknown allocation") { commands.allocations[0] = 0xffffffff; }
  SECTION("no allocation's handle") { commands.allocations[0] = client.context; }
  SECTION("another device's allocation") { commands.allocations[0] = foreign; }
  CHECK(client.Run(commands) == abi::kStatusInvalidArgument);
  CHECK(client.Read(page) == std::vector<uint8_t>(4096));
  CHECK(other.Read(foreign) == std::vector<uint8_t>(4096));
}

TEST_CASE("handles of one device mean nothing to another") {
  ChipMachine machine;
  Client client(&machine);
  Client other(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  Adapter* adapter = machine.adapter.get();
  const uint32_t invalid = abi::kStatusInvalidArgument;
  CHECK(adapter->Lock(other.device, page).fault().status == invalid);
  CHECK(adapter->Unlock(other.device, page).fault().status == invalid);
  CHECK(adapter->Free(other.device, page).fault().status == invalid);
  CHECK(adapter->WaitFence(other.device, client.context, 0).fault().status == invalid);
  CHECK(adapter->Report(other.device, client.context).fault().status == invalid);
  CHECK(adapter->DestroyContext(other.device, client.context).fault().status == invalid);
  CHECK(adapter->CreateContext(page).fault().status == invalid);
  adapter->DestroyDevice(page);  // names no device: nothing happens
  CHECK(client.Read(page) == std::vector<uint8_t>(4096));
}

TEST_CASE("a context does not see another device's memory at the same address") {
  ChipMachine machine;
  Client client(&machine);
  Client other(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);  // the device's first
  constexpr uint64_t kFirstAddress = 1ull << 32;
  REQUIRE(client.Run(FillAt(kFirstAddress)) == abi::kStatusOk);
  CHECK(client.Read(page)[0] == 0xee);
  client.Write(page, std::vector<uint8_t>(4096));
  CHECK(other.Run(FillAt(kFirstAddress)) == abi::kStatusQueueFaulted);
  CHECK(other.adapter->Report(other.device, other.context).value().fault_status ==
        abi::kStatusPageNotMapped);
  CHECK(client.Read(page) == std::vector<uint8_t>(4096));
}

TEST_CASE("contexts of one device share its allocations, old and new") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle before = client.Allocate(Segment::kVisible, 4096);
  const ContextHandle second = client.adapter->CreateContext(client.device).value();
  const AllocationHandle after = client.Allocate(Segment::kSystem, 4096);
  CommandBuffer commands;
  commands.AddFill(before, 0, 4, 7);
  commands.AddCopy(after, before, 4096);
  auto fence = client.adapter->Submit(client.device, second, commands.bytes, commands.allocations,
                                      commands.patches);
  REQUIRE(fence.ok());
  REQUIRE(client.adapter->WaitFence(client.device, second, fence.value()).ok());
  CHECK(client.Read(after)[0] == 7);
}

TEST_CASE("a faulted queue is reported while another goes on") {
  ChipMachine machine;
  Client bad(&machine);
  Client good(&machine);
  const AllocationHandle page = bad.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  commands.AddFill(page, 0, 16, 1);
  const size_t wrong = commands.bytes.size();
  commands.AddFill(page, 0, 16, 2);
  commands.bytes[wrong] = 0x7f;  // no such opcode
  CHECK(bad.Run(commands) == abi::kStatusQueueFaulted);
  const abi::QueueReport report = bad.adapter->Report(bad.device, bad.context).value();
  CHECK(report.escape == 1);
  CHECK(report.queue_state == 4);
  CHECK(report.fault_status == abi::kStatusOpcodeUnknown);
  CHECK(report.fault_opcode == 0);  // not a described one
  CHECK(bad.Run(commands) == abi::kStatusQueueFaulted);

  const AllocationHandle other = good.Allocate(Segment::kVisible, 4096);
  CommandBuffer fine;
  fine.AddFill(other, 0, 16, 3);
  CHECK(good.Run(fine) == abi::kStatusOk);
  CHECK(good.adapter->Report(good.device, good.context).value().fault_status == 0);

  // What the faulted queue used is the CPU's again, and the context can be replaced.
  CHECK(bad.Read(page)[0] == 1);
  CHECK(bad.adapter->Free(bad.device, page).ok());
  REQUIRE(bad.adapter->DestroyContext(bad.device, bad.context).ok());
  bad.context = bad.adapter->CreateContext(bad.device).value();
  const AllocationHandle again = bad.Allocate(Segment::kVisible, 4096);
  CommandBuffer mended;
  mended.AddFill(again, 0, 16, 4);
  CHECK(bad.Run(mended) == abi::kStatusOk);
}

TEST_CASE("the GPU can't write the buffer that holds the driver's copy of commands") {
  ChipMachine machine;
  Client client(&machine);
  CHECK(client.Run(FillAt(1ull << 21)) == abi::kStatusQueueFaulted);
  CHECK(client.adapter->Report(client.device, client.context).value().fault_status ==
        abi::kStatusPageNotWritable);
}

TEST_CASE("a fence that was never submitted is refused, an old one is reached") {
  ChipMachine machine;
  Client client(&machine);
  CHECK(client.adapter->WaitFence(client.device, client.context, 0).ok());
  CHECK(client.adapter->WaitFence(client.device, client.context, 1).fault().status ==
        abi::kStatusInvalidArgument);
}

TEST_CASE("locking waits for commands that use the allocation, and says when they hang") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
  const AllocationHandle unrelated = client.Allocate(Segment::kSystem, 4096);
  CommandBuffer commands;
  commands.AddWait(flag);
  REQUIRE(client.Submit(commands).ok());
  CHECK(client.adapter->Lock(client.device, flag).fault().status == abi::kStatusDeviceTimeout);
  CHECK(client.adapter->Free(client.device, flag).fault().status == abi::kStatusDeviceTimeout);
  CHECK(client.adapter->Lock(client.device, unrelated).ok());
}

TEST_CASE("a device that ends with work queued takes it along") {
  ChipMachine machine;
  Client hanging(&machine);
  const AllocationHandle flag = hanging.Allocate(Segment::kVisible, 4096);
  hanging.Allocate(Segment::kProtected, ChipMachine::kProtectedBytes);
  CommandBuffer commands;
  commands.AddWait(flag);
  commands.AddFill(flag, 0, 4096, 0x55555555);
  REQUIRE(hanging.Submit(commands).ok());
  machine.adapter->DestroyDevice(hanging.device);
  CHECK(hanging.adapter->CreateContext(hanging.device).fault().status ==
        abi::kStatusInvalidArgument);

  // Everything it had is there again, and its dropped commands never run.
  Client next(&machine);
  next.Allocate(Segment::kProtected, ChipMachine::kProtectedBytes);
  const AllocationHandle page = next.Allocate(Segment::kVisible, 4096);
  next.Write(page, std::vector<uint8_t>(4096, 1));
  for (int i = 0; i < 14; ++i) {
    CHECK(machine.adapter->CreateContext(next.device).ok());
  }
  CHECK(next.Read(page) == std::vector<uint8_t>(4096, 1));
}

TEST_CASE("a context that ends with work queued does not take its device along") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle flag = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  commands.AddWait(flag);
  REQUIRE(client.Submit(commands).ok());
  REQUIRE(client.adapter->DestroyContext(client.device, client.context).ok());
  CHECK(client.Read(flag) == std::vector<uint8_t>(4096));
  CHECK(client.adapter->Free(client.device, flag).ok());
}

}  // namespace
}  // namespace ward::kmd
