// What a driver reported through pfnSetErrorCb, and whether that cost it its device.
#ifndef WARD_RUNTIME_DRIVER_ERROR_H_
#define WARD_RUNTIME_DRIVER_ERROR_H_

#include "umd/ddi/core_layer_callbacks.h"
#include "umd/ddi/status_codes.h"

namespace ward::runtime {

class DriverError {
 public:
  // Kept until Take. Any code but E_OUTOFMEMORY, and "still drawing" where `may_be_drawing` says
  // that the running call may report it, removes the device; S_OK does too (R7).
  void Set(HRESULT result);

  // Forgets what was reported before; the call that follows may report "still drawing" or not.
  void Begin(bool may_be_drawing = false);
  // What was reported since Begin, in the API's codes: S_OK when nothing was.
  HRESULT Take();

  bool is_removed() const { return removed_reason_ != S_OK; }
  // ID3D11Device::GetDeviceRemovedReason: S_OK while the device lives.
  HRESULT removed_reason() const { return removed_reason_; }
  // The last code of the driver's own that removed the device.
  HRESULT driver_code() const { return driver_code_; }

  // The table for p11UMCallbacks: hRTCoreLayer.handle is a DriverError. Every entry is filled.
  static const D3D11DDI_CORELAYER_DEVICECALLBACKS& Callbacks();

 private:
  HRESULT pending_ = S_OK;
  HRESULT removed_reason_ = S_OK;
  HRESULT driver_code_ = S_OK;
  bool may_be_drawing_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_DRIVER_ERROR_H_
