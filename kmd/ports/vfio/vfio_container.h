// One IOMMU group in a VFIO container of its own, and the memory mapped into it (type 1 v2).
#ifndef WARD_KMD_PORTS_VFIO_VFIO_CONTAINER_H_
#define WARD_KMD_PORTS_VFIO_VFIO_CONTAINER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "abi/pci_function.h"
#include "base/file_descriptor.h"
#include "kmd/ports/vfio/iova_space.h"

namespace ward::kmd {

class VfioContainer {
 public:
  VfioContainer() = default;
  VfioContainer(const VfioContainer&) = delete;
  VfioContainer& operator=(const VfioContainer&) = delete;
  ~VfioContainer();

  // Opens the group of the function at `address` ("0000:00:03.0"), bound to vfio-pci. On an error
  // `error` says what is wrong and what mends it.
  abi::PciError Open(const std::string& address, std::string* error);

  // The function's own file descriptor; invalid, with `error`, when the group does not give it.
  FileDescriptor OpenFunction(const std::string& address, std::string* error);

  // Zeroed memory, pinned and mapped. `size_bytes` is rounded up to pages.
  abi::PciError Allocate(size_t size_bytes, abi::DmaBuffer* buffer, std::string* error);

  // `buffer` comes from Allocate and the function does not use it any more.
  void Free(const abi::DmaBuffer& buffer);

 private:
  abi::PciError OpenContainer(std::string* error);
  abi::PciError OpenGroup(const std::string& address, std::string* error);
  abi::PciError ReadIovaRanges(std::string* error);
  void Unmap(const abi::DmaBuffer& buffer);

  FileDescriptor container_;
  FileDescriptor group_;  // closed before the container
  std::optional<IovaSpace> iova_space_;
  std::map<uint64_t, abi::DmaBuffer> buffers_;  // by bus address
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_VFIO_CONTAINER_H_
