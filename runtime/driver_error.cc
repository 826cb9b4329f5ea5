#include "runtime/driver_error.h"

#include <array>
#include <bit>

#include "runtime/hresult_name.h"

namespace ward::runtime {
namespace {

void APIENTRY SetError(D3D10DDI_HRTCORELAYER core_layer, HRESULT result) {
  static_cast<DriverError*>(core_layer.handle)->Set(result);
}

// The state-refresh callbacks ask for state of the 3D pipeline, which nobody here sets.
HRESULT APIENTRY NothingToRefresh() { return E_NOTIMPL; }

D3D11DDI_CORELAYER_DEVICECALLBACKS MakeCallbacks() {
  constexpr size_t kCount = sizeof(D3D11DDI_CORELAYER_DEVICECALLBACKS) / sizeof(PFND3D_UNDECLARED);
  std::array<PFND3D_UNDECLARED, kCount> entries;
  entries.fill(NothingToRefresh);
  auto callbacks = std::bit_cast<D3D11DDI_CORELAYER_DEVICECALLBACKS>(entries);
  callbacks.pfnSetErrorCb = SetError;
  return callbacks;
}

}  // namespace

void DriverError::Set(HRESULT result) {
  if (result == E_OUTOFMEMORY) {
    pending_ = result;
    return;
  }
  const bool is_drawing =
      result == D3DDDIERR_WASSTILLDRAWING || result == DXGI_DDI_ERR_WASSTILLDRAWING;
  if (is_drawing && may_be_drawing_) {
    pending_ = kErrorWasStillDrawing;
    return;
  }
  if (is_removed()) return;
  removed_reason_ = result == D3DDDIERR_DEVICEREMOVED ? kErrorDeviceRemoved : kErrorDriverInternal;
  driver_code_ = result;
}

void DriverError::Begin(bool may_be_drawing) {
  pending_ = S_OK;
  may_be_drawing_ = may_be_drawing;
}

HRESULT DriverError::Take() {
  may_be_drawing_ = false;
  const HRESULT result = is_removed() ? removed_reason_ : pending_;
  pending_ = S_OK;
  return result;
}

const D3D11DDI_CORELAYER_DEVICECALLBACKS& DriverError::Callbacks() {
  static const D3D11DDI_CORELAYER_DEVICECALLBACKS callbacks = MakeCallbacks();
  return callbacks;
}

}  // namespace ward::runtime
