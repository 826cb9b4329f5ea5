// First fit over a range of addresses, in pages. Knows addresses only, so it serves visible VRAM,
// protected VRAM and GPU virtual addresses alike.
#ifndef WARD_KMD_RANGE_ALLOCATOR_H_
#define WARD_KMD_RANGE_ALLOCATOR_H_

#include <cstdint>
#include <map>

#include "abi/generated/pci.h"
#include "base/result.h"

namespace ward::kmd {

class RangeAllocator {
 public:
  // [base, base + size_bytes), both multiples of a page, not wrapping. May be empty.
  RangeAllocator(uint64_t base, uint64_t size_bytes);

  // Contiguous pages from a multiple of `alignment`, a power of two of at least a page, on.
  // `size_bytes` is at least 1 and is rounded up to pages. OUT_OF_MEMORY.
  Result<uint64_t> Allocate(uint64_t size_bytes, uint64_t alignment = abi::kPageSize);
  // Exactly what Allocate gave.
  void Free(uint64_t address, uint64_t size_bytes);

  uint64_t free_bytes() const { return free_bytes_; }

 private:
  std::map<uint64_t, uint64_t> free_;  // size by address; neighbours are joined
  uint64_t free_bytes_;
};

// Rounds up to whole pages; `size_bytes` is at most 2^63.
uint64_t RoundToPages(uint64_t size_bytes);

}  // namespace ward::kmd

#endif  // WARD_KMD_RANGE_ALLOCATOR_H_
