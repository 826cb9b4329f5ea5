#include "runtime/authenticated_channel.h"

namespace ward::runtime {

AuthenticatedChannel::~AuthenticatedChannel() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyAuthenticatedChannel(device_->driver_handle(),
                                                            driver_handle());
}

HRESULT AuthenticatedChannel::CreateInDriver() {
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device_->video_functions();
  const D3D10DDI_HDEVICE device = device_->driver_handle();
  if (!memory_.Allocate(driver.pfnCalcPrivateAuthenticatedChannelSize(device, &description_))) {
    return E_OUTOFMEMORY;
  }
  const HRESULT result =
      driver.pfnCreateAuthenticatedChannel(device, &description_, driver_handle(), {this});
  exists_ = SUCCEEDED(result);
  return result;
}

Certificate AuthenticatedChannel::CertificateOfType() const {
  D3D11_1DDI_CERTIFICATE_INFO info{};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL;
  info.ChannelType = description_.ChannelType;
  return {device_, info};
}

}  // namespace ward::runtime
