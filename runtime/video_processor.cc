#include "runtime/video_processor.h"

#include <utility>

namespace ward::runtime {

HRESULT VideoProcessorEnumerator::Create(Device* device,
                                         const D3D11_1DDI_VIDEO_PROCESSOR_CONTENT_DESC& content,
                                         std::unique_ptr<VideoProcessorEnumerator>* enumerator) {
  if (content.InputWidth == 0 || content.InputHeight == 0 || content.OutputWidth == 0 ||
      content.OutputHeight == 0) {
    return E_INVALIDARG;
  }
  const D3D11_1DDIARG_CREATEVIDEOPROCESSORENUM arguments = {content};
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device->video_functions();
  const D3D10DDI_HDEVICE handle = device->driver_handle();
  std::unique_ptr<VideoProcessorEnumerator> made(new VideoProcessorEnumerator(device));
  if (!made->memory_.Allocate(driver.pfnCalcPrivateVideoProcessorEnumSize(handle, &arguments))) {
    return E_OUTOFMEMORY;
  }
  const HRESULT result =
      driver.pfnCreateVideoProcessorEnum(handle, &arguments, made->driver_handle(), {made.get()});
  if (FAILED(result)) return result;
  made->exists_ = true;
  *enumerator = std::move(made);
  return result;
}

VideoProcessorEnumerator::~VideoProcessorEnumerator() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoProcessorEnum(device_->driver_handle(),
                                                          driver_handle());
}

HRESULT VideoProcessorEnumerator::CheckVideoProcessorFormat(DXGI_FORMAT format, UINT* support) {
  *support = 0;
  device_->errors().Begin();
  device_->video_functions().pfnCheckVideoProcessorFormat(device_->driver_handle(), driver_handle(),
                                                          format, support);
  return device_->errors().Take();
}

HRESULT VideoProcessorEnumerator::GetVideoProcessorCaps(D3D11_1DDI_VIDEO_PROCESSOR_CAPS* caps) {
  *caps = {};
  device_->errors().Begin();
  device_->video_functions().pfnGetVideoProcessorCaps(device_->driver_handle(), driver_handle(),
                                                      caps);
  return device_->errors().Take();
}

HRESULT VideoProcessorEnumerator::GetVideoProcessorRateConversionCaps(
    UINT index, D3D11_1DDI_VIDEO_PROCESSOR_RATE_CONVERSION_CAPS* caps) {
  *caps = {};
  D3D11_1DDI_VIDEO_PROCESSOR_CAPS all;
  const HRESULT result = GetVideoProcessorCaps(&all);
  if (FAILED(result)) return result;
  if (index >= all.RateConversionCapsCount) return E_INVALIDARG;
  device_->errors().Begin();
  device_->video_functions().pfnGetVideoProcessorRateConversionCaps(device_->driver_handle(),
                                                                    driver_handle(), index, caps);
  return device_->errors().Take();
}

HRESULT VideoProcessorEnumerator::GetVideoProcessorFilterRange(
    D3D11_1DDI_VIDEO_PROCESSOR_FILTER filter, D3D11_1DDI_VIDEO_PROCESSOR_FILTER_RANGE* range) {
  *range = {};
  D3D11_1DDI_VIDEO_PROCESSOR_CAPS all;
  const HRESULT result = GetVideoProcessorCaps(&all);
  if (FAILED(result)) return result;
  if ((all.FilterCaps >> static_cast<UINT>(filter) & 1) == 0) return E_INVALIDARG;
  device_->errors().Begin();
  device_->video_functions().pfnGetVideoProcessorFilterRange(device_->driver_handle(),
                                                             driver_handle(), filter, range);
  return device_->errors().Take();
}

HRESULT VideoProcessor::Create(VideoProcessorEnumerator* enumerator, UINT rate_conversion_index,
                               std::unique_ptr<VideoProcessor>* processor) {
  D3D11_1DDI_VIDEO_PROCESSOR_CAPS caps;
  HRESULT result = enumerator->GetVideoProcessorCaps(&caps);
  if (FAILED(result)) return result;
  if (rate_conversion_index >= caps.RateConversionCapsCount) return E_INVALIDARG;

  Device* device = &enumerator->device();
  const D3D11_1DDIARG_CREATEVIDEOPROCESSOR arguments = {enumerator->driver_handle(),
                                                        rate_conversion_index};
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device->video_functions();
  const D3D10DDI_HDEVICE handle = device->driver_handle();
  std::unique_ptr<VideoProcessor> made(new VideoProcessor(device));
  if (!made->memory_.Allocate(driver.pfnCalcPrivateVideoProcessorSize(handle, &arguments))) {
    return E_OUTOFMEMORY;
  }
  result = driver.pfnCreateVideoProcessor(handle, &arguments, made->driver_handle(), {made.get()});
  if (FAILED(result)) return result;
  made->exists_ = true;
  made->max_input_streams_ = caps.MaxInputStreams;
  *processor = std::move(made);
  return result;
}

VideoProcessor::~VideoProcessor() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoProcessor(device_->driver_handle(), driver_handle());
}

}  // namespace ward::runtime
