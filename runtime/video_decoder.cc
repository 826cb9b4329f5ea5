#include "runtime/video_decoder.h"

#include <utility>

namespace ward::runtime {

VideoDecoder::~VideoDecoder() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoDecoder(device_->driver_handle(), driver_handle());
}

HRESULT VideoDecoder::CreateInDriver() {
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device_->video_functions();
  const D3D10DDI_HDEVICE device = device_->driver_handle();
  if (!memory_.Allocate(driver.pfnCalcPrivateVideoDecoderSize(device, &description_))) {
    return E_OUTOFMEMORY;
  }
  const HRESULT result =
      driver.pfnCreateVideoDecoder(device, &description_, driver_handle(), {this});
  exists_ = SUCCEEDED(result);
  return result;
}

HRESULT VideoDecoder::GetDriverHandle(HANDLE* handle) {
  *handle = nullptr;
  return device_->video_functions().pfnVideoDecoderGetHandle(device_->driver_handle(),
                                                             driver_handle(), handle);
}

HRESULT VideoDecoder::FindBuffer(DecoderBufferType type, Resource** buffer) {
  *buffer = nullptr;
  const auto index = static_cast<size_t>(type);
  if (index >= buffers_.size()) return E_INVALIDARG;
  if (buffers_[index] == nullptr) {
    D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO info{};
    if (!FindBufferInfo(static_cast<D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE>(index + 1), &info)) {
      return E_INVALIDARG;
    }
    const HRESULT result = Resource::CreateDecoderBuffer(device_, info, &buffers_[index]);
    if (FAILED(result)) return result;
  }
  *buffer = buffers_[index].get();
  return S_OK;
}

bool VideoDecoder::FindBufferInfo(D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type,
                                  D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO* info) {
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device_->video_functions();
  UINT count = 0;
  driver.pfnGetVideoDecoderBufferTypeCount(device_->driver_handle(), &description_.Desc, &count);
  for (UINT index = 0; index < count; ++index) {
    driver.pfnGetVideoDecoderBufferInfo(device_->driver_handle(), &description_.Desc, index, info);
    if (info->Type == type) return true;
  }
  return false;
}

HRESULT VideoDecoderOutputView::Create(Resource* resource, const GUID& profile,
                                       std::unique_ptr<VideoDecoderOutputView>* view) {
  Device* device = &resource->device();
  const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW arguments = {resource->driver_handle(), profile,
                                                                0, 0, 1};
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device->video_functions();
  const D3D10DDI_HDEVICE handle = device->driver_handle();
  std::unique_ptr<VideoDecoderOutputView> made(new VideoDecoderOutputView(device));
  if (!made->memory_.Allocate(
          driver.pfnCalcPrivateVideoDecoderOutputViewSize(handle, &arguments))) {
    return E_OUTOFMEMORY;
  }
  const HRESULT result = driver.pfnCreateVideoDecoderOutputView(
      handle, &arguments, made->driver_handle(), {made.get()});
  if (FAILED(result)) return result;
  made->exists_ = true;
  *view = std::move(made);
  return result;
}

VideoDecoderOutputView::~VideoDecoderOutputView() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoDecoderOutputView(device_->driver_handle(),
                                                              driver_handle());
}

}  // namespace ward::runtime
