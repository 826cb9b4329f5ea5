// The message-signalled interrupts of one VFIO function, an eventfd for each vector.
#ifndef WARD_KMD_PORTS_VFIO_INTERRUPT_VECTORS_H_
#define WARD_KMD_PORTS_VFIO_INTERRUPT_VECTORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "base/file_descriptor.h"

namespace ward::kmd {

class InterruptVectors {
 public:
  // Enables `count` MSI-X vectors, or MSI ones on a function without MSI-X; 0 disables. `function`
  // is its VFIO descriptor. Vectors enabled before are given up first.
  abi::PciError Enable(int function, uint32_t count, std::string* error);

  // Waits at most `timeout_ms` until `vector` has fired since the last wait for it.
  abi::PciError Wait(uint32_t vector, uint32_t timeout_ms, std::string* error);

  // Has the kernel tell when somebody wants the function back (unplug); Wait then answers kGone.
  void WatchRemoval(int function);

 private:
  std::vector<FileDescriptor> events_;
  FileDescriptor removal_;
  uint32_t index_ = 0;  // VFIO_PCI_MSIX_IRQ_INDEX or VFIO_PCI_MSI_IRQ_INDEX
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_INTERRUPT_VECTORS_H_
