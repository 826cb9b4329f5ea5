// Builds ALLOCATION_DATA, what an allocation tells the kernel-mode driver.
#ifndef WARD_UMD_ALLOCATION_DATA_H_
#define WARD_UMD_ALLOCATION_DATA_H_

#include "abi/generated/pci.h"
#include "abi/generated/private_data.h"
#include "abi/generated/registers.h"
#include "umd/kernel_device.h"

namespace ward::umd {

// ABI_VERSION that this driver was built for.
inline constexpr uint32_t kDriverAbiVersion =
    abi::kAbiMajor << abi::kAbiVersionMajorShift | abi::kAbiMinor << abi::kAbiVersionMinorShift;

// Memory that can't be presented.
constexpr abi::AllocationData MakeAllocationData(Segment segment, uint64_t size_bytes) {
  abi::AllocationData data = {};
  data.abi_version = kDriverAbiVersion;
  data.segment = static_cast<uint32_t>(segment);
  data.size_bytes = size_bytes;
  return data;
}

}  // namespace ward::umd

#endif  // WARD_UMD_ALLOCATION_DATA_H_
