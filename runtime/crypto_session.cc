#include "runtime/crypto_session.h"

namespace ward::runtime {

CryptoSession::~CryptoSession() {
  if (!exists_) return;
  device_->video_functions().pfnDestroyCryptoSession(device_->driver_handle(), driver_handle());
}

HRESULT CryptoSession::CreateInDriver() {
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device_->video_functions();
  const D3D10DDI_HDEVICE device = device_->driver_handle();
  if (!memory_.Allocate(driver.pfnCalcPrivateCryptoSessionSize(device, &description_))) {
    return E_OUTOFMEMORY;
  }
  const HRESULT result =
      driver.pfnCreateCryptoSession(device, &description_, driver_handle(), {this});
  exists_ = SUCCEEDED(result);
  return result;
}

HRESULT CryptoSession::GetCryptoSessionHandle(HANDLE* handle) {
  *handle = nullptr;
  return device_->video_functions().pfnCryptoSessionGetHandle(device_->driver_handle(),
                                                              driver_handle(), handle);
}

Certificate CryptoSession::CertificateOfType() const {
  D3D11_1DDI_CERTIFICATE_INFO info{};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION;
  info.CryptoSessionType = description_.CryptoType;
  return {device_, info};
}

}  // namespace ward::runtime
