// Entry points that set the video processor's state. What it does not have counts an event when it
// is switched on; switching it off is no mistake.
#ifndef WARD_UMD_VIDEO_PROCESSOR_STATE_DDI_H_
#define WARD_UMD_VIDEO_PROCESSOR_STATE_DDI_H_

#include "umd/ddi/video_functions.h"

namespace ward::umd {

void FillVideoProcessorStateFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_PROCESSOR_STATE_DDI_H_
