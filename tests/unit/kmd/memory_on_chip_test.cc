#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/generated/messages.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

std::vector<uint8_t> Pattern(size_t size, uint32_t seed) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

TEST_CASE("a new allocation is zeros, also where something else lay before") {
  ChipMachine machine;
  Client client(&machine);
  const Segment segment = GENERATE(Segment::kSystem, Segment::kVisible);
  const AllocationHandle first = client.Allocate(segment, 5000);
  CHECK(client.Read(first) == std::vector<uint8_t>(5000));
  client.Write(first, Pattern(5000, 1));
  REQUIRE(client.adapter->Free(client.device, first).ok());
  const AllocationHandle second = client.Allocate(segment, 5000);
  CHECK(second != first);
  CHECK(client.Read(second) == std::vector<uint8_t>(5000));
}

TEST_CASE("bytes go from system memory to visible VRAM and back") {
  ChipMachine machine;
  Client client(&machine);
  constexpr uint32_t kSize = 3 * 4096 + 100;
  const AllocationHandle source = client.Allocate(Segment::kSystem, kSize);
  const AllocationHandle surface = client.Allocate(Segment::kVisible, kSize);
  const AllocationHandle back = client.Allocate(Segment::kSystem, kSize);
  const std::vector<uint8_t> content = Pattern(kSize, 2);
  client.Write(source, content);
  CommandBuffer commands;
  commands.AddCopy(surface, source, kSize);
  commands.AddCopy(back, surface, kSize);
  CHECK(client.Run(commands) == abi::kStatusOk);
  CHECK(client.Read(surface) == content);
  CHECK(client.Read(back) == content);
}

TEST_CASE("a patch adds its offset") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  commands.AddFill(page, 64, 8, 0xa1b2c3d4);
  REQUIRE(client.Run(commands) == abi::kStatusOk);
  const std::vector<uint8_t> bytes = client.Read(page);
  CHECK(bytes[63] == 0);
  CHECK(bytes[64] == 0xd4);
  CHECK(bytes[71] == 0xa1);
  CHECK(bytes[72] == 0);
}

TEST_CASE("protected memory can't be locked") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle secret = client.Allocate(Segment::kProtected, 4096);
  const auto locked = client.adapter->Lock(client.device, secret);
  REQUIRE_FALSE(locked.ok());
  CHECK(locked.fault().status == abi::kStatusLockRefused);
  CHECK(client.adapter->Unlock(client.device, secret).fault().status ==
        abi::kStatusInvalidArgument);
}

TEST_CASE("protected memory that is full answers out of memory and recovers") {
  ChipMachine machine;
  Client client(&machine);
  constexpr uint64_t kPiece = 512 << 10;
  std::vector<AllocationHandle> taken;
  uint32_t status = abi::kStatusOk;
  while (status == abi::kStatusOk && taken.size() < 100) {
    auto made = client.adapter->Allocate(client.device, Client::Plain(Segment::kProtected, kPiece));
    if (made.ok())
      taken.push_back(made.value());
    else
      status = made.fault().status;
  }
  CHECK(status == abi::kStatusOutOfMemory);
  // All of it is for allocations, and nothing of it went elsewhere.
  CHECK(taken.size() == ChipMachine::kProtectedBytes / kPiece);
  CHECK(client.adapter->Memory().free_protected_bytes == 0);
  CHECK(client.adapter->Memory().moved_out == 0);
  REQUIRE(client.adapter->Free(client.device, taken[1]).ok());
  CHECK(client.adapter->Allocate(client.device, Client::Plain(Segment::kProtected, kPiece)).ok());
}

TEST_CASE("allocation data that means nothing is refused") {
  ChipMachine machine;
  Client client(&machine);
  abi::AllocationData data = Client::Plain(Segment::kVisible, 4096);
  SECTION("another ABI") { data.abi_version = 0x20000; }
  SECTION("no such segment") { data.segment = 3; }
  SECTION("no bytes") { data.size_bytes = 0; }
  SECTION("a surface without rows") { data.width = 8; }
  SECTION("a surface that does not fit") { data.width = 32, data.height = 33, data.pitch = 128; }
  SECTION("a pitch shorter than a row") { data.width = 32, data.height = 2, data.pitch = 124; }
  SECTION("an unknown format") { data.format = 1; }
  const auto made = client.adapter->Allocate(client.device, data);
  REQUIRE_FALSE(made.ok());
  CHECK(made.fault().status == abi::kStatusInvalidArgument);
}

TEST_CASE("huge sizes are out of memory, whatever the segment") {
  ChipMachine machine;
  Client client(&machine);
  const Segment segment = GENERATE(Segment::kSystem, Segment::kVisible, Segment::kProtected);
  const uint64_t size = GENERATE(1ull << 32, 1ull << 63, UINT64_MAX);
  const auto made = client.adapter->Allocate(client.device, Client::Plain(segment, size));
  REQUIRE_FALSE(made.ok());
  CHECK(made.fault().status == abi::kStatusOutOfMemory);
}

