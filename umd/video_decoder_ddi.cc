#include "umd/video_decoder_ddi.h"

#include <new>

#include "base/rule.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/unsupported_function.h"
#include "umd/video_decoder.h"
#include "umd/video_decoder_output_view.h"
#include "umd/video_decoder_profile.h"

namespace ward::umd {

namespace {

// Asking is no mistake and no event; asking without the arguments, or beyond a count, is (R7).
template <typename... Arguments>
bool HasArguments(Device* device, const char* event, const Arguments*... arguments) {
  if (device == nullptr) return false;
  const bool has_all = ((arguments != nullptr) && ...);
  if (!has_all) device->events().Count(event);
  return has_all;
}

bool IsBelow(Device* device, const char* event, UINT index, UINT count) {
  if (index >= count) device->events().Count(event);
  return index < count;
}

void APIENTRY GetVideoDecoderProfileCount(D3D10DDI_HDEVICE hDevice, UINT* count) {
  ClearOutput(count);
  Device* device = Device::From(hDevice);
  if (!HasArguments(device, "GetVideoDecoderProfileCount without room", count)) return;
  *count = HasDecoders(device->adapter()) ? 1 : 0;
}

void APIENTRY GetVideoDecoderProfile(D3D10DDI_HDEVICE hDevice, UINT index, GUID* profile) {
  ClearOutput(profile);
  Device* device = Device::From(hDevice);
  if (!HasArguments(device, "GetVideoDecoderProfile without room", profile)) return;
  const UINT count = HasDecoders(device->adapter()) ? 1 : 0;
  if (IsBelow(device, "GetVideoDecoderProfile beyond the last", index, count)) {
    *profile = D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT;
  }
}

void APIENTRY CheckVideoDecoderFormat(D3D10DDI_HDEVICE hDevice, const GUID* profile,
                                      DXGI_FORMAT format, BOOL* supported) {
  ClearOutput(supported);
  Device* device = Device::From(hDevice);
  if (!HasArguments(device, "CheckVideoDecoderFormat without a profile or room", profile,
                    supported)) {
    return;
  }
  if (HasDecoders(device->adapter()) && IsDecoderProfile(*profile) && format == DXGI_FORMAT_NV12) {
    *supported = TRUE;
  }
}

void APIENTRY GetVideoDecoderConfigCount(D3D10DDI_HDEVICE hDevice,
                                         const D3D11_1DDI_VIDEO_DECODER_DESC* description,
                                         UINT* count) {
  ClearOutput(count);
  Device* device = Device::From(hDevice);
  if (!HasArguments(device, "GetVideoDecoderConfigCount without arguments", description, count) ||
      !IsDecodable(device->adapter(), *description)) {
    return;
  }
  *count = DecoderConfigCount(device->adapter());
}

void APIENTRY GetVideoDecoderConfig(D3D10DDI_HDEVICE hDevice,
                                    const D3D11_1DDI_VIDEO_DECODER_DESC* description, UINT index,
                                    D3D11_1DDI_VIDEO_DECODER_CONFIG* config) {
  ClearOutput(config);
  Device* device = Device::From(hDevice);
  if (!HasArguments(device, "GetVideoDecoderConfig without arguments", description, config) ||
      !IsDecodable(device->adapter(), *description)) {
    return;
  }
  const UINT count = DecoderConfigCount(device->adapter());
  if (IsBelow(device, "GetVideoDecoderConfig beyond the last", index, count)) {
    *config = MakeDecoderConfig(index);
  }
}

void APIENTRY GetVideoDecoderBufferTypeCount(D3D10DDI_HDEVICE hDevice,
                                             const D3D11_1DDI_VIDEO_DECODER_DESC* description,
                                             UINT* count) {
  ClearOutput(count);
  Device* device = Device::From(hDevice);
  if (HasArguments(device, "GetVideoDecoderBufferTypeCount without arguments", description,
                   count) &&
      IsDecodable(device->adapter(), *description)) {
    *count = kDecoderBufferTypeCount;
  }
}

void APIENTRY GetVideoDecoderBufferInfo(D3D10DDI_HDEVICE hDevice,
                                        const D3D11_1DDI_VIDEO_DECODER_DESC* description,
                                        UINT index, D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO* info) {
  ClearOutput(info);
  Device* device = Device::From(hDevice);
  if (HasArguments(device, "GetVideoDecoderBufferInfo without arguments", description, info) &&
      IsDecodable(device->adapter(), *description) &&
      IsBelow(device, "GetVideoDecoderBufferInfo beyond the last", index,
              kDecoderBufferTypeCount)) {
    *info = MakeDecoderBufferInfo(*description, index);
  }
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

HRESULT APIENTRY VideoDecoderBeginFrame(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HDECODE hDecoder,
                                        const D3D11_1DDIARG_VIDEODECODERBEGINFRAME* arguments) {
  VideoDecoder* decoder = FindDecoder(Device::From(hDevice), hDecoder);
  if (decoder == nullptr || arguments == nullptr) return E_INVALIDARG;
  return decoder->BeginFrame(*arguments);
}

void APIENTRY VideoDecoderEndFrame(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HDECODE hDecoder) {
  VideoDecoder* decoder = FindDecoder(Device::From(hDevice), hDecoder);
  if (decoder != nullptr) decoder->EndFrame();
}

// SubmitBuffers of D3D11.1, SubmitBuffers1 of WDDM 2.0, SubmitBuffers2 of WDDM 2.4.
template <typename Description>
HRESULT APIENTRY SubmitBuffers(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HDECODE hDecoder, UINT count,
                               const Description* descriptions) {
  Device* device = Device::From(hDevice);
  VideoDecoder* decoder = FindDecoder(device, hDecoder);
  if (decoder == nullptr) return E_INVALIDARG;
  if (count == 0 || descriptions == nullptr) {
    return device->events().Refuse("VideoDecoderSubmitBuffers without buffers");
  }
  return decoder->SubmitBuffers(count, descriptions);
}

HRESULT APIENTRY VideoDecoderExtension(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HDECODE hDecoder,
                                       const D3D11_1DDIARG_VIDEODECODEREXTENSION* arguments) {
  VideoDecoder* decoder = FindDecoder(Device::From(hDevice), hDecoder);
  if (decoder == nullptr || arguments == nullptr) return E_INVALIDARG;
  return decoder->RunExtension(*arguments);
}

SIZE_T APIENTRY CalcPrivateOutputViewSize(D3D10DDI_HDEVICE,
                                          const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW*) {
  return sizeof(VideoDecoderOutputView);
}

HRESULT APIENTRY CreateOutputView(D3D10DDI_HDEVICE hDevice,
                                  const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW* arguments,
                                  D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hView,
                                  D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr || hView.pDrvPrivate == nullptr) {
    return E_INVALIDARG;
  }
  const auto* resource = DriverObject::Find<Resource>(device, arguments->hDrvResource.pDrvPrivate);
  if (resource == nullptr || !resource->exists()) {
    return device->events().Refuse("a decoder's output view of no texture");
  }
  if (WARD_RULE("decoder.view_format", resource->layout().format != DXGI_FORMAT_NV12)) {
    return device->events().Refuse("a decoder's output view is of an NV12 texture");
  }
  if (WARD_RULE("decoder.view_profile", !IsDecoderProfile(arguments->DecodeProfile)) ||
      arguments->MipSlice != 0 || arguments->FirstArraySlice != 0) {
    return device->events().Refuse("a decoder's output view of another profile or subresource");
  }
  new (hView.pDrvPrivate) VideoDecoderOutputView(device, resource);
  return S_OK;
}

void APIENTRY DestroyOutputView(D3D10DDI_HDEVICE hDevice,
                                D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hView) {
  Device* device = Device::From(hDevice);
  auto* view = DriverObject::Find<VideoDecoderOutputView>(device, hView.pDrvPrivate);
  if (view != nullptr) {
    view->~VideoDecoderOutputView();
  } else if (device != nullptr) {
    device->events().Count("not an output view's handle");
  }
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
  functions->pfnGetVideoDecoderProfile = GetVideoDecoderProfile;
  functions->pfnCheckVideoDecoderFormat = CheckVideoDecoderFormat;
  functions->pfnGetVideoDecoderConfigCount = GetVideoDecoderConfigCount;
  functions->pfnGetVideoDecoderConfig = GetVideoDecoderConfig;
  functions->pfnGetVideoDecoderBufferTypeCount = GetVideoDecoderBufferTypeCount;
  functions->pfnGetVideoDecoderBufferInfo = GetVideoDecoderBufferInfo;
  functions->pfnCalcPrivateVideoDecoderSize = CalcPrivateVideoDecoderSize;
  functions->pfnCreateVideoDecoder = CreateVideoDecoder;
  functions->pfnDestroyVideoDecoder = DestroyVideoDecoder;
  functions->pfnVideoDecoderExtension = VideoDecoderExtension;
  functions->pfnVideoDecoderBeginFrame = VideoDecoderBeginFrame;
  functions->pfnVideoDecoderEndFrame = VideoDecoderEndFrame;
  functions->pfnVideoDecoderSubmitBuffers = SubmitBuffers<D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC>;
  functions->pfnCalcPrivateVideoDecoderOutputViewSize = CalcPrivateOutputViewSize;
  functions->pfnCreateVideoDecoderOutputView = CreateOutputView;
  functions->pfnDestroyVideoDecoderOutputView = DestroyOutputView;
  functions->pfnVideoDecoderGetHandle = VideoDecoderGetHandle;
  functions->pfnGetCaptureHandle = GetCaptureHandle;
}

void FillVideoDecoderFunctions2_0(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions) {
  FillVideoDecoderFunctions(functions);
  functions->pfnVideoDecoderSubmitBuffers1 =
      SubmitBuffers<D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1>;
}

void FillVideoDecoderFunctions2_4(D3DWDDM2_0DDI_VIDEODEVICEFUNCS* functions) {
  FillVideoDecoderFunctions(functions);
  functions->pfnVideoDecoderSubmitBuffers2 = SubmitBuffers<D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC>;
}

}  // namespace ward::umd
