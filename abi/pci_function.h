// How a driver reaches a PCI function: configuration space, BARs, DMA memory, interrupts, reset.
// Implemented over real hardware (kmd/ports/vfio), and by the in-process host over the device model
// (emulator/in_process). A driver written against it can't tell which.
#ifndef WARD_ABI_PCI_FUNCTION_H_
#define WARD_ABI_PCI_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ward::abi {

enum class PciError {
  kNone = 0,
  kUnsupported,  // this function or this host can't do it
  kNoMemory,     // no memory, no IOVA space or no vectors left
  kBadArgument,  // BAR, offset, size or alignment that the function does not have
  kTimeout,      // nothing happened before the deadline
  kGone,         // the function does not answer any more (unplugged, server gone)
};

// Memory that both the driver and the function reach. `bus_address` is what the function uses: an
// IOVA behind an IOMMU. Page-aligned (4096), zeroed when it is handed out.
struct DmaBuffer {
  uint8_t* cpu = nullptr;
  uint64_t bus_address = 0;
  size_t size_bytes = 0;
};

class PciFunction {
 public:
  virtual ~PciFunction() = default;

  // Configuration space, `size_bytes` 1, 2 or 4, naturally aligned. Reads outside give all ones.
  virtual uint32_t ConfigRead(uint32_t offset, uint32_t size_bytes) = 0;
  virtual void ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) = 0;

  // One 32-bit access to a register BAR. Earlier stores to DMA memory are visible to the function
  // before a BarWrite32 (the implementation orders them).
  virtual uint32_t BarRead32(int bar, uint64_t offset) = 0;
  virtual void BarWrite32(int bar, uint64_t offset, uint32_t value) = 0;

  // Size of a BAR in bytes; 0 when the function has none of that number.
  virtual uint64_t BarSize(int bar) = 0;
  // Maps a memory BAR for direct access; the mapping lives as long as this object. Returns nullptr
  // when the BAR can't be mapped (registers, or no such BAR).
  virtual uint8_t* MapBar(int bar) = 0;

  // Copies bytes from and to a memory BAR, mapped or not. 8 bytes at a multiple of 8 are written as
  // one. kBadArgument (outside) and kUnsupported come before anything is moved; after any other
  // error the function is gone. Unless overridden: for BARs that MapBar maps.
  virtual PciError BarReadBlock(int bar, uint64_t offset, void* into, size_t size_bytes) {
    const uint8_t* base = nullptr;
    const PciError error = FindBlock(bar, offset, size_bytes, &base);
    if (error == PciError::kNone) std::memcpy(into, base + offset, size_bytes);
    return error;
  }
  virtual PciError BarWriteBlock(int bar, uint64_t offset, const void* from, size_t size_bytes) {
    const uint8_t* base = nullptr;
    const PciError error = FindBlock(bar, offset, size_bytes, &base);
    if (error != PciError::kNone) return error;
    uint8_t* to = MapBar(bar) + offset;
    uint64_t word = 0;
    if (size_bytes == sizeof(word) && offset % sizeof(word) == 0) {
      std::memcpy(&word, from, sizeof(word));
      *reinterpret_cast<volatile uint64_t*>(to) = word;
    } else {
      std::memcpy(to, from, size_bytes);
    }
    return PciError::kNone;
  }

  // DMA memory. The buffer lives until FreeDma or the end of this object.
  virtual PciError AllocateDma(size_t size_bytes, DmaBuffer* buffer) = 0;
  virtual void FreeDma(const DmaBuffer& buffer) = 0;

  // Bus mastering: while off, the function may not do DMA nor send interrupts.
  virtual PciError SetBusMaster(bool enable) = 0;

  // Message-signalled interrupts: enables `count` MSI-X vectors, 0 disables them.
  virtual PciError EnableInterrupts(uint32_t count) = 0;
  // Waits until `vector` has fired since the last wait for it, at most `timeout_ms` of host time.
  // An in-process host runs the device meanwhile and returns kTimeout when the device is idle.
  virtual PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) = 0;

  // Function-level reset. Afterwards configuration and registers are as after power-on, BARs
  // excepted, and DmaBuffers stay mapped.
  virtual PciError ResetFunction() = 0;

  // One line for people about the last error: what is wrong and what mends it.
  virtual const char* LastErrorText() const = 0;

 private:
  PciError FindBlock(int bar, uint64_t offset, size_t size_bytes, const uint8_t** base) {
    *base = MapBar(bar);
    if (*base == nullptr) return PciError::kUnsupported;
    const uint64_t size = BarSize(bar);
    return size_bytes <= size && offset <= size - size_bytes ? PciError::kNone
                                                             : PciError::kBadArgument;
  }
};

}  // namespace ward::abi

#endif  // WARD_ABI_PCI_FUNCTION_H_
