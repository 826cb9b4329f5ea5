#include "runtime/kernel_callbacks.h"

#include <array>
#include <bit>

#include "runtime/kernel.h"
#include "runtime/kernel_device.h"
#include "umd/ddi/status_codes.h"

namespace ward::runtime {
namespace {

// A callback with its KernelDevice method; a driver that passes no data or no device gets
// E_INVALIDARG.
template <auto kMethod, typename Data>
HRESULT APIENTRY CallDevice(HANDLE device, Data* data) {
  if (device == nullptr || data == nullptr) return E_INVALIDARG;
  return (static_cast<KernelDevice*>(device)->*kMethod)(data);
}

template <auto kMethod, typename Data>
HRESULT APIENTRY CallKernel(HANDLE adapter, Data* data) {
  if (adapter == nullptr || data == nullptr) return E_INVALIDARG;
  return (static_cast<Kernel*>(adapter)->*kMethod)(data);
}

HRESULT APIENTRY NotImplemented() { return E_NOTIMPL; }
// A D3D11 driver presents through the DXGI callback.
HRESULT APIENTRY NoPresent(HANDLE, const D3DDDICB_PRESENT*) { return E_NOTIMPL; }

D3DDDI_DEVICECALLBACKS MakeDeviceCallbacks() {
  std::array<PFND3D_UNDECLARED, sizeof(D3DDDI_DEVICECALLBACKS) / sizeof(PFND3D_UNDECLARED)> entries;
  entries.fill(NotImplemented);
  auto callbacks = std::bit_cast<D3DDDI_DEVICECALLBACKS>(entries);
  callbacks.pfnAllocateCb = CallDevice<&KernelDevice::Allocate>;
  callbacks.pfnDeallocateCb = CallDevice<&KernelDevice::Deallocate>;
  callbacks.pfnSetPriorityCb = CallDevice<&KernelDevice::SetPriority>;
  callbacks.pfnQueryResidencyCb = CallDevice<&KernelDevice::QueryResidency>;
  callbacks.pfnSetDisplayModeCb = CallDevice<&KernelDevice::SetDisplayMode>;
  callbacks.pfnOfferAllocationsCb = CallDevice<&KernelDevice::OfferAllocations>;
  callbacks.pfnReclaimAllocationsCb = CallDevice<&KernelDevice::ReclaimAllocations>;
  callbacks.pfnPresentCb = NoPresent;
  callbacks.pfnRenderCb = CallDevice<&KernelDevice::Render>;
  callbacks.pfnLockCb = CallDevice<&KernelDevice::Lock>;
  callbacks.pfnUnlockCb = CallDevice<&KernelDevice::Unlock>;
  callbacks.pfnEscapeCb = CallKernel<&Kernel::Escape>;
  callbacks.pfnCreateContextCb = CallDevice<&KernelDevice::CreateContext>;
  callbacks.pfnDestroyContextCb = CallDevice<&KernelDevice::DestroyContext>;
  return callbacks;
}

}  // namespace

const D3DDDI_ADAPTERCALLBACKS& AdapterCallbacks() {
  static const D3DDDI_ADAPTERCALLBACKS callbacks = {CallKernel<&Kernel::QueryAdapterInfo>,
                                                    NotImplemented};
  return callbacks;
}

const D3DDDI_DEVICECALLBACKS& DeviceCallbacks() {
  static const D3DDDI_DEVICECALLBACKS callbacks = MakeDeviceCallbacks();
  return callbacks;
}

DXGI_DDI_BASE_CALLBACKS& DxgiCallbacks() {
  static DXGI_DDI_BASE_CALLBACKS callbacks = {CallDevice<&KernelDevice::Present>, NotImplemented};
  return callbacks;
}

}  // namespace ward::runtime
