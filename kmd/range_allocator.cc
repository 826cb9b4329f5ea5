#include "kmd/range_allocator.h"

#include <bit>
#include <iterator>

#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/bytes.h"

namespace ward::kmd {

uint64_t RoundToPages(uint64_t size_bytes) {
  WARD_ASSERT(size_bytes <= 1ull << 63);
  return (size_bytes + abi::kPageSize - 1) / abi::kPageSize * abi::kPageSize;
}

RangeAllocator::RangeAllocator(uint64_t base, uint64_t size_bytes) : free_bytes_(size_bytes) {
  WARD_ASSERT(IsAligned(base, abi::kPageSize) && IsAligned(size_bytes, abi::kPageSize));
  if (size_bytes != 0) free_[base] = size_bytes;
}

Result<uint64_t> RangeAllocator::Allocate(uint64_t size_bytes, uint64_t alignment) {
  WARD_ASSERT(std::has_single_bit(alignment) && alignment >= abi::kPageSize);
  // Compared before rounding, so that a caller's huge size can't wrap.
  if (size_bytes == 0 || size_bytes > free_bytes_) {
    return Fault{abi::kStatusOutOfMemory, "the range is full"};
  }
  const uint64_t size = RoundToPages(size_bytes);
  for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
    const auto [address, hole_bytes] = *hole;
    const uint64_t before = (alignment - address % alignment) % alignment;
    if (!RangeFits(before, size, hole_bytes)) continue;
    free_.erase(hole);
    if (before != 0) free_[address] = before;
    const uint64_t behind = hole_bytes - before - size;
    if (behind != 0) free_[address + before + size] = behind;
    free_bytes_ -= size;
    return address + before;
  }
  return Fault{abi::kStatusOutOfMemory, "no hole of the range is large enough"};
}

void RangeAllocator::Free(uint64_t address, uint64_t size_bytes) {
  uint64_t size = RoundToPages(size_bytes);
  free_bytes_ += size;
  auto next = free_.upper_bound(address);
  WARD_ASSERT(next == free_.end() || address + size <= next->first);
  if (next != free_.end() && address + size == next->first) {
    size += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    auto previous = std::prev(next);
    WARD_ASSERT(previous->first + previous->second <= address);
    if (previous->first + previous->second == address) {
      previous->second += size;
      return;
    }
  }
  free_[address] = size;
}

}  // namespace ward::kmd
