// A real PCI function, driven from user space through Linux VFIO (group and type 1 container).
// The function is bound to vfio-pci beforehand and sits behind an IOMMU. Not thread-safe.
#ifndef WARD_KMD_PORTS_VFIO_VFIO_FUNCTION_H_
#define WARD_KMD_PORTS_VFIO_VFIO_FUNCTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "abi/pci_function.h"
#include "base/file_descriptor.h"
#include "kmd/ports/vfio/interrupt_vectors.h"
#include "kmd/ports/vfio/vfio_container.h"

namespace ward::kmd {

class VfioFunction : public abi::PciFunction {
 public:
  // Opens the function at `address` ("0000:00:03.0"), with memory decoding on, bus mastering and
  // interrupts off. Errors: kBadArgument (no such function), kUnsupported (no IOMMU, no VFIO, not
  // bound, in use); `error` then says what mends it.
  static abi::PciError Open(const std::string& address, std::unique_ptr<VfioFunction>* function,
                            std::string* error);

  // Turns interrupts and bus mastering off, then frees everything.
  ~VfioFunction() override;

  uint32_t ConfigRead(uint32_t offset, uint32_t size_bytes) override;
  void ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) override;
  // An access outside the BAR, not aligned to 4, or while memory decoding is off reads all ones,
  // and writes nothing.
  uint32_t BarRead32(int bar, uint64_t offset) override;
  void BarWrite32(int bar, uint64_t offset, uint32_t value) override;
  uint64_t BarSize(int bar) override;
  // Maps any memory BAR that the kernel lets a user map, register BARs too. Touching the mapping
  // while memory decoding is off ends the program (SIGBUS).
  uint8_t* MapBar(int bar) override;
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override;
  void FreeDma(const abi::DmaBuffer& buffer) override;
  abi::PciError SetBusMaster(bool enable) override;
  // MSI-X, or MSI on a function that has no MSI-X.
  abi::PciError EnableInterrupts(uint32_t count) override;
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override;
  // Leaves memory decoding on, as it is part of how the BARs are set. kUnsupported: the kernel
  // knows no way to reset this function alone.
  abi::PciError ResetFunction() override;
  const char* LastErrorText() const override { return error_.c_str(); }

 private:
  struct Region {
    uint64_t size = 0;
    uint64_t file_offset = 0;
    bool mappable = false;
    uint8_t* mapping = nullptr;
  };
  static constexpr int kBarCount = 6;

  VfioFunction() = default;
  abi::PciError OpenFunction(const std::string& address);
  Region ReadRegion(uint32_t index);
  Region* FindBar(int bar);
  bool CheckBarAccess(int bar, uint64_t offset);

  VfioContainer container_;
  FileDescriptor function_;  // closed before the container
  InterruptVectors interrupts_;
  Region config_;
  std::array<Region, kBarCount> bars_;
  bool decodes_memory_ = false;  // the kernel sends SIGBUS for a mapped access while it is off
  bool resettable_ = false;
  std::string error_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_VFIO_FUNCTION_H_
