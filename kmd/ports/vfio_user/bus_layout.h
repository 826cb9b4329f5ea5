// Where things lie on the bus of a served function. No firmware has set it up before us, so this
// end does: DMA memory and BARs are kept apart, as on a real machine.
#ifndef WARD_KMD_PORTS_VFIO_USER_BUS_LAYOUT_H_
#define WARD_KMD_PORTS_VFIO_USER_BUS_LAYOUT_H_

#include <cstdint>

#include "kmd/ports/vfio/iova_space.h"

namespace ward::kmd {

// DMA memory: below the 32-bit BARs, and between 4 GiB and the 64-bit ones.
inline constexpr IovaRange kLowBusRange{0, 0xbfffffff};
inline constexpr IovaRange kHighBusRange{uint64_t{1} << 32, (uint64_t{1} << 46) - 1};

// BARs, up to a limit that is not theirs. The lower ones end where x86 has its interrupts.
inline constexpr uint64_t kLowBars = 0xc0000000;
inline constexpr uint64_t kLowBarsEnd = 0xfec00000;
inline constexpr uint64_t kHighBars = uint64_t{1} << 46;
inline constexpr uint64_t kHighBarsEnd = uint64_t{1} << 47;

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_BUS_LAYOUT_H_
