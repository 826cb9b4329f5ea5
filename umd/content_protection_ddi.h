// Entry points for content protection: entries 58 to 70 and 78 of the video function table.
#ifndef WARD_UMD_CONTENT_PROTECTION_DDI_H_
#define WARD_UMD_CONTENT_PROTECTION_DDI_H_

#include "umd/ddi/video_functions.h"

namespace ward::umd {

void FillContentProtectionFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_CONTENT_PROTECTION_DDI_H_
