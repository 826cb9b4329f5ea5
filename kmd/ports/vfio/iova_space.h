// Which I/O virtual addresses are free, so that DMA buffers get bus addresses of their own.
#ifndef WARD_KMD_PORTS_VFIO_IOVA_SPACE_H_
#define WARD_KMD_PORTS_VFIO_IOVA_SPACE_H_

#include <cstdint>
#include <map>
#include <vector>

namespace ward::kmd {

struct IovaRange {
  uint64_t first;
  uint64_t last;  // inclusive
};

class IovaSpace {
 public:
  // Nothing below this is handed out: a stray null-ish address in a command then faults.
  static constexpr uint64_t kLowestIova = 16u << 20;
  // x86 takes writes here as interrupt messages (Intel SDM vol. 3, "Message Address Register").
  static constexpr IovaRange kMessageWindow{0xfee00000, 0xfeefffff};

  // `usable` is what the IOMMU can map; kLowestIova and kMessageWindow are taken out of it.
  explicit IovaSpace(const std::vector<IovaRange>& usable);

  // The lowest free span. `size_bytes` is not 0, `alignment` a power of two. 0: no such span.
  uint64_t Allocate(uint64_t size_bytes, uint64_t alignment);

  // Gives back exactly what Allocate gave.
  void Free(uint64_t iova, uint64_t size_bytes);

 private:
  void AddWithoutReserved(IovaRange range);

  std::map<uint64_t, uint64_t> free_;  // first -> last, disjoint
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_IOVA_SPACE_H_
