#include "umd/video_processor_state_ddi.h"

#include <cstring>

#include "abi/generated/registers.h"
#include "umd/device.h"
#include "umd/unsupported_function.h"
#include "umd/video_processor.h"
#include "umd/video_processor_extension.h"

namespace ward::umd {

namespace {

VideoProcessor* FindProcessor(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle) {
  Device* device = Device::From(hDevice);
  auto* processor = DriverObject::Find<VideoProcessor>(device, handle.pDrvPrivate);
  if (processor == nullptr && device != nullptr) {
    device->events().Count("not a video processor's handle");
  }
  return processor;
}

// State of one stream, null for a stream that the video processor does not have.
VideoStreamState* FindStream(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                             UINT stream) {
  VideoProcessor* processor = FindProcessor(hDevice, handle);
  if (processor == nullptr) return nullptr;
  if (stream < kMaximumStreams) return &processor->stream(stream);
  Device::From(hDevice)->events().Count("the video processor has four streams");
  return nullptr;
}

void CountIf(D3D10DDI_HDEVICE hDevice, bool is_switched_on) {
  if (is_switched_on) CountUnsupported(hDevice.pDrvPrivate);
}

// Full range in and limited range out, which caps offer then.
bool HasRanges(D3D10DDI_HDEVICE hDevice) {
  return Device::From(hDevice)->adapter().Has(abi::kFeaturesVideoFormatsMask);
}

void APIENTRY SetOutputTargetRect(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                  BOOL enable, const RECT* rect) {
  VideoProcessor* processor = FindProcessor(hDevice, handle);
  if (processor != nullptr) processor->SetTargetRect(enable ? rect : nullptr);
}

void APIENTRY SetOutputBackgroundColor(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                       BOOL is_ycbcr, const D3D11_1DDI_VIDEO_COLOR* color) {
  VideoProcessor* processor = FindProcessor(hDevice, handle);
  if (processor == nullptr || color == nullptr) return;
  processor->SetBackground(is_ycbcr != FALSE, *color);
}

void APIENTRY SetOutputColorSpace(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                  const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE* color_space) {
  VideoProcessor* processor = FindProcessor(hDevice, handle);
  if (processor == nullptr || color_space == nullptr) return;
  const bool is_limited = color_space->RGB_Range != 0;
  if (is_limited && !HasRanges(hDevice)) return CountUnsupported(hDevice.pDrvPrivate);
  processor->SetOutputColorSpace(*color_space);
}

void APIENTRY SetOutputAlphaFillMode(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR,
                                     D3D11_1DDI_VIDEO_PROCESSOR_ALPHA_FILL_MODE mode, UINT) {
  CountIf(hDevice, mode != D3D11_1DDI_VIDEO_PROCESSOR_ALPHA_FILL_MODE_OPAQUE);
}

void APIENTRY SetOutputConstriction(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR,
                                    BOOL enable, SIZE) {
  CountIf(hDevice, enable != FALSE);
}

void APIENTRY SetOutputStereoMode(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR,
                                  BOOL enable) {
  CountIf(hDevice, enable != FALSE);
}

void APIENTRY SetStreamFrameFormat(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                   D3D11_1DDI_VIDEO_FRAME_FORMAT format) {
  CountIf(hDevice, format != D3D11_1DDI_VIDEO_FRAME_FORMAT_PROGRESSIVE);
}

void APIENTRY SetStreamColorSpace(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                  UINT stream,
                                  const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE* color_space) {
  VideoStreamState* state = FindStream(hDevice, handle, stream);
  if (state == nullptr || color_space == nullptr) return;
  state->color_space = *color_space;
  const bool is_full = color_space->Nominal_Range ==
                       static_cast<UINT>(D3D11_1DDI_VIDEO_PROCESSOR_NOMINAL_RANGE_0_255);
  if (!is_full || HasRanges(hDevice)) return CountIf(hDevice, color_space->YCbCr_xvYCC != 0);
  state->color_space.Nominal_Range = 0;
  CountUnsupported(hDevice.pDrvPrivate);
}

void APIENTRY SetStreamOutputRate(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                  D3D11_1DDI_VIDEO_PROCESSOR_OUTPUT_RATE rate, BOOL,
                                  const DXGI_RATIONAL*) {
  CountIf(hDevice, rate != D3D11_1DDI_VIDEO_PROCESSOR_OUTPUT_RATE_NORMAL);
}

void APIENTRY SetStreamSourceRect(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                  UINT stream, BOOL enable, const RECT* rect) {
  VideoStreamState* state = FindStream(hDevice, handle, stream);
  if (state != nullptr) state->source = VideoProcessor::MakeOptional(enable ? rect : nullptr);
}

void APIENTRY SetStreamDestRect(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                UINT stream, BOOL enable, const RECT* rect) {
  VideoStreamState* state = FindStream(hDevice, handle, stream);
  if (state != nullptr) state->destination = VideoProcessor::MakeOptional(enable ? rect : nullptr);
}

void APIENTRY SetStreamAlpha(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                             BOOL enable, FLOAT alpha) {
  CountIf(hDevice, enable != FALSE && alpha < 1);
}

void APIENTRY SetStreamPalette(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                               UINT count, const UINT*) {
  CountIf(hDevice, count != 0);
}

void APIENTRY SetStreamPixelAspectRatio(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                        BOOL enable, const DXGI_RATIONAL*, const DXGI_RATIONAL*) {
  CountIf(hDevice, enable != FALSE);
}

void APIENTRY SetStreamLumaKey(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                               BOOL enable, FLOAT, FLOAT) {
  CountIf(hDevice, enable != FALSE);
}

void APIENTRY SetStreamStereoFormat(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                    BOOL enable, D3D11_1DDI_VIDEO_PROCESSOR_STEREO_FORMAT, BOOL,
                                    BOOL, D3D11_1DDI_VIDEO_PROCESSOR_STEREO_FLIP_MODE, int) {
  CountIf(hDevice, enable != FALSE);
}

// There is nothing automatic to switch on or off.
void APIENTRY SetStreamAutoProcessingMode(D3D10DDI_HDEVICE, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                          BOOL) {}

void APIENTRY SetStreamFilter(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                              D3D11_1DDI_VIDEO_PROCESSOR_FILTER, BOOL enable, int) {
  CountIf(hDevice, enable != FALSE);
}

void APIENTRY SetStreamRotation(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                BOOL enable, D3D11_1DDI_VIDEO_PROCESSOR_ROTATION rotation) {
  CountIf(hDevice, enable != FALSE && rotation != D3D11_1DDI_VIDEO_PROCESSOR_ROTATION_IDENTITY);
}

HRESULT NoExtension(D3D10DDI_HDEVICE hDevice) {
  Device* device = Device::From(hDevice);
  if (device == nullptr) return E_INVALIDARG;
  return device->events().Refuse("no such extension of the video processor");
}

// The output has no extension.
HRESULT APIENTRY SetOutputExtension(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR,
                                    const GUID*, UINT, void*) {
  return NoExtension(hDevice);
}

HRESULT APIENTRY GetOutputExtension(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR,
                                    const GUID*, UINT size_bytes, void* data) {
  if (data != nullptr) std::memset(data, 0, size_bytes);
  return NoExtension(hDevice);
}

bool IsFilterExtension(const GUID* guid, UINT size_bytes, const void* data) {
  return guid != nullptr && *guid == kScalingFilterExtension && size_bytes == sizeof(UINT) &&
         data != nullptr;
}

HRESULT APIENTRY SetStreamExtension(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                    UINT stream, const GUID* guid, UINT size_bytes, void* data) {
  VideoStreamState* state = FindStream(hDevice, handle, stream);
  if (state == nullptr) return E_INVALIDARG;
  if (!IsFilterExtension(guid, size_bytes, data)) return NoExtension(hDevice);
  UINT filter = 0;
  std::memcpy(&filter, data, sizeof(filter));
  const bool is_area = filter == static_cast<UINT>(ScalingFilter::kArea);
  if (filter > static_cast<UINT>(ScalingFilter::kAutomatic) || (is_area && !HasRanges(hDevice))) {
    return Device::From(hDevice)->events().Refuse("no such filter");
  }
  state->filter = static_cast<ScalingFilter>(filter);
  return S_OK;
}

HRESULT APIENTRY GetStreamExtension(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                    UINT stream, const GUID* guid, UINT size_bytes, void* data) {
  if (data != nullptr) std::memset(data, 0, size_bytes);
  const VideoStreamState* state = FindStream(hDevice, handle, stream);
  if (state == nullptr) return E_INVALIDARG;
  if (!IsFilterExtension(guid, size_bytes, data)) return NoExtension(hDevice);
  const UINT filter = static_cast<UINT>(state->filter);
  std::memcpy(data, &filter, sizeof(filter));
  return S_OK;
}

}  // namespace

void FillVideoProcessorStateFunctions(D3D11_1DDI_VIDEODEVICEFUNCS* functions) {
  functions->pfnVideoProcessorSetOutputTargetRect = SetOutputTargetRect;
  functions->pfnVideoProcessorSetOutputBackgroundColor = SetOutputBackgroundColor;
  functions->pfnVideoProcessorSetOutputColorSpace = SetOutputColorSpace;
  functions->pfnVideoProcessorSetOutputAlphaFillMode = SetOutputAlphaFillMode;
  functions->pfnVideoProcessorSetOutputConstriction = SetOutputConstriction;
  functions->pfnVideoProcessorSetOutputStereoMode = SetOutputStereoMode;
  functions->pfnVideoProcessorSetStreamFrameFormat = SetStreamFrameFormat;
  functions->pfnVideoProcessorSetStreamColorSpace = SetStreamColorSpace;
  functions->pfnVideoProcessorSetStreamOutputRate = SetStreamOutputRate;
  functions->pfnVideoProcessorSetStreamSourceRect = SetStreamSourceRect;
  functions->pfnVideoProcessorSetStreamDestRect = SetStreamDestRect;
  functions->pfnVideoProcessorSetStreamAlpha = SetStreamAlpha;
  functions->pfnVideoProcessorSetStreamPalette = SetStreamPalette;
  functions->pfnVideoProcessorSetStreamPixelAspectRatio = SetStreamPixelAspectRatio;
  functions->pfnVideoProcessorSetStreamLumaKey = SetStreamLumaKey;
  functions->pfnVideoProcessorSetStreamStereoFormat = SetStreamStereoFormat;
  functions->pfnVideoProcessorSetStreamAutoProcessingMode = SetStreamAutoProcessingMode;
  functions->pfnVideoProcessorSetStreamFilter = SetStreamFilter;
  functions->pfnVideoProcessorSetStreamRotation = SetStreamRotation;
  functions->pfnVideoProcessorSetOutputExtension = SetOutputExtension;
  functions->pfnVideoProcessorGetOutputExtension = GetOutputExtension;
  functions->pfnVideoProcessorSetStreamExtension = SetStreamExtension;
  functions->pfnVideoProcessorGetStreamExtension = GetStreamExtension;
}

}  // namespace ward::umd
