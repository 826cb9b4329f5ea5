#include "umd/video_processor_ddi.h"

#include <new>

#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/unsupported_function.h"
#include "umd/video_processor.h"
#include "umd/video_processor_state_ddi.h"

namespace ward::umd {

namespace {

constexpr UINT kFourCcNv12 = 0x3231564E;  // 'NV12'

template <typename Object, typename... Arguments>
HRESULT Make(Device* device, void* memory, Arguments... arguments) {
  if (memory == nullptr) return E_INVALIDARG;
  new (memory) Object(device, arguments...);
  return S_OK;
}

template <typename Object>
void Destroy(D3D10DDI_HDEVICE hDevice, void* memory) {
  Device* device = Device::From(hDevice);
  auto* object = DriverObject::Find<Object>(device, memory);
  if (object != nullptr) {
    object->~Object();
  } else if (device != nullptr) {
    device->events().Count("destruction of what is not there");
  }
}

SIZE_T APIENTRY CalcPrivateVideoProcessorEnumSize(D3D10DDI_HDEVICE,
                                                  const D3D11_1DDIARG_CREATEVIDEOPROCESSORENUM*) {
  return sizeof(VideoProcessorEnum);
}

HRESULT APIENTRY CreateVideoProcessorEnum(D3D10DDI_HDEVICE hDevice,
                                          const D3D11_1DDIARG_CREATEVIDEOPROCESSORENUM* arguments,
                                          D3D11_1DDI_HVIDEOPROCESSORENUM handle,
                                          D3D11_1DDI_HRTVIDEOPROCESSORENUM) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr) return E_INVALIDARG;
  return Make<VideoProcessorEnum>(device, handle.pDrvPrivate);
}

void APIENTRY DestroyVideoProcessorEnum(D3D10DDI_HDEVICE hDevice,
                                        D3D11_1DDI_HVIDEOPROCESSORENUM handle) {
  Destroy<VideoProcessorEnum>(hDevice, handle.pDrvPrivate);
}

void APIENTRY CheckVideoProcessorFormat(D3D10DDI_HDEVICE, D3D11_1DDI_HVIDEOPROCESSORENUM,
                                        DXGI_FORMAT format, UINT* supported) {
  if (supported == nullptr) return;
  *supported = 0;
  if (format == DXGI_FORMAT_NV12) *supported = D3D11_1DDI_VIDEO_PROCESSOR_FORMAT_SUPPORT_INPUT;
  if (format == DXGI_FORMAT_B8G8R8X8_UNORM) {
    *supported = D3D11_1DDI_VIDEO_PROCESSOR_FORMAT_SUPPORT_OUTPUT;
  }
}

void APIENTRY GetVideoProcessorCaps(D3D10DDI_HDEVICE, D3D11_1DDI_HVIDEOPROCESSORENUM,
                                    D3D11_1DDI_VIDEO_PROCESSOR_CAPS* caps) {
  if (caps == nullptr) return;
  *caps = {};
  caps->RateConversionCapsCount = 1;
  caps->MaxInputStreams = 1;
  caps->MaxStreamStates = 1;
}

// The one rate conversion converts nothing and needs no other frames.
void APIENTRY
GetVideoProcessorRateConversionCaps(D3D10DDI_HDEVICE, D3D11_1DDI_HVIDEOPROCESSORENUM, UINT,
                                    D3D11_1DDI_VIDEO_PROCESSOR_RATE_CONVERSION_CAPS* caps) {
  ClearOutput(caps);
}

SIZE_T APIENTRY CalcPrivateVideoProcessorSize(D3D10DDI_HDEVICE,
                                              const D3D11_1DDIARG_CREATEVIDEOPROCESSOR*) {
  return sizeof(VideoProcessor);
}

HRESULT APIENTRY CreateVideoProcessor(D3D10DDI_HDEVICE hDevice,
                                      const D3D11_1DDIARG_CREATEVIDEOPROCESSOR* arguments,
                                      D3D11_1DDI_HVIDEOPROCESSOR handle,
                                      D3D11_1DDI_HRTVIDEOPROCESSOR) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr) return E_INVALIDARG;
  const bool has_enum = DriverObject::Find<VideoProcessorEnum>(
                            device, arguments->hVideoProcessorEnum.pDrvPrivate) != nullptr;
  if (!has_enum || arguments->RateConversionCapsIndex != 0) {
    return device->events().Refuse("CreateVideoProcessor without its enumerator");
  }
  return Make<VideoProcessor>(device, handle.pDrvPrivate);
}

void APIENTRY DestroyVideoProcessor(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle) {
  Destroy<VideoProcessor>(hDevice, handle.pDrvPrivate);
}

SIZE_T APIENTRY CalcPrivateInputViewSize(D3D10DDI_HDEVICE,
                                         const D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW*) {
  return sizeof(VideoInputView);
}

