// F15 of docs/security-model.md, seen by the driver: memory space goes off, and BARs are moved, in
// the middle of register accesses, of ring work and of DMA.
#include <cstdint>
#include <random>
#include <vector>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kCommand = 0x04, kMemory = 0x2;
constexpr uint32_t kBars = 0x10, kBarCount = 6;
constexpr uint32_t kAllOnes = 0xffffffff;
constexpr int kRegisters = abi::kRegisterBar, kMsix = abi::kMsixBar;

class BarMachine : public ChipMachine {
 public:
  void SetMemorySpace(bool on) {
    const uint32_t command = host->ConfigRead(kCommand, 2);
    host->ConfigWrite(kCommand, 2, on ? command | kMemory : command & ~kMemory);
  }
  // A driver of the machine moves BARs with memory space off; then they are elsewhere.
  void MoveBars(uint32_t address) {
    for (uint32_t bar = 0; bar < kBarCount; ++bar) {
      host->ConfigWrite(kBars + 4 * bar, 4, address + bar * 0x1000000);
    }
  }
  uint32_t Read(uint32_t offset) { return host->BarRead32(kRegisters, offset); }
  void Write(uint32_t offset, uint32_t value) { host->BarWrite32(kRegisters, offset, value); }
};

TEST_CASE("F15_ while memory space is off register BARs read all ones and take nothing") {
  BarMachine machine;
  machine.Write(abi::kRegScratch, 0x1234);
  const uint32_t entry = machine.host->BarRead32(kMsix, 8);
  machine.SetMemorySpace(false);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGone);
  for (const uint32_t offset : {abi::kRegDeviceMagic, abi::kRegScratch, abi::kRegDoorbell}) {
    CHECK(machine.Read(offset) == kAllOnes);
  }
  CHECK(machine.host->BarRead32(kMsix, 8) == kAllOnes);
  machine.Write(abi::kRegScratch, 0x5678);
  machine.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  machine.host->BarWrite32(kMsix, 8, ~entry);
  machine.SetMemorySpace(true);
  CHECK(machine.Read(abi::kRegScratch) == 0x1234);
  CHECK(machine.host->BarRead32(kMsix, 8) == entry);
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
}

TEST_CASE("F15_ memory space off between the halves of a 64-bit register loses that half alone") {
  BarMachine machine;
  for (const uint32_t seed : fakes::FaultSeeds()) {
    INFO("seed " << seed);
    std::mt19937 dice(seed);
    // Queues that the driver has not taken.
    const uint32_t queue = 2 + dice() % (abi::kQueueBlockCount - 2);
    const uint32_t low = (dice() % 2 == 0 ? abi::kRegRingBaseLo : abi::kRegFenceAddressLo) +
                         queue * abi::kQueueBlockStride;
    machine.Write(low, 0x7000);
    machine.Write(low + 4, 0x7);
    const bool high_first = dice() % 2 == 0;
    machine.Write(high_first ? low + 4 : low, high_first ? 0x9 : 0x9000);
    machine.SetMemorySpace(false);
    if (dice() % 2 == 0) machine.MoveBars(dice() & 0xf0000000);
    machine.Write(high_first ? low : low + 4, high_first ? 0x9000 : 0x9);
    CHECK(machine.Read(low) == kAllOnes);
    machine.SetMemorySpace(true);
    CHECK(machine.Read(low) == (high_first ? 0x7000 : 0x9000));
    CHECK(machine.Read(low + 4) == (high_first ? 0x9 : 0x7));
  }
}

// Memory space is how others reach the function, not how it reaches memory: that is bus mastering.
TEST_CASE("F15_ ring work and DMA go on while memory space is off and BARs move") {
  BarMachine machine;
  Client client(&machine);
  const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
  const AllocationHandle source = client.Allocate(Segment::kSystem, 1 << 20);
  const AllocationHandle target = client.Allocate(Segment::kVisible, 1 << 20);
  // Locked once: the CPU's addresses of system memory, and of VRAM by a mapping that BARs follow.
  uint8_t* const word = machine.adapter->Lock(client.device, flag).value().data();
  const ByteSpan data = machine.adapter->Lock(client.device, source).value();
  for (const uint32_t seed : fakes::FaultSeeds()) {
    INFO("seed " << seed);
    std::mt19937 dice(seed);
    for (size_t at = 0; at < data.size(); at += 4) StoreLe<uint32_t>(&data[at], dice());
    StoreLe<uint64_t>(word, 0);
    CommandBuffer commands;
    commands.AddWait(flag);
    commands.AddCopy(target, source, static_cast<uint32_t>(data.size()));
    const auto fence = client.Submit(commands);
    REQUIRE(fence.ok());
    machine.SetMemorySpace(false);
    // Once here, once there: its own doorbell would not be heard now.
    StoreLe<uint64_t>(word, 1);
    const uint64_t budget = 1 + dice() % (64 << 10);
    const bool moves = dice() % 2 == 0;
    for (bool more = true; more; more = machine.host->boundary().Process(budget).more) {
      if (moves) machine.MoveBars(dice() & 0xf0000000);
    }
    machine.SetMemorySpace(true);
    REQUIRE(machine.adapter->WaitFence(client.device, client.context, fence.value()).ok());
    const std::vector<uint8_t> copied = client.Read(target);
    CHECK(std::equal(data.begin(), data.end(), copied.begin(), copied.end()));
  }
  CHECK(machine.adapter->CheckHealth() == AdapterHealth::kGood);
}

TEST_CASE("F15_ while memory space is off the driver submits nothing and waits for nothing") {
  BarMachine machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
  uint8_t* const word = machine.adapter->Lock(client.device, flag).value().data();
  for (const uint32_t seed : fakes::FaultSeeds()) {
    INFO("seed " << seed);
    StoreLe<uint64_t>(word, 0);
    CommandBuffer commands;
    commands.AddWait(flag);
    commands.AddFill(page, 0, 4096, seed);
    const auto fence = client.Submit(commands);
    REQUIRE(fence.ok());
    machine.SetMemorySpace(false);
    const uint64_t start = machine.host->now_ns();
    CHECK(client.Submit(commands).fault().status == abi::kStatusDeviceGone);
    // All ones are not taken for progress.
    CHECK(machine.adapter->WaitFence(client.device, client.context, fence.value()).fault().status ==
          abi::kStatusDeviceGone);
    CHECK(machine.host->now_ns() == start);
    machine.SetMemorySpace(true);
    StoreLe<uint64_t>(word, 1);
    CHECK(machine.adapter->WaitFence(client.device, client.context, fence.value()).ok());
    CHECK(LoadLe<uint32_t>(client.Read(page).data()) == seed);
    CHECK(client.Run(commands) == abi::kStatusOk);
  }
}

}  // namespace
}  // namespace ward::kmd
