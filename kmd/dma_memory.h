// System memory that the device reaches, freed when its owner ends.
#ifndef WARD_KMD_DMA_MEMORY_H_
#define WARD_KMD_DMA_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "abi/pci_function.h"
#include "base/bytes.h"
#include "base/result.h"

namespace ward::kmd {

class DmaMemory {
 public:
  // Zeroed, contiguous to the device, at least `size_bytes`. OUT_OF_MEMORY.
  static Result<DmaMemory> Allocate(abi::PciFunction* function, size_t size_bytes);

  DmaMemory() = default;
  ~DmaMemory() { Free(); }
  DmaMemory(DmaMemory&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)), buffer_(other.buffer_) {}
  DmaMemory& operator=(DmaMemory&& other) noexcept;
  DmaMemory(const DmaMemory&) = delete;
  DmaMemory& operator=(const DmaMemory&) = delete;

  ByteSpan bytes() const { return ByteSpan(buffer_.cpu, buffer_.size_bytes); }
  uint64_t bus_address() const { return buffer_.bus_address; }

 private:
  DmaMemory(abi::PciFunction* function, const abi::DmaBuffer& buffer)
      : function_(function), buffer_(buffer) {}
  void Free();

  abi::PciFunction* function_ = nullptr;  // null: holds nothing
  abi::DmaBuffer buffer_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_DMA_MEMORY_H_