HRESULT APIENTRY CreateInputView(D3D10DDI_HDEVICE hDevice,
                                 const D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW* arguments,
                                 D3D11_1DDI_HVIDEOPROCESSORINPUTVIEW handle,
                                 D3D11_1DDI_HRTVIDEOPROCESSORINPUTVIEW) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr) return E_INVALIDARG;
  const auto* resource = DriverObject::Find<Resource>(device, arguments->hDrvResource.pDrvPrivate);
  const bool is_nv12 = resource != nullptr && resource->layout().format == DXGI_FORMAT_NV12 &&
                       (arguments->FourCC == 0 || arguments->FourCC == kFourCcNv12);
  if (!is_nv12 || arguments->MipSlice != 0 || arguments->FirstArraySlice != 0) {
    return device->events().Refuse("an input view is of an NV12 texture");
  }
  return Make<VideoInputView>(device, handle.pDrvPrivate, resource);
}

void APIENTRY DestroyInputView(D3D10DDI_HDEVICE hDevice,
                               D3D11_1DDI_HVIDEOPROCESSORINPUTVIEW handle) {
  Destroy<VideoInputView>(hDevice, handle.pDrvPrivate);
}

SIZE_T APIENTRY CalcPrivateOutputViewSize(D3D10DDI_HDEVICE,
                                          const D3D11_1DDIARG_CREATEVIDEOPROCESSOROUTPUTVIEW*) {
  return sizeof(VideoOutputView);
}

HRESULT APIENTRY CreateOutputView(D3D10DDI_HDEVICE hDevice,
                                  const D3D11_1DDIARG_CREATEVIDEOPROCESSOROUTPUTVIEW* arguments,
                                  D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW handle,
                                  D3D11_1DDI_HRTVIDEOPROCESSOROUTPUTVIEW) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || arguments == nullptr) return E_INVALIDARG;
  const auto* resource = DriverObject::Find<Resource>(device, arguments->hDrvResource.pDrvPrivate);
  const bool is_xrgb =
      resource != nullptr && resource->layout().format == DXGI_FORMAT_B8G8R8X8_UNORM;
  if (!is_xrgb || arguments->MipSlice != 0 || arguments->FirstArraySlice != 0) {
    return device->events().Refuse("an output view is of a B8G8R8X8 texture");
  }
  return Make<VideoOutputView>(device, handle.pDrvPrivate, resource);
}

void APIENTRY DestroyOutputView(D3D10DDI_HDEVICE hDevice,
                                D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW handle) {
  Destroy<VideoOutputView>(hDevice, handle.pDrvPrivate);
}

// Commands of a context run in order, each after all effects of the one before: nothing to do.
void APIENTRY InputViewReadAfterWriteHazard(D3D10DDI_HDEVICE, D3D11_1DDI_HVIDEOPROCESSORINPUTVIEW,
                                            D3D10DDI_HRESOURCE) {}

HRESULT APIENTRY VideoProcessorBlt(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR hProcessor,
                                   D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW hOutputView, UINT,
                                   UINT stream_count,
                                   const D3D11_1DDI_VIDEO_PROCESSOR_STREAM* streams) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return E_INVALIDARG;
  auto* processor = DriverObject::Find<VideoProcessor>(device, hProcessor.pDrvPrivate);
  const auto* output = DriverObject::Find<VideoOutputView>(device, hOutputView.pDrvPrivate);
  if (processor == nullptr || output == nullptr || streams == nullptr || stream_count != 1) {
    return device->events().Refuse("VideoProcessorBlt takes one stream and its own objects");
  }
  const auto* input =
      DriverObject::Find<VideoInputView>(device, streams[0].hInputSurface.pDrvPrivate);
  if (streams[0].Enable == FALSE || input == nullptr) {
    return device->events().Refuse("VideoProcessorBlt without an input surface");
  }
  return processor->Blt(input->resource(), output->resource());
}

}  // namespace

void FillVideoProcessorFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnCalcPrivateVideoProcessorEnumSize = CalcPrivateVideoProcessorEnumSize;
  functions->pfnCreateVideoProcessorEnum = CreateVideoProcessorEnum;
  functions->pfnDestroyVideoProcessorEnum = DestroyVideoProcessorEnum;
  functions->pfnCheckVideoProcessorFormat = CheckVideoProcessorFormat;
  functions->pfnGetVideoProcessorCaps = GetVideoProcessorCaps;
  functions->pfnGetVideoProcessorRateConversionCaps = GetVideoProcessorRateConversionCaps;
  functions->pfnCalcPrivateVideoProcessorSize = CalcPrivateVideoProcessorSize;
  functions->pfnCreateVideoProcessor = CreateVideoProcessor;
  functions->pfnDestroyVideoProcessor = DestroyVideoProcessor;
  functions->pfnCalcPrivateVideoProcessorInputViewSize = CalcPrivateInputViewSize;
  functions->pfnCreateVideoProcessorInputView = CreateInputView;
  functions->pfnDestroyVideoProcessorInputView = DestroyInputView;
  functions->pfnCalcPrivateVideoProcessorOutputViewSize = CalcPrivateOutputViewSize;
  functions->pfnCreateVideoProcessorOutputView = CreateOutputView;
  functions->pfnDestroyVideoProcessorOutputView = DestroyOutputView;
  functions->pfnVideoProcessorInputViewReadAfterWriteHazard = InputViewReadAfterWriteHazard;
  functions->pfnVideoProcessorBlt = VideoProcessorBlt;
  MarkUnsupported(functions->pfnGetVideoProcessorCustomRate,
                  functions->pfnGetVideoProcessorFilterRange);
  FillVideoProcessorStateFunctions(functions);
}

}  // namespace ward::umd
