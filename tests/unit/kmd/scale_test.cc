// Large memories and many allocations. Bounds are of resident memory, never of time.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "abi/generated/pci.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "kmd/dma_memory.h"
#include "kmd/hardware.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint64_t kGib = 1ull << 30;
constexpr uint64_t kMib = 1ull << 20;

uint64_t ResidentBytes() {
  uint64_t size = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  REQUIRE(resident != 0);
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST_CASE("8 GiB of each kind work to the last byte and take host memory as it is touched") {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.visible_vram_bytes = 8 * kGib;
  options.gpu.protected_vram_bytes = 8 * kGib;
  const uint64_t before = ResidentBytes();
  auto host = emulator::InProcessHost::Create(options);
  REQUIRE(host.ok());
  auto opened = Hardware::Open(host.value().get());
  REQUIRE(opened.ok());
  Hardware& hardware = *opened.value();
  CHECK(hardware.limits().visible_vram_bytes == 8 * kGib);
  CHECK(hardware.limits().protected_vram_bytes == 8 * kGib);

  auto allocated = DmaMemory::Allocate(host.value().get(), 4096);
  REQUIRE(allocated.ok());
  const DmaMemory page = std::move(allocated.value());
  std::fill(page.bytes().begin(), page.bytes().end(), uint8_t{0x5c});
  constexpr uint64_t kLast = 8 * kGib - 4096;
  KernelQueue& queue = hardware.kernel_queue();
  REQUIRE(queue.Copy(kLast | abi::kPhysicalLocal, page.bus_address(), 4096).ok());
  const uint8_t* vram = host.value()->MapBar(2);
  CHECK(vram[8 * kGib - 1] == 0x5c);
  CHECK(vram[kLast - 1] == 0);
  // Behind the last byte of either kind is nothing.
  CHECK_FALSE(queue.Copy((kLast + 4096) | abi::kPhysicalLocal, page.bus_address(), 4096).ok());
  const uint64_t protected_last = hardware.limits().protected_vram_base + kLast;
  CHECK(queue.Copy(protected_last | abi::kPhysicalLocal, page.bus_address(), 4096).ok());
  CHECK_FALSE(queue.Clear(protected_last + 4096, 4096).ok());
  // All of it, as an allocation would be cleared.
  CHECK(queue.Clear(hardware.limits().protected_vram_base, 8 * kGib).ok());
  // Of 16 GiB; what the sanitizers keep of freed memory is in it.
  CHECK(ResidentBytes() - before < 400 * kMib);
}

// What the GPU wrote to 10,000 allocations is there, wherever they lie meanwhile.
TEST_CASE("ten thousand allocations keep their contents and give everything back") {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.visible_vram_bytes = 64 * kMib;
  options.gpu.protected_vram_bytes = 64 * kMib;
  ChipMachine machine(options);
  const MemoryReport before = machine.adapter->Memory();
  Client client(&machine);
  constexpr uint32_t kCount = 10000;
  std::vector<AllocationHandle> allocations;
  std::vector<bool> is_protected;
  for (uint32_t i = 0; i < kCount; ++i) {
    const Segment segment = i % 10 < 6   ? Segment::kVisible
                            : i % 10 < 9 ? Segment::kSystem
                                         : Segment::kProtected;
    allocations.push_back(client.Allocate(segment, 1 + i * 7919 % 32768));
    is_protected.push_back(segment == Segment::kProtected);
  }
  constexpr uint32_t kBatch = 500;
  for (uint32_t first = 0; first < kCount; first += kBatch) {
    CommandBuffer commands;
    for (uint32_t i = first; i < first + kBatch; ++i) {
      commands.AddFill(allocations[i], 0, 1, i % 251);
    }
    REQUIRE(client.Run(commands) == abi::kStatusOk);
  }
  const AllocationHandle table = client.Allocate(Segment::kSystem, kCount);
  for (uint32_t first = 0; first < kCount; first += kBatch) {
    CommandBuffer commands;
    for (uint32_t i = first; i < first + kBatch; ++i) {
      if (is_protected[i]) continue;
      abi::CopyCommand copy{};
      copy.row_bytes = 1;
      copy.row_count = 1;
      commands.Add(copy, {{offsetof(abi::CopyCommand, destination), table, i},
                          {offsetof(abi::CopyCommand, source), allocations[i], 0}});
    }
    REQUIRE(client.Run(commands) == abi::kStatusOk);
  }
  const std::vector<uint8_t> bytes = client.Read(table);
  for (uint32_t i = 0; i < kCount; ++i) {
    REQUIRE(bytes[i] == (is_protected[i] ? 0 : i % 251));
  }
  const MemoryReport during = machine.adapter->Memory();
  CHECK(during.moved_out > 1000);
  CHECK(during.moved_in > 1000);
  for (uint32_t i = 0; i < kCount; i += 2) {
    REQUIRE(client.adapter->Free(client.device, allocations[i]).ok());
  }
  machine.adapter->DestroyDevice(client.device);
  const MemoryReport after = machine.adapter->Memory();
  CHECK(after.free_visible_bytes == before.free_visible_bytes);
  CHECK(after.free_protected_bytes == before.free_protected_bytes);
}

}  // namespace
}  // namespace ward::kmd
