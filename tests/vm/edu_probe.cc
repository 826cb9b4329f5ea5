// Tries the VFIO port on QEMU's educational device (docs/specs/edu in QEMU): registers, DMA through
// the IOMMU, MSI. The device has no way to be reset alone, and no MSI-X.
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/vm/probe.h"

namespace {

using ward::abi::DmaBuffer;
using ward::abi::PciError;
using ward::abi::PciFunction;
using ward::kmd::VfioFunction;
using ward::probe::Check;

constexpr uint64_t kIdentity = 0x00;
constexpr uint64_t kLiveness = 0x04;
constexpr uint64_t kFactorial = 0x08;
constexpr uint64_t kStatus = 0x20;
constexpr uint64_t kInterruptStatus = 0x24;
constexpr uint64_t kInterruptRaise = 0x60;
constexpr uint64_t kInterruptAcknowledge = 0x64;
constexpr uint64_t kDmaSource = 0x80;
constexpr uint64_t kDmaDestination = 0x88;
constexpr uint64_t kDmaCount = 0x90;
constexpr uint64_t kDmaCommand = 0x98;
constexpr uint32_t kDmaStart = 1;
constexpr uint32_t kDmaToMemory = 2;
constexpr uint32_t kInnerBuffer = 0x40000;
// Not all 4096 of the device's buffer: QEMU 7.2 ends itself at a transfer up to the last byte.
constexpr uint32_t kTransferBytes = 2048;
constexpr size_t kPageBytes = 4096;

bool WaitZero(PciFunction& edu, uint64_t offset, uint32_t mask) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((edu.BarRead32(0, offset) & mask) != 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool Transfer(PciFunction& edu, uint64_t bus_address, bool to_memory) {
  const auto outer = static_cast<uint32_t>(bus_address);
  edu.BarWrite32(0, kDmaSource, to_memory ? kInnerBuffer : outer);
  edu.BarWrite32(0, kDmaDestination, to_memory ? outer : kInnerBuffer);
  edu.BarWrite32(0, kDmaCount, kTransferBytes);
  edu.BarWrite32(0, kDmaCommand, kDmaStart | (to_memory ? kDmaToMemory : 0));
  return WaitZero(edu, kDmaCommand, kDmaStart);
}

void FillPattern(const DmaBuffer& buffer, uint32_t seed) {
  for (size_t i = 0; i < buffer.size_bytes; ++i) {
    buffer.cpu[i] = static_cast<uint8_t>(i * 7 + i / 256 + seed);
  }
}

bool Same(const DmaBuffer& a, const DmaBuffer& b) {
  return std::memcmp(a.cpu, b.cpu, kTransferBytes) == 0;
}

void CheckConfiguration(VfioFunction& edu) {
  Check(edu.ConfigRead(0, 4) == 0x11e81234, "configuration: vendor and device", edu);
  Check(edu.ConfigRead(2, 2) == 0x11e8 && edu.ConfigRead(1, 1) == 0x12,
        "configuration: two and one byte", edu);
  Check(edu.ConfigRead(0x10000, 4) == 0xffffffff && edu.ConfigRead(1, 4) == 0xffffffff,
        "configuration: outside or unaligned reads all ones", edu);
  edu.ConfigWrite(0x3c, 1, 0x5a);
  Check(edu.ConfigRead(0x3c, 1) == 0x5a, "configuration: a written byte reads back", edu);
}

void CheckRegisters(VfioFunction& edu) {
  Check(edu.BarSize(0) == 1u << 20 && edu.BarSize(1) == 0 && edu.BarSize(6) == 0,
        "bar sizes: 1 MiB, none, none", edu);
  Check(edu.BarRead32(0, kIdentity) == 0x010000ed, "identity register", edu);
  edu.BarWrite32(0, kLiveness, 0x12345678);
  Check(edu.BarRead32(0, kLiveness) == ~0x12345678u, "liveness register inverts", edu);
  edu.BarWrite32(0, kFactorial, 10);
  Check(WaitZero(edu, kStatus, 1) && edu.BarRead32(0, kFactorial) == 3628800, "factorial of 10",
        edu);
  Check(edu.BarRead32(0, 1u << 20) == 0xffffffff && edu.BarRead32(0, 2) == 0xffffffff &&
            edu.BarRead32(3, 0) == 0xffffffff,
        "bar access outside, unaligned or to no bar reads all ones", edu);
  const uint8_t* mapped = edu.MapBar(0);
  Check(mapped != nullptr && edu.MapBar(1) == nullptr, "bar 0 can be mapped, bar 1 can't", edu);
  uint32_t identity = 0;
  if (mapped != nullptr) identity = *reinterpret_cast<const volatile uint32_t*>(mapped);
  Check(identity == 0x010000ed, "identity register through the mapping", edu);

  const uint32_t command = edu.ConfigRead(4, 2);
  edu.ConfigWrite(4, 2, command & ~2u);
  Check(edu.BarRead32(0, kIdentity) == 0xffffffff, "no register while memory decoding is off", edu);
  edu.ConfigWrite(4, 2, command);
  Check(edu.BarRead32(0, kIdentity) == 0x010000ed, "registers again with memory decoding", edu);
}

void CheckDma(VfioFunction& edu) {
  DmaBuffer from;
  DmaBuffer to;
  Check(edu.AllocateDma(kPageBytes, &from) == PciError::kNone &&
            edu.AllocateDma(kPageBytes - 1, &to) == PciError::kNone,
        "two DMA buffers", edu);
  Check(from.bus_address >= 16u << 20 && from.bus_address % 4096 == 0 && to.size_bytes == 4096,
        "DMA buffers are whole pages above 16 MiB", edu);
  FillPattern(from, 1);

  // Bus mastering is still off.
  Transfer(edu, from.bus_address, false);
  Transfer(edu, to.bus_address, true);
  Check(to.cpu[0] == 0 && std::memcmp(to.cpu, to.cpu + 1, kPageBytes - 1) == 0,
        "no DMA while bus mastering is off", edu);

  Check(edu.SetBusMaster(true) == PciError::kNone, "bus mastering on", edu);
  Check(Transfer(edu, from.bus_address, false) && Transfer(edu, to.bus_address, true) &&
            Same(from, to),
        "DMA out of memory and back", edu);

  DmaBuffer gone;
  Check(edu.AllocateDma(kPageBytes, &gone) == PciError::kNone, "a third DMA buffer", edu);
  FillPattern(gone, 99);
  DmaBuffer copy;
  Check(edu.AllocateDma(kPageBytes, &copy) == PciError::kNone, "a fourth DMA buffer", edu);
  std::memcpy(copy.cpu, gone.cpu, kPageBytes);
  edu.FreeDma(gone);
  Transfer(edu, gone.bus_address, false);
  Transfer(edu, to.bus_address, true);
  Check(!Same(to, copy), "a freed DMA buffer can't be reached", edu);
  Check(Transfer(edu, from.bus_address, false) && Transfer(edu, to.bus_address, true) &&
            Same(from, to),
        "DMA works after the refused one", edu);

  DmaBuffer again;
  Check(edu.AllocateDma(kPageBytes, &again) == PciError::kNone &&
            again.bus_address == gone.bus_address && again.cpu[0] == 0,
        "a freed address is given again, zeroed", edu);
  DmaBuffer large;
  Check(edu.AllocateDma(5u << 20, &large) == PciError::kNone &&
            large.bus_address % (2u << 20) == 0 && large.size_bytes == 5u << 20,
        "a large DMA buffer starts at 2 MiB", edu);
  edu.FreeDma(large);
  DmaBuffer none;
  Check(edu.AllocateDma(0, &none) == PciError::kBadArgument && none.cpu == nullptr,
        "a DMA buffer of no bytes is refused", edu);
  Check(edu.AllocateDma(size_t{1} << 45, &none) == PciError::kNoMemory && none.cpu == nullptr,
        "a DMA buffer larger than the address space is refused", edu);
}

void CheckInterrupts(VfioFunction& edu) {
  Check(edu.WaitInterrupt(0, 0) == PciError::kBadArgument, "no wait before vectors are enabled",
        edu);
  Check(edu.EnableInterrupts(1000) == PciError::kNoMemory, "a thousand vectors are refused", edu);
  Check(edu.EnableInterrupts(1) == PciError::kNone, "one MSI vector", edu);
  Check(edu.WaitInterrupt(0, 20) == PciError::kTimeout, "nothing fired yet", edu);
  edu.BarWrite32(0, kInterruptRaise, 4);
  Check(edu.WaitInterrupt(0, 5000) == PciError::kNone, "a raised interrupt arrives", edu);
  Check(edu.BarRead32(0, kInterruptStatus) == 4, "its cause is the one raised", edu);
  Check(edu.WaitInterrupt(0, 20) == PciError::kTimeout, "it arrives once", edu);
  edu.BarWrite32(0, kInterruptAcknowledge, 4);
  Check(edu.EnableInterrupts(0) == PciError::kNone &&
            edu.WaitInterrupt(0, 0) == PciError::kBadArgument,
        "vectors disabled", edu);
  Check(edu.EnableInterrupts(1) == PciError::kNone, "a vector again", edu);
  edu.BarWrite32(0, kInterruptRaise, 8);
  Check(edu.WaitInterrupt(0, 5000) == PciError::kNone, "an interrupt again", edu);
  edu.BarWrite32(0, kInterruptAcknowledge, 8);
}

void CheckOpening() {
  std::unique_ptr<VfioFunction> second;
  std::string error;
  const auto opened = VfioFunction::Open("0000:00:00.0", &second, &error);
  auto edu = ward::probe::OpenFunction();
  Check(opened == PciError::kUnsupported && error.find("vfio-pci") != std::string::npos,
        "a function not bound to vfio-pci is refused with the mending command", *edu);
  const auto busy = VfioFunction::Open(std::getenv("WARD_PCI_ADDRESS"), &second, &error);
  Check(busy == PciError::kUnsupported && error.find("another program") != std::string::npos,
        "a function in use is refused", *edu);
  Check(VfioFunction::Open("0000:ff:1f.7", &second, &error) == PciError::kBadArgument,
        "a function that does not exist is refused", *edu);
}

}  // namespace

int main() {
  CheckOpening();
  {
    auto edu = ward::probe::OpenFunction();
    CheckConfiguration(*edu);
    CheckRegisters(*edu);
    CheckDma(*edu);
    CheckInterrupts(*edu);
    Check(edu->ResetFunction() == PciError::kUnsupported, "no reset on a shared root bus", *edu);
  }
  auto edu = ward::probe::OpenFunction();
  Check((edu->ConfigRead(4, 2) & 4) == 0 && edu->BarRead32(0, kIdentity) == 0x010000ed,
        "opened again: bus mastering off, registers answer", *edu);
  return ward::probe::failures == 0 ? 0 : 1;
}
