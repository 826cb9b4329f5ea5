#include "kmd/dma_memory.h"

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "kmd/register_window.h"

namespace ward::kmd {

Result<DmaMemory> DmaMemory::Allocate(abi::PciFunction* function, size_t size_bytes) {
  abi::DmaBuffer buffer;
  const abi::PciError error = function->AllocateDma(size_bytes, &buffer);
  if (error != abi::PciError::kNone) return PciFault(error, "no DMA memory");
  DmaMemory memory(function, buffer);
  // Page tables have room for 52 bits of a bus address.
  const uint64_t limit = abi::kPhysicalAddressMask + 1;
  if (buffer.cpu == nullptr || buffer.size_bytes < size_bytes ||
      !IsAligned(buffer.bus_address, abi::kPageSize) ||
      !RangeFits(buffer.bus_address, buffer.size_bytes, limit)) {
    if (HasPlantedBug(PlantedBug::kBadDmaMemoryKept)) memory.function_ = nullptr;
    return Fault{abi::kStatusOutOfMemory, "DMA memory lies where the device can't reach it",
                 buffer.bus_address};
  }
  return memory;
}

DmaMemory& DmaMemory::operator=(DmaMemory&& other) noexcept {
  if (this != &other) {
    Free();
    function_ = std::exchange(other.function_, nullptr);
    buffer_ = other.buffer_;
  }
  return *this;
}

void DmaMemory::Free() {
  if (function_ != nullptr) function_->FreeDma(buffer_);
  function_ = nullptr;
}

}  // namespace ward::kmd
