// Entry points for the video processor.
#ifndef WARD_UMD_VIDEO_PROCESSOR_DDI_H_
#define WARD_UMD_VIDEO_PROCESSOR_DDI_H_

#include "umd/ddi/video_functions.h"

namespace ward::umd {

void FillVideoProcessorFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_PROCESSOR_DDI_H_
