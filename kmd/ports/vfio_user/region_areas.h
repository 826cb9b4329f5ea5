// Which part of a region may be mapped: the capabilities behind its description, which are VFIO's
// (linux/vfio.h, struct vfio_region_info_cap_sparse_mmap).
#ifndef WARD_KMD_PORTS_VFIO_USER_REGION_AREAS_H_
#define WARD_KMD_PORTS_VFIO_USER_REGION_AREAS_H_

#include <cstdint>
#include <vector>

#include "abi/vfio_user.h"

namespace ward::kmd {

// Whether the region may be mapped from its first to its last byte: no areas are listed, or they
// follow each other without a gap. `body` is the whole reply, with the description `info` at its
// start. Capabilities that lead nowhere: false.
bool CoversWholeRegion(const abi::vfio_user::RegionInfo& info, const std::vector<uint8_t>& body);

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_REGION_AREAS_H_
