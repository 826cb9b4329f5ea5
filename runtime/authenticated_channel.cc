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

HRESULT AuthenticatedChannel::GetCertificateSize(uint32_t* size_bytes) {
  const D3D11_1DDI_CERTIFICATE_INFO info = CertificateInfo();
  UINT size = 0;
  device_->errors().Begin();
  device_->video_functions().pfnGetCertificateSize(device_->driver_handle(), &info, &size);
  *size_bytes = size;
  return device_->errors().Take();
}

HRESULT AuthenticatedChannel::GetCertificate(ByteSpan certificate) {
  uint32_t size_bytes = 0;
  const HRESULT result = GetCertificateSize(&size_bytes);
  if (FAILED(result)) return result;
  if (size_bytes == 0 || certificate.size() != size_bytes) return E_INVALIDARG;
  const D3D11_1DDI_CERTIFICATE_INFO info = CertificateInfo();
  device_->errors().Begin();
  device_->video_functions().pfnGetCertificate(device_->driver_handle(), &info, size_bytes,
                                               certificate.data());
  return device_->errors().Take();
}

D3D11_1DDI_CERTIFICATE_INFO AuthenticatedChannel::CertificateInfo() const {
  D3D11_1DDI_CERTIFICATE_INFO info{};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL;
  info.ChannelType = description_.ChannelType;
  return info;
}

}  // namespace ward::runtime
