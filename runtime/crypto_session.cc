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

HRESULT CryptoSession::CheckStatus(D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS* status) {
  const D3DWDDM2_0DDI_VIDEODEVICEFUNCS* driver = device_->wddm2_video_functions();
  *status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
  if (driver == nullptr) return E_NOTIMPL;
  device_->errors().Begin();
  driver->pfnCheckCryptoSessionStatus(device_->driver_handle(), driver_handle(), status);
  return device_->errors().Take();
}

HRESULT CryptoSession::GetDataForNewHardwareKey(ConstByteSpan private_input,
                                                uint64_t* private_output) {
  const D3DWDDM2_0DDI_VIDEODEVICEFUNCS* driver = device_->wddm2_video_functions();
  *private_output = 0;
  if (driver == nullptr) return E_NOTIMPL;
  UINT64 output = 0;
  const HRESULT result = driver->pfnGetDataForNewHardwareKey(
      device_->driver_handle(), driver_handle(), static_cast<UINT>(private_input.size()),
      private_input.data(), &output);
  *private_output = output;
  return result;
}

Certificate CryptoSession::CertificateOfType() const {
  D3D11_1DDI_CERTIFICATE_INFO info{};
  info.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION;
  info.CryptoSessionType = description_.CryptoType;
  return {device_, info};
}

}  // namespace ward::runtime
