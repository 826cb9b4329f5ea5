#include "kmd/ports/vfio_user/region_areas.h"

#include <linux/vfio.h>

#include <cstring>

#include "base/bytes.h"

namespace ward::kmd {
namespace {

namespace wire = abi::vfio_user;

// A chain can't be longer than the capabilities there are; this ends one that bites its tail.
constexpr int kMaximumCapabilities = 64;

template <typename T>
bool LoadAt(const std::vector<uint8_t>& body, uint64_t offset, T* value) {
  if (!RangeFits(offset, sizeof(T), body.size())) return false;
  std::memcpy(value, body.data() + offset, sizeof(T));
  return true;
}

bool AreasCover(const std::vector<uint8_t>& body, uint64_t offset, uint64_t region_bytes) {
  vfio_region_info_cap_sparse_mmap sparse{};
  if (!LoadAt(body, offset, &sparse)) return false;
  uint64_t covered = 0;
  for (uint32_t i = 0; i < sparse.nr_areas; ++i) {
    vfio_region_sparse_mmap_area area{};
    if (!LoadAt(body, offset + sizeof(sparse) + uint64_t{i} * sizeof(area), &area)) return false;
    if (area.offset != covered || area.size > region_bytes - covered) return false;
    covered += area.size;
  }
  return covered == region_bytes;
}

}  // namespace

bool CoversWholeRegion(const wire::RegionInfo& info, const std::vector<uint8_t>& body) {
  if ((info.flags & wire::kRegionCapabilities) == 0) return true;
  uint64_t offset = info.capability_offset;
  for (int i = 0; i < kMaximumCapabilities && offset != 0; ++i) {
    vfio_info_cap_header header{};
    if (!LoadAt(body, offset, &header)) return false;
    if (header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) return AreasCover(body, offset, info.size);
    offset = header.next;
  }
  return offset == 0;
}

}  // namespace ward::kmd
