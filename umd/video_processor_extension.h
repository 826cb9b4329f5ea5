// This driver's own extension of the video processor: docs/spec/driver-private-data.md. The video
// processor's other extensions (pGuid) are none.
#ifndef WARD_UMD_VIDEO_PROCESSOR_EXTENSION_H_
#define WARD_UMD_VIDEO_PROCESSOR_EXTENSION_H_

#include "umd/ddi/windows_types.h"

namespace ward::umd {

// VideoProcessorSetStreamExtension and VideoProcessorGetStreamExtension: the stream's filter. Data:
// one UINT, 0 nearest, 1 bilinear, 2 area, 3 the driver's choice (as a stream begins).
inline constexpr GUID kScalingFilterExtension = {
    0x7d0e5a36, 0x3c1b, 0x4f52, {0x9a, 0x84, 0x57, 0x41, 0x52, 0x44, 0x00, 0x01}};

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_PROCESSOR_EXTENSION_H_
