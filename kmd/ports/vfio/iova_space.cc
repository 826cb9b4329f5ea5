#include "kmd/ports/vfio/iova_space.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace ward::kmd {

IovaSpace::IovaSpace(const std::vector<IovaRange>& usable) {
  for (const IovaRange& range : usable) AddWithoutReserved(range);
}

void IovaSpace::AddWithoutReserved(IovaRange range) {
  range.first = std::max(range.first, kLowestIova);
  if (range.first > range.last) return;
  if (range.first > kMessageWindow.last || range.last < kMessageWindow.first) {
    free_[range.first] = range.last;
    return;
  }
  if (range.first < kMessageWindow.first) free_[range.first] = kMessageWindow.first - 1;
  if (range.last > kMessageWindow.last) free_[kMessageWindow.last + 1] = range.last;
}

uint64_t IovaSpace::Allocate(uint64_t size_bytes, uint64_t alignment) {
  WARD_ASSERT(size_bytes != 0 && alignment != 0 && (alignment & (alignment - 1)) == 0);
  for (auto span = free_.begin(); span != free_.end(); ++span) {
    const auto [first, last] = *span;
    const uint64_t iova = (first + alignment - 1) & ~(alignment - 1);
    // The first comparison catches the rounding wrapping at 2^64.
    if (iova < first || iova > last || last - iova < size_bytes - 1) continue;
    const uint64_t end = iova + (size_bytes - 1);
    free_.erase(span);
    if (first < iova) free_[first] = iova - 1;
    if (end < last) free_[end + 1] = last;
    return iova;
  }
  return 0;
}

void IovaSpace::Free(uint64_t iova, uint64_t size_bytes) {
  uint64_t first = iova;
  uint64_t last = iova + (size_bytes - 1);
  auto after = free_.upper_bound(first);
  WARD_ASSERT(after == free_.end() || after->first > last);
  if (after != free_.end() && after->first == last + 1) {
    last = after->second;
    after = free_.erase(after);
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    WARD_ASSERT(before->second < first);
    if (before->second == first - 1) {
      before->second = last;
      return;
    }
  }
  free_[first] = last;
}

}  // namespace ward::kmd
