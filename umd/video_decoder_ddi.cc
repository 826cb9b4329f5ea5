#include "umd/video_decoder_ddi.h"

#include "umd/unsupported_function.h"

namespace ward::umd {

namespace {

// Asking is no mistake: no event.
void APIENTRY GetVideoDecoderProfileCount(D3D10DDI_HDEVICE, UINT* count) { ClearOutput(count); }

void APIENTRY CheckVideoDecoderFormat(D3D10DDI_HDEVICE, const GUID*, DXGI_FORMAT, BOOL* supported) {
  ClearOutput(supported);
}

void APIENTRY GetVideoDecoderConfigCount(D3D10DDI_HDEVICE, const D3D11_1DDI_VIDEO_DECODER_DESC*,
                                         UINT* count) {
  ClearOutput(count);
}

void APIENTRY GetVideoDecoderBufferTypeCount(D3D10DDI_HDEVICE, const D3D11_1DDI_VIDEO_DECODER_DESC*,
                                             UINT* count) {
  ClearOutput(count);
}

// What names the resource stays; there is nothing to capture from.
void APIENTRY GetCaptureHandle(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_GETCAPTUREHANDLEDATA* data) {
  CountUnsupported(hDevice.pDrvPrivate);
  if (data == nullptr) return;
  data->hAllocation = 0;
  data->DataOffset = 0;
  data->DataSize = 0;
}

}  // namespace

void FillVideoDecoderFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnGetVideoDecoderProfileCount = GetVideoDecoderProfileCount;
  functions->pfnCheckVideoDecoderFormat = CheckVideoDecoderFormat;
  functions->pfnGetVideoDecoderConfigCount = GetVideoDecoderConfigCount;
  functions->pfnGetVideoDecoderBufferTypeCount = GetVideoDecoderBufferTypeCount;
  functions->pfnGetCaptureHandle = GetCaptureHandle;
  MarkUnsupported(functions->pfnGetVideoDecoderProfile, functions->pfnGetVideoDecoderConfig,
                  functions->pfnGetVideoDecoderBufferInfo,
                  functions->pfnCalcPrivateVideoDecoderSize, functions->pfnCreateVideoDecoder,
                  functions->pfnDestroyVideoDecoder, functions->pfnVideoDecoderExtension,
                  functions->pfnVideoDecoderBeginFrame, functions->pfnVideoDecoderEndFrame,
                  functions->pfnVideoDecoderSubmitBuffers,
                  functions->pfnCalcPrivateVideoDecoderOutputViewSize,
                  functions->pfnCreateVideoDecoderOutputView,
                  functions->pfnDestroyVideoDecoderOutputView, functions->pfnVideoDecoderGetHandle);
}

}  // namespace ward::umd
