// Entry points for authenticated channels: entries 71 to 76 of the video function table.
#ifndef WARD_UMD_AUTHENTICATED_CHANNEL_DDI_H_
#define WARD_UMD_AUTHENTICATED_CHANNEL_DDI_H_

#include "umd/ddi/video_functions.h"

namespace ward::umd {

void FillAuthenticatedChannelFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_AUTHENTICATED_CHANNEL_DDI_H_
