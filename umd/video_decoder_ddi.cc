#include "umd/video_decoder_ddi.h"

#include <new>

#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/unsupported_function.h"
#include "umd/video_decoder.h"

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

VideoDecoder* FindDecoder(Device* device, D3D11_1DDI_HDECODE handle) {
  auto* decoder = DriverObject::Find<VideoDecoder>(device, handle.pDrvPrivate);
  if (decoder == nullptr && device != nullptr) device->events().Count("not a decoder's handle");
  return decoder;
}

SIZE_T APIENTRY CalcPrivateVideoDecoderSize(D3D10DDI_HDEVICE,
                                            const D3D11_1DDIARG_CREATEVIDEODECODER*) {
  return sizeof(VideoDecoder);
}

HRESULT APIENTRY CreateVideoDecoder(D3D10DDI_HDEVICE hDevice,
                                    const D3D11_1DDIARG_CREATEVIDEODECODER* arguments,
                                    D3D11_1DDI_HDECODE hDecoder, D3D11_1DDI_HRTDECODE) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr || hDecoder.pDrvPrivate == nullptr) {
    return E_INVALIDARG;
  }
  auto* decoder = new (hDecoder.pDrvPrivate) VideoDecoder(device);
  const HRESULT result = decoder->Open(*arguments);
  if (FAILED(result)) decoder->~VideoDecoder();
  return result;
}

void APIENTRY DestroyVideoDecoder(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HDECODE hDecoder) {
  Device* device = Device::From(hDevice);
  VideoDecoder* decoder = FindDecoder(device, hDecoder);
  if (decoder == nullptr) return;
  device->Report(decoder->Close());
  decoder->~VideoDecoder();
}

HRESULT APIENTRY VideoDecoderGetHandle(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HDECODE hDecoder,
                                       HANDLE* handle) {
  if (handle == nullptr) return E_INVALIDARG;
  *handle = nullptr;
  VideoDecoder* decoder = FindDecoder(Device::From(hDevice), hDecoder);
  if (decoder == nullptr) return E_INVALIDARG;
  *handle = reinterpret_cast<HANDLE>(static_cast<UINT_PTR>(decoder->handle()));
  return S_OK;
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
  functions->pfnCalcPrivateVideoDecoderSize = CalcPrivateVideoDecoderSize;
  functions->pfnCreateVideoDecoder = CreateVideoDecoder;
  functions->pfnDestroyVideoDecoder = DestroyVideoDecoder;
  functions->pfnVideoDecoderGetHandle = VideoDecoderGetHandle;
  functions->pfnGetCaptureHandle = GetCaptureHandle;
  MarkUnsupported(
      functions->pfnGetVideoDecoderProfile, functions->pfnGetVideoDecoderConfig,
      functions->pfnGetVideoDecoderBufferInfo, functions->pfnVideoDecoderExtension,
      functions->pfnVideoDecoderBeginFrame, functions->pfnVideoDecoderEndFrame,
      functions->pfnVideoDecoderSubmitBuffers, functions->pfnCalcPrivateVideoDecoderOutputViewSize,
      functions->pfnCreateVideoDecoderOutputView, functions->pfnDestroyVideoDecoderOutputView);
}

}  // namespace ward::umd
