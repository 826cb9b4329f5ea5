#include "umd/device.h"

#include "base/rule.h"
#include "umd/ddi/status_codes.h"

namespace ward::umd {

Device::Device(const Adapter& adapter, const D3D10DDIARG_CREATEDEVICE& arguments)
    : adapter_(adapter),
      core_layer_(arguments.hRTCoreLayer),
      core_callbacks_(arguments.p11UMCallbacks),
      kernel_(adapter.runtime_handle(), arguments, &events_),
      commands_(&kernel_),
      answers_(&kernel_, &commands_),
      messages_(&kernel_, &commands_, &answers_, &events_) {
  events_.set_listener(&kernel_);
}

HRESULT Device::Open() {
  HRESULT result = commands_.Open();
  if (SUCCEEDED(result)) result = answers_.Open();
  if (FAILED(result)) Close();
  return result;
}

void Device::Close() {
  (void)commands_.Flush();  // nobody is left to tell
  answers_.Close();
  kernel_.DestroyContext();
}

void Device::Report(HRESULT result) {
  const bool may_report =
      result == E_OUTOFMEMORY || WARD_RULE("reset.removal_told", result == D3DDDIERR_DEVICEREMOVED);
  if (may_report || (WARD_BROKEN("R7.codes") && FAILED(result))) SetError(result);
}

void Device::SetError(HRESULT result) {
  if (core_callbacks_ != nullptr && core_callbacks_->pfnSetErrorCb != nullptr) {
    core_callbacks_->pfnSetErrorCb(core_layer_, result);
  }
}

}  // namespace ward::umd
