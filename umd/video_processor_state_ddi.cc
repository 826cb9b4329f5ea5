#include "umd/video_processor_state_ddi.h"

#include "umd/device.h"
#include "umd/unsupported_function.h"
#include "umd/video_processor.h"

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

VideoProcessor* FindStream(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                           UINT stream) {
  if (stream == 0) return FindProcessor(hDevice, handle);
  if (Device* device = Device::From(hDevice); device != nullptr) {
    device->events().Count("the video processor has one stream");
  }
  return nullptr;
}

void CountIf(D3D10DDI_HDEVICE hDevice, bool is_switched_on) {
  if (is_switched_on) CountUnsupported(hDevice.pDrvPrivate);
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
  CountIf(hDevice, is_ycbcr != FALSE);
  if (!is_ycbcr) processor->SetBackground(color->RGBA);
}

void APIENTRY SetOutputColorSpace(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                  const D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE* color_space) {
  if (FindProcessor(hDevice, handle) == nullptr || color_space == nullptr) return;
  CountIf(hDevice, color_space->RGB_Range != 0);  // output has the full range
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
  VideoProcessor* processor = FindStream(hDevice, handle, stream);
  if (processor == nullptr || color_space == nullptr) return;
  CountIf(hDevice, color_space->YCbCr_xvYCC != 0 ||
                       color_space->Nominal_Range ==
                           static_cast<UINT>(D3D11_1DDI_VIDEO_PROCESSOR_NOMINAL_RANGE_0_255));
  processor->SetColorSpace(color_space->YCbCr_Matrix != 0);
}

void APIENTRY SetStreamOutputRate(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR, UINT,
                                  D3D11_1DDI_VIDEO_PROCESSOR_OUTPUT_RATE rate, BOOL,
                                  const DXGI_RATIONAL*) {
  CountIf(hDevice, rate != D3D11_1DDI_VIDEO_PROCESSOR_OUTPUT_RATE_NORMAL);
}

void APIENTRY SetStreamSourceRect(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                  UINT stream, BOOL enable, const RECT* rect) {
  VideoProcessor* processor = FindStream(hDevice, handle, stream);
  if (processor != nullptr) processor->SetSourceRect(enable ? rect : nullptr);
}

void APIENTRY SetStreamDestRect(D3D10DDI_HDEVICE hDevice, D3D11_1DDI_HVIDEOPROCESSOR handle,
                                UINT stream, BOOL enable, const RECT* rect) {
  VideoProcessor* processor = FindStream(hDevice, handle, stream);
  if (processor != nullptr) processor->SetDestinationRect(enable ? rect : nullptr);
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
  MarkUnsupported(functions->pfnVideoProcessorSetOutputExtension,
                  functions->pfnVideoProcessorGetOutputExtension,
                  functions->pfnVideoProcessorSetStreamExtension,
                  functions->pfnVideoProcessorGetStreamExtension);
}

}  // namespace ward::umd
