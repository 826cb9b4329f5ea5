#include "runtime/video_processor_view.h"

#include <utility>

namespace ward::runtime {
namespace {

HRESULT CheckFormat(VideoProcessorEnumerator* enumerator, const Resource& resource, UINT needed) {
  UINT support = 0;
  const HRESULT result =
      enumerator->CheckVideoProcessorFormat(resource.description().format, &support);
  if (FAILED(result)) return result;
  return (support & needed) == needed ? S_OK : E_INVALIDARG;
}

}  // namespace

HRESULT VideoProcessorInputView::Create(Resource* resource, VideoProcessorEnumerator* enumerator,
                                        std::unique_ptr<VideoProcessorInputView>* view) {
  HRESULT result =
      CheckFormat(enumerator, *resource, D3D11_1DDI_VIDEO_PROCESSOR_FORMAT_SUPPORT_INPUT);
  if (FAILED(result)) return result;
  Device* device = &resource->device();
  const D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW arguments = {
      resource->driver_handle(), enumerator->driver_handle(), 0, 0, 0, 1};
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device->video_functions();
  const D3D10DDI_HDEVICE handle = device->driver_handle();
  std::unique_ptr<VideoProcessorInputView> made(new VideoProcessorInputView(device));
  if (!made->memory_.Allocate(
          driver.pfnCalcPrivateVideoProcessorInputViewSize(handle, &arguments))) {
    return E_OUTOFMEMORY;
  }
  result = driver.pfnCreateVideoProcessorInputView(handle, &arguments, made->driver_handle(),
                                                   {made.get()});
  if (FAILED(result)) return result;
  made->exists_ = true;
  *view = std::move(made);
  return result;
}

VideoProcessorInputView::~VideoProcessorInputView() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoProcessorInputView(device_->driver_handle(),
                                                               driver_handle());
}

HRESULT VideoProcessorOutputView::Create(Resource* resource, VideoProcessorEnumerator* enumerator,
                                         std::unique_ptr<VideoProcessorOutputView>* view) {
  HRESULT result =
      CheckFormat(enumerator, *resource, D3D11_1DDI_VIDEO_PROCESSOR_FORMAT_SUPPORT_OUTPUT);
  if (FAILED(result)) return result;
  Device* device = &resource->device();
  const D3D11_1DDIARG_CREATEVIDEOPROCESSOROUTPUTVIEW arguments = {
      resource->driver_handle(), enumerator->driver_handle(), 0, 0, 1};
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device->video_functions();
  const D3D10DDI_HDEVICE handle = device->driver_handle();
  std::unique_ptr<VideoProcessorOutputView> made(new VideoProcessorOutputView(device));
  if (!made->memory_.Allocate(
          driver.pfnCalcPrivateVideoProcessorOutputViewSize(handle, &arguments))) {
    return E_OUTOFMEMORY;
  }
  result = driver.pfnCreateVideoProcessorOutputView(handle, &arguments, made->driver_handle(),
                                                    {made.get()});
  if (FAILED(result)) return result;
  made->exists_ = true;
  *view = std::move(made);
  return result;
}

VideoProcessorOutputView::~VideoProcessorOutputView() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoProcessorOutputView(device_->driver_handle(),
                                                                driver_handle());
}

}  // namespace ward::runtime
