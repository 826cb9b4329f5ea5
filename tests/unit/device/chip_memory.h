// Memory of a chip with fake ports, for tests of what moves data in it.
#ifndef WARD_TESTS_UNIT_DEVICE_CHIP_MEMORY_H_
#define WARD_TESTS_UNIT_DEVICE_CHIP_MEMORY_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "abi/generated/pci.h"
#include "device/address_space.h"
#include "device/engine_job.h"
#include "device/memory.h"
#include "tests/fakes/fake_ports.h"

namespace ward::device {

inline constexpr uint64_t kPage = abi::kPageSize;

struct ChipMemory {
  static constexpr uint64_t kVisibleBytes = 4 << 20;
  static constexpr uint64_t kProtectedBytes = 8 << 20;
  static constexpr uint64_t kBusBase = 0x80000000;
  static constexpr uint64_t kBusBytes = 4 << 20;

  ChipMemory() : ports(kVisibleBytes), memory(ports.ports(), kVisibleBytes, kProtectedBytes) {
    ports.bus.Map(kBusBase, kBusBytes);
  }

  // Addresses as the kernel's queue writes them.
  static uint64_t System(uint64_t offset) { return kBusBase + offset; }
  static uint64_t Visible(uint64_t offset) { return abi::kPhysicalLocal | offset; }
  static uint64_t Protected(uint64_t offset) {
    return abi::kPhysicalLocal | (abi::kProtectedVramLocalBase + offset);
  }

  AddressSpace Kernel() { return AddressSpace::Kernel(&memory); }
  PhysicalSpan ProtectedSpan(uint64_t offset, uint64_t size_bytes) const {
    return memory.LocalSpan(abi::kProtectedVramLocalBase + offset, size_bytes).value();
  }
  GuestRange ProtectedRange(uint64_t offset, uint64_t size_bytes) const {
    GuestRange range;
    range.Append(ProtectedSpan(offset, size_bytes));
    return range;
  }
  std::vector<uint8_t> ReadProtected(uint64_t offset, uint64_t size_bytes) const {
    std::vector<uint8_t> bytes(size_bytes);
    (void)memory.Read(ProtectedSpan(offset, size_bytes), bytes);
    return bytes;
  }
  // Content that `owner` produced (kNoOwner: nobody did).
  void PutProtected(uint64_t offset, const std::vector<uint8_t>& bytes, PageOwner owner) {
    memory.TakeOwnership(ProtectedRange(offset, bytes.size()), owner);
    (void)memory.Write(ProtectedSpan(offset, bytes.size()), bytes);
  }
  PageOwner OwnerAt(uint64_t protected_offset) const {
    return memory.OwnerOf(protected_offset / kPage);
  }
  void PutSystem(uint64_t offset, const std::vector<uint8_t>& bytes) {
    std::copy(bytes.begin(), bytes.end(), ports.bus.At(System(offset), bytes.size()));
  }
  std::vector<uint8_t> ReadSystem(uint64_t offset, uint64_t size_bytes) {
    const uint8_t* at = ports.bus.At(System(offset), size_bytes);
    return std::vector<uint8_t>(at, at + size_bytes);
  }
  void PutVisible(uint64_t offset, const std::vector<uint8_t>& bytes) {
    ports.vram.StoreBytes(offset, bytes);
  }
  std::vector<uint8_t> ReadVisible(uint64_t offset, uint64_t size_bytes) {
    const auto at = ports.vram.bytes().begin() + static_cast<ptrdiff_t>(offset);
    return std::vector<uint8_t>(at, at + static_cast<ptrdiff_t>(size_bytes));
  }

  fakes::FakePorts ports;
  Memory memory;
};

// Page tables of one context for virtual addresses below 2 MiB, in the last 16 KiB of visible VRAM.
class ContextTables {
 public:
  explicit ContextTables(ChipMemory* chip) : chip_(chip) {
    for (uint64_t level = 0; level < 3; ++level) {
      Store(Table(level), abi::kPteValid | abi::kPteLocal | Table(level + 1));
    }
  }
  AddressSpace Space(uint32_t context) {
    return AddressSpace::User(&chip_->memory, context, Table(0));
  }
  void MapLocal(uint64_t page, uint64_t local_address, bool writable = true) {
    Store(Table(3) + page * 8,
          abi::kPteValid | abi::kPteLocal | (writable ? abi::kPteWritable : 0) | local_address);
  }
  void MapSystem(uint64_t page, uint64_t bus_address, bool writable = true) {
    Store(Table(3) + page * 8, abi::kPteValid | (writable ? abi::kPteWritable : 0) | bus_address);
  }
  void Unmap(uint64_t page) { Store(Table(3) + page * 8, 0); }

 private:
  static uint64_t Table(uint64_t level) { return ChipMemory::kVisibleBytes - (4 - level) * kPage; }
  void Store(uint64_t offset, uint64_t entry) { chip_->ports.vram.Store<uint64_t>(offset, entry); }

  ChipMemory* chip_;
};

// Bytes that differ from each other and from zero, by seed.
inline std::vector<uint8_t> Noise(size_t size, uint32_t seed) {
  std::vector<uint8_t> bytes(size);
  uint32_t state = seed * 2654435761u + 1;
  for (uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>((state >> 24) | 1);
  }
  return bytes;
}

// Steps a job until it is done or faults; how many steps it took goes to `steps`.
template <typename Engine>
Result<bool> RunJob(Engine* engine, EngineJob* job, uint64_t budget_bytes, int* steps = nullptr) {
  for (int step = 1;; ++step) {
    if (steps != nullptr) *steps = step;
    auto done = engine->Step(job, budget_bytes);
    if (!done.ok() || done.value()) return done;
  }
}

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_CHIP_MEMORY_H_
