#include "runtime/video_decoder.h"

namespace ward::runtime {

VideoDecoder::~VideoDecoder() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyVideoDecoder(device_->driver_handle(), driver_handle());
}

HRESULT VideoDecoder::CreateInDriver(const D3D11_1DDIARG_CREATEVIDEODECODER& arguments) {
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device_->video_functions();
  const D3D10DDI_HDEVICE device = device_->driver_handle();
  if (!memory_.Allocate(driver.pfnCalcPrivateVideoDecoderSize(device, &arguments))) {
    return E_OUTOFMEMORY;
  }
  const HRESULT result = driver.pfnCreateVideoDecoder(device, &arguments, driver_handle(), {this});
  exists_ = SUCCEEDED(result);
  return result;
}

HRESULT VideoDecoder::GetDriverHandle(HANDLE* handle) {
  *handle = nullptr;
  return device_->video_functions().pfnVideoDecoderGetHandle(device_->driver_handle(),
                                                             driver_handle(), handle);
}

}  // namespace ward::runtime
