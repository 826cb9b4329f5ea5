// Decoder entry points.
#ifndef WARD_UMD_VIDEO_DECODER_DDI_H_
#define WARD_UMD_VIDEO_DECODER_DDI_H_

#include "umd/ddi/video_functions_wddm2.h"

namespace ward::umd {

void FillVideoDecoderFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);
// The same in the tables of WDDM 2.0 and 2.1, and of 2.4, with their own ways to submit buffers.
void FillVideoDecoderFunctions2_0(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions);
void FillVideoDecoderFunctions2_4(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_DECODER_DDI_H_
