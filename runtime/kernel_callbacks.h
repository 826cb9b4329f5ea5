// The callback tables that a user-mode driver gets: C functions that find their object behind the
// handle. Every entry is filled; those that this kernel does not have answer E_NOTIMPL.
#ifndef WARD_RUNTIME_KERNEL_CALLBACKS_H_
#define WARD_RUNTIME_KERNEL_CALLBACKS_H_

#include "umd/ddi/dxgi_functions.h"
#include "umd/ddi/kernel_callbacks.h"

namespace ward::runtime {

// hRTAdapter.handle is a Kernel.
const D3DDDI_ADAPTERCALLBACKS& AdapterCallbacks();
// hRTDevice.handle is a KernelDevice.
const D3DDDI_DEVICECALLBACKS& DeviceCallbacks();
DXGI_DDI_BASE_CALLBACKS& DxgiCallbacks();

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_KERNEL_CALLBACKS_H_
