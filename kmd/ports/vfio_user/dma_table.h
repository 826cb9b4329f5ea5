// The DMA buffers of a served function: memory of this process that the server reaches through a
// descriptor, or by messages that name a bus address.
#ifndef WARD_KMD_PORTS_VFIO_USER_DMA_TABLE_H_
#define WARD_KMD_PORTS_VFIO_USER_DMA_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "abi/pci_function.h"
#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "kmd/ports/vfio/iova_space.h"

namespace ward::kmd {

// The driver's thread allocates and frees, the receiving thread reads and writes.
class DmaTable {
 public:
  DmaTable();
  ~DmaTable();
  DmaTable(const DmaTable&) = delete;
  DmaTable& operator=(const DmaTable&) = delete;

  // Zeroed memory in a file of its own, which can neither shrink nor grow. `size_bytes` is rounded
  // up to pages. `fd` is the file's and stays the table's. kBadArgument, kNoMemory.
  abi::PciError Allocate(size_t size_bytes, abi::DmaBuffer* buffer, int* fd, std::string* error);
  // `buffer` comes from Allocate. The server does not know it any more.
  void Free(const abi::DmaBuffer& buffer);

  // While it is off, Read and Write are refused.
  void SetBusMaster(bool enable);

  // For the server: 0 or an errno. Neighbouring buffers may be crossed; a transfer that does not
  // lie in buffers wholly moves nothing. Nothing at all is reached with `size` 0. Naturally aligned
  // words of 4 and 8 bytes arrive whole, after all that was written before.
  uint32_t Read(uint64_t address, ByteSpan into) const;
  uint32_t Write(uint64_t address, ConstByteSpan from);

 private:
  struct Entry {
    abi::DmaBuffer buffer;
    FileDescriptor file;
  };
  // 0, ENODEV or EINVAL for the range; the mutex is held.
  uint32_t Check(uint64_t address, uint64_t size_bytes) const;
  // The bytes from `address` on that lie in one buffer, at most `size_bytes`; none where none are.
  ByteSpan PieceAt(uint64_t address, uint64_t size_bytes) const;

  mutable std::mutex mutex_;
  IovaSpace space_;
  std::map<uint64_t, Entry> entries_;  // by bus address
  bool bus_master_ = false;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_DMA_TABLE_H_
