#include "umd/video_processor_ddi.h"

#include <new>

#include "abi/generated/registers.h"
#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/scaled_copy.h"
#include "umd/unsupported_function.h"
#include "umd/video_processor.h"
#include "umd/video_processor_state_ddi.h"

namespace ward::umd {

namespace {

// 0: the resource's own format.
constexpr UINT kFourCcNv12 = 0x3231564E;  // 'NV12'
constexpr UINT kFourCcP010 = 0x30313050;  // 'P010'

bool IsFourCcOf(UINT four_cc, DXGI_FORMAT format) {
  if (four_cc == 0) return true;
  return (four_cc == kFourCcNv12 && format == DXGI_FORMAT_NV12) ||
         (four_cc == kFourCcP010 && format == DXGI_FORMAT_P010);
}

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

void APIENTRY CheckVideoProcessorFormat(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSORENUM,
                                        DXGI_FORMAT format, UINT* supported) {
  if (supported == nullptr) return;
  *supported = 0;
  const Device* device = Device::From(hDevice);
  if (device == nullptr) return;
  if (IsScalableSource(*device, format)) {
    *supported |= D3D11_1DDI_VIDEO_PROCESSOR_FORMAT_SUPPORT_INPUT;
  }
  if (IsScalableDestination(format)) {
    *supported |= D3D11_1DDI_VIDEO_PROCESSOR_FORMAT_SUPPORT_OUTPUT;
  }
}

// No deinterlacing, alpha, keys, palettes, rotation, stereo, image filters or automatic processing:
// their bits stay clear, and their state functions count an event when they are switched on.
void APIENTRY GetVideoProcessorCaps(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSORENUM,
                                    D3D11_1DDI_VIDEO_PROCESSOR_CAPS* caps) {
  if (caps == nullptr) return;
  *caps = {};
  const Device* device = Device::From(hDevice);
  if (device == nullptr) return;
  caps->DeviceCaps = D3D11_1DDI_VIDEO_PROCESSOR_DEVICE_CAPS_YCbCr_MATRIX_CONVERSION;
  if (device->adapter().Has(abi::kFeaturesVideoFormatsMask)) {
    caps->DeviceCaps |= D3D11_1DDI_VIDEO_PROCESSOR_DEVICE_CAPS_RGB_RANGE_CONVERSION |
                        D3D11_1DDI_VIDEO_PROCESSOR_DEVICE_CAPS_NOMINAL_RANGE;
  }
  caps->RateConversionCapsCount = 1;
  caps->MaxInputStreams = kMaximumStreams;
  caps->MaxStreamStates = kMaximumStreams;
}

void CountMissing(D3D10DDI_HDEVICE hDevice, const char* reason) {
  if (Device* device = Device::From(hDevice); device != nullptr) device->events().Count(reason);
}

// The one rate conversion converts nothing, needs no other frames and has no custom rate.
void APIENTRY GetVideoProcessorRateConversionCaps(
    D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSORENUM, UINT index,
    D3D11_1DDI_VIDEO_PROCESSOR_RATE_CONVERSION_CAPS* caps) {
  ClearOutput(caps);
  if (index != 0) CountMissing(hDevice, "the video processor has one rate conversion");
}

void APIENTRY GetVideoProcessorCustomRate(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSORENUM,
                                          UINT, UINT,
                                          D3D11_1DDI_VIDEO_PROCESSOR_CUSTOM_RATE* rate) {
  ClearOutput(rate);
  CountMissing(hDevice, "the video processor has no custom rates");
}

void APIENTRY GetVideoProcessorFilterRange(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSORENUM,
                                           D3D11_1DDI_VIDEO_PROCESSOR_FILTER,
                                           D3D11_1DDI_VIDEO_PROCESSOR_FILTER_RANGE* range) {
  ClearOutput(range);
  CountMissing(hDevice, "the video processor has no image filters");
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
  const bool is_input = resource != nullptr &&
                        IsScalableSource(*device, resource->layout().format) &&
                        IsFourCcOf(arguments->FourCC, resource->layout().format);
  if (!is_input || arguments->MipSlice != 0 || arguments->FirstArraySlice != 0) {
    return device->events().Refuse("an input view is of a texture of an input format");
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
  const bool is_output = resource != nullptr && IsScalableDestination(resource->layout().format);
  if (!is_output || arguments->MipSlice != 0 || arguments->FirstArraySlice != 0) {
    return device->events().Refuse("an output view is of a B8G8R8X8 or B8G8R8A8 texture");
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

// Sets `source` to what the stream shows, null for nothing.
HRESULT FindSource(Device* device, const D3D11_1DDI_VIDEO_PROCESSOR_STREAM& stream,
                   const Resource** source) {
  *source = nullptr;
  if (stream.Enable == FALSE) return S_OK;
  if (stream.PastFrames != 0 || stream.FutureFrames != 0 ||
      stream.hInputSurfaceRight.pDrvPrivate != nullptr) {
    return device->events().Refuse("VideoProcessorBlt with other frames, or in stereo");
  }
  const auto* input = DriverObject::Find<VideoInputView>(device, stream.hInputSurface.pDrvPrivate);
  if (input == nullptr) {
    return device->events().Refuse("VideoProcessorBlt without an input surface");
  }
  *source = &input->resource();
  return S_OK;
}

HRESULT APIENTRY VideoProcessorBlt(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR hProcessor,
                                   D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW hOutputView, UINT,
                                   UINT stream_count,
                                   const D3D11_1DDI_VIDEO_PROCESSOR_STREAM* streams) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return E_INVALIDARG;
  auto* processor = DriverObject::Find<VideoProcessor>(device, hProcessor.pDrvPrivate);
  const auto* output = DriverObject::Find<VideoOutputView>(device, hOutputView.pDrvPrivate);
  if (processor == nullptr || output == nullptr) {
    return device->events().Refuse("VideoProcessorBlt takes its own device's objects");
  }
  if (streams == nullptr || stream_count == 0 || stream_count > kMaximumStreams) {
    return device->events().Refuse("VideoProcessorBlt takes one to four streams");
  }
  const Resource* sources[kMaximumStreams] = {};
  for (UINT i = 0; i < stream_count; ++i) {
    const HRESULT result = FindSource(device, streams[i], &sources[i]);
    if (FAILED(result)) return result;
  }
  return processor->Blt({sources, stream_count}, output->resource());
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
  functions->pfnGetVideoProcessorCustomRate = GetVideoProcessorCustomRate;
  functions->pfnGetVideoProcessorFilterRange = GetVideoProcessorFilterRange;
  FillVideoProcessorStateFunctions(functions);
}

}  // namespace ward::umd
