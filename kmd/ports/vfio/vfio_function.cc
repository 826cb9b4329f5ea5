#include "kmd/ports/vfio/vfio_function.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

#include "kmd/ports/vfio/info_block.h"

namespace ward::kmd {
namespace {

using abi::DmaBuffer;
using abi::PciError;

static_assert(std::endian::native == std::endian::little, "PCI is little-endian, so is this port");

constexpr uint32_t kAllOnes = 0xffffffff;

bool IsAligned(uint32_t offset, uint32_t size_bytes) {
  return (size_bytes == 1 || size_bytes == 2 || size_bytes == 4) && offset % size_bytes == 0;
}

// A region with a sparse-mmap capability may be mapped in parts only; we map it whole or not.
bool IsMappedWhole(const InfoBlock& info, const vfio_region_info& region) {
  if ((region.flags & VFIO_REGION_INFO_FLAG_MMAP) == 0) return false;
  if ((region.flags & VFIO_REGION_INFO_FLAG_CAPS) == 0) return true;
  return info.FindCapability(region.cap_offset, VFIO_REGION_INFO_CAP_SPARSE_MMAP) == 0;
}

}  // namespace

PciError VfioFunction::Open(const std::string& address, std::unique_ptr<VfioFunction>* function,
                            std::string* error) {
  std::unique_ptr<VfioFunction> opened(new VfioFunction);
  const PciError result = opened->OpenFunction(address);
  if (result != PciError::kNone) {
    *error = opened->error_;
    return result;
  }
  *function = std::move(opened);
  return PciError::kNone;
}

PciError VfioFunction::OpenFunction(const std::string& address) {
  const PciError opened = container_.Open(address, &error_);
  if (opened != PciError::kNone) return opened;
  function_ = container_.OpenFunction(address, &error_);
  if (!function_.valid()) return PciError::kUnsupported;

  vfio_device_info info{};
  info.argsz = sizeof(info);
  if (ioctl(function_.get(), VFIO_DEVICE_GET_INFO, &info) != 0 ||
      (info.flags & VFIO_DEVICE_FLAGS_PCI) == 0) {
    error_ = address + " is no PCI function to VFIO";
    return PciError::kUnsupported;
  }
  resettable_ = (info.flags & VFIO_DEVICE_FLAGS_RESET) != 0;
  config_ = ReadRegion(VFIO_PCI_CONFIG_REGION_INDEX);
  for (int bar = 0; bar < kBarCount; ++bar) {
    bars_[static_cast<size_t>(bar)] =
        ReadRegion(VFIO_PCI_BAR0_REGION_INDEX + static_cast<uint32_t>(bar));
  }
  interrupts_.WatchRemoval(function_.get());
  const uint32_t command = ConfigRead(PCI_COMMAND, 2);
  ConfigWrite(PCI_COMMAND, 2, (command | PCI_COMMAND_MEMORY) & ~uint32_t{PCI_COMMAND_MASTER});
  return PciError::kNone;
}

VfioFunction::~VfioFunction() {
  if (!function_.valid()) return;
  EnableInterrupts(0);
  SetBusMaster(false);
  for (const Region& bar : bars_) {
    if (bar.mapping != nullptr) munmap(bar.mapping, bar.size);
  }
}

VfioFunction::Region VfioFunction::ReadRegion(uint32_t index) {
  vfio_region_info request{};
  request.index = index;
  const InfoBlock info(function_.get(), VFIO_DEVICE_GET_REGION_INFO, &request, sizeof(request));
  if (!info.valid()) return {};
  const auto region = info.Fixed<vfio_region_info>();
  return {region.size, region.offset, IsMappedWhole(info, region), nullptr};
}

uint32_t VfioFunction::ConfigRead(uint32_t offset, uint32_t size_bytes) {
  if (!IsAligned(offset, size_bytes) || offset >= config_.size) return kAllOnes;
  uint32_t value = 0;
  const auto at = static_cast<off_t>(config_.file_offset + offset);
  if (pread(function_.get(), &value, size_bytes, at) != static_cast<ssize_t>(size_bytes)) {
    return kAllOnes;
  }
  return value;
}

void VfioFunction::ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  if (!IsAligned(offset, size_bytes) || offset >= config_.size) return;
  const auto at = static_cast<off_t>(config_.file_offset + offset);
  if (pwrite(function_.get(), &value, size_bytes, at) != static_cast<ssize_t>(size_bytes)) {
    error_ = "configuration write at " + std::to_string(offset) + ": " + std::strerror(errno);
  }
  if ((offset & ~3u) == PCI_COMMAND) {
    decodes_memory_ = (ConfigRead(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) != 0;
  }
}

VfioFunction::Region* VfioFunction::FindBar(int bar) {
  if (bar < 0 || bar >= kBarCount) return nullptr;
  Region* region = &bars_[static_cast<size_t>(bar)];
  return region->size == 0 ? nullptr : region;
}

bool VfioFunction::CheckBarAccess(int bar, uint64_t offset) {
  const uint64_t size = BarSize(bar);
  const bool is_inside = size >= sizeof(uint32_t) && offset <= size - sizeof(uint32_t);
  if (is_inside && offset % sizeof(uint32_t) == 0 && decodes_memory_) return true;
  error_ = "no 32-bit access at offset " + std::to_string(offset) + " of BAR" +
           std::to_string(bar) + ", which has " + std::to_string(size) + " bytes" +
           (decodes_memory_ ? "" : "; memory decoding is off");
  return false;
}

uint32_t VfioFunction::BarRead32(int bar, uint64_t offset) {
  if (!CheckBarAccess(bar, offset)) return kAllOnes;
  uint32_t value = kAllOnes;
  if (const uint8_t* base = MapBar(bar)) {
    value = *reinterpret_cast<const volatile uint32_t*>(base + offset);
  } else {
    const auto at = static_cast<off_t>(FindBar(bar)->file_offset + offset);
    if (pread(function_.get(), &value, sizeof(value), at) != sizeof(value)) value = kAllOnes;
  }
  // What the function stored before it answered is read afterwards, not before.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return value;
}

void VfioFunction::BarWrite32(int bar, uint64_t offset, uint32_t value) {
  if (!CheckBarAccess(bar, offset)) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (uint8_t* base = MapBar(bar)) {
    *reinterpret_cast<volatile uint32_t*>(base + offset) = value;
    return;
  }
  const auto at = static_cast<off_t>(FindBar(bar)->file_offset + offset);
  if (pwrite(function_.get(), &value, sizeof(value), at) != sizeof(value)) {
    error_ = "register write to BAR" + std::to_string(bar) + ": " + std::strerror(errno);
  }
}

uint64_t VfioFunction::BarSize(int bar) {
  const Region* region = FindBar(bar);
  return region == nullptr ? 0 : region->size;
}

uint8_t* VfioFunction::MapBar(int bar) {
  Region* region = FindBar(bar);
  if (region == nullptr || !region->mappable) return nullptr;
  if (region->mapping == nullptr) {
    void* mapped = mmap(nullptr, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, function_.get(),
                        static_cast<off_t>(region->file_offset));
    if (mapped == MAP_FAILED) {
      error_ = "BAR" + std::to_string(bar) + " can't be mapped: " + std::strerror(errno);
      region->mappable = false;  // register accesses go through the file from now on
      return nullptr;
    }
    region->mapping = static_cast<uint8_t*>(mapped);
  }
  return region->mapping;
}

PciError VfioFunction::AllocateDma(size_t size_bytes, DmaBuffer* buffer) {
  return container_.Allocate(size_bytes, buffer, &error_);
}

void VfioFunction::FreeDma(const DmaBuffer& buffer) { container_.Free(buffer); }

PciError VfioFunction::SetBusMaster(bool enable) {
  const uint32_t command = ConfigRead(PCI_COMMAND, 2);
  if (command == kAllOnes || command == 0xffff) {
    error_ = "the function does not answer in configuration space";
    return PciError::kGone;
  }
  const uint32_t others = command & ~uint32_t{PCI_COMMAND_MASTER};
  ConfigWrite(PCI_COMMAND, 2, others | (enable ? PCI_COMMAND_MASTER : 0));
  return PciError::kNone;
}

PciError VfioFunction::EnableInterrupts(uint32_t count) {
  return interrupts_.Enable(function_.get(), count, &error_);
}

PciError VfioFunction::WaitInterrupt(uint32_t vector, uint32_t timeout_ms) {
  return interrupts_.Wait(vector, timeout_ms, &error_);
}

PciError VfioFunction::ResetFunction() {
  if (!resettable_) {
    error_ = "the kernel knows no way to reset this function alone (no FLR, no bus of its own)";
    return PciError::kUnsupported;
  }
  // The kernel saves and restores configuration space around a reset. A power-on state has both of
  // these off, so they are off when it saves.
  EnableInterrupts(0);
  const PciError quiet = SetBusMaster(false);
  if (quiet != PciError::kNone) return quiet;
  if (ioctl(function_.get(), VFIO_DEVICE_RESET) != 0) {
    error_ = std::string("the function was not reset: ") + std::strerror(errno);
    return errno == EAGAIN || errno == EBUSY ? PciError::kTimeout : PciError::kGone;
  }
  return PciError::kNone;
}

}  // namespace ward::kmd