TEST_CASE("a freed allocation is no longer reachable for the GPU") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  commands.AddFill(page, 0, 16, 1);
  REQUIRE(client.Run(commands) == abi::kStatusOk);
  REQUIRE(client.adapter->Free(client.device, page).ok());
  // By handle it is refused, by the address it had it faults.
  CHECK(client.Run(commands) == abi::kStatusInvalidArgument);
  abi::FillCommand fill{};
  fill.destination = 1ull << 32;
  fill.row_bytes = 16;
  fill.row_count = 1;
  CommandBuffer stale;
  stale.Add(fill, {});
  CHECK(client.Run(stale) == abi::kStatusQueueFaulted);
  const auto report = client.adapter->Report(client.device, client.context);
  REQUIRE(report.ok());
  CHECK(report.value().fault_status == abi::kStatusPageNotMapped);
  CHECK(report.value().fault_address == 1ull << 32);
}

// What a user's command may hold without the submission's list saying so.
constexpr uint64_t kFirstAddress = 1ull << 32;  // of a device's first allocation

TEST_CASE("an answer to an address that no list named does not reach the page's next owner") {
  ChipMachine machine;
  Client first(&machine);
  Client next(&machine);
  const AllocationHandle page = first.Allocate(Segment::kVisible, 4096);
  std::vector<uint8_t> command(abi::SecurityMessageCommand::kSizeBytes + 48);
  abi::SecurityMessageCommand message{};
  message.opcode = abi::SecurityMessageCommand::kOpcode;
  message.length = static_cast<uint32_t>(command.size());
  message.message = abi::kMessageCreateSession;
  message.payload_bytes = 48;
  message.response_address = kFirstAddress;
  message.response_capacity = 64;
  std::memcpy(command.data(), &message, sizeof(message));
  const auto fence = machine.adapter->Submit(first.device, first.context, command, {}, {});
  REQUIRE(fence.ok());
  REQUIRE(machine.adapter->Free(first.device, page).ok());
  const AllocationHandle same_page = next.Allocate(Segment::kVisible, 4096);
  REQUIRE(machine.adapter->WaitFence(first.device, first.context, fence.value()).ok());
  const bool is_untouched = next.Read(same_page) == std::vector<uint8_t>(4096);
  CHECK(is_untouched);
}

TEST_CASE("an allocation stays taken while a context of its device does not come to its end") {
  ChipMachine machine;
  Client client(&machine);
  const ContextHandle second = client.adapter->CreateContext(client.device).value();
  const AllocationHandle flag = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer commands;
  commands.AddWait(flag);
  REQUIRE(client.Submit(commands).ok());
  const Result<void> refused = client.adapter->Free(client.device, page);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.fault().status == abi::kStatusDeviceTimeout);
  // Nothing was lost: it is still the caller's, and goes when the context has come to its end.
  CommandBuffer release;
  release.AddFill(page, 0, 4, 7);
  release.AddFill(flag, 0, 8, 1);
  REQUIRE(client.adapter
              ->Submit(client.device, second, release.bytes, release.allocations, release.patches)
              .ok());
  CHECK(client.Read(page)[0] == 7);
  CHECK(client.adapter->Free(client.device, page).ok());
}

TEST_CASE("another device's hung context does not keep an allocation") {
  ChipMachine machine;
  Client hanging(&machine);
  Client client(&machine);
  CommandBuffer commands;
  commands.AddWait(hanging.Allocate(Segment::kVisible, 4096));
  REQUIRE(hanging.Submit(commands).ok());
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  CHECK(client.adapter->Free(client.device, page).ok());
}

TEST_CASE("locks nest, and a locked allocation is not freed") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kSystem, 4096);
  REQUIRE(client.adapter->Lock(client.device, page).ok());
  REQUIRE(client.adapter->Lock(client.device, page).ok());
  REQUIRE(client.adapter->Unlock(client.device, page).ok());
  CHECK(client.adapter->Free(client.device, page).fault().status == abi::kStatusInvalidArgument);
  REQUIRE(client.adapter->Unlock(client.device, page).ok());
  CHECK(client.adapter->Unlock(client.device, page).fault().status == abi::kStatusInvalidArgument);
  CHECK(client.adapter->Free(client.device, page).ok());
  CHECK(client.adapter->Free(client.device, page).fault().status == abi::kStatusInvalidArgument);
}

TEST_CASE("a chip whose self test fails is not ready, whoever tries") {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.failing_self_test = 0;
  auto host = emulator::InProcessHost::Create(options);
  REQUIRE(host.ok());
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto opened = Adapter::Open(host.value().get());
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.fault().status == abi::kStatusDeviceNotReady);
  }
}

TEST_CASE("opening again starts with another key epoch and all memory") {
  ChipMachine machine;
  const uint32_t epoch = machine.adapter->KeyEpoch();
  {
    Client client(&machine);
    client.Allocate(Segment::kProtected, ChipMachine::kProtectedBytes);
  }
  machine.adapter.reset();
  machine.Open();
  CHECK(machine.adapter->KeyEpoch() > epoch);
  Client client(&machine);
  client.Allocate(Segment::kProtected, ChipMachine::kProtectedBytes);
}

}  // namespace
}  // namespace ward::kmd
