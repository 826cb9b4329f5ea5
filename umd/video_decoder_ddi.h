// Decoder entry points. Nothing is decoded: the counts are zero, and a decoder is but a handle.
#ifndef WARD_UMD_VIDEO_DECODER_DDI_H_
#define WARD_UMD_VIDEO_DECODER_DDI_H_

#include "umd/ddi/video_functions.h"

namespace ward::umd {

void FillVideoDecoderFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions);

}  // namespace ward::umd

#endif  // WARD_UMD_VIDEO_DECODER_DDI_H_
