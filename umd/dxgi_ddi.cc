#include "umd/dxgi_ddi.h"

#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/resource.h"
#include "umd/unsupported_function.h"

namespace ward::umd {

namespace {

Device* FindDevice(DXGI_DDI_HDEVICE handle) {
  return Device::From({reinterpret_cast<void*>(handle)});
}

Resource* FindResource(Device* device, DXGI_DDI_HRESOURCE handle) {
  return DriverObject::Find<Resource>(device, reinterpret_cast<void*>(handle));
}

// What was recorded is submitted first; the kernel shows the surface behind it.
HRESULT APIENTRY Present(DXGI_DDI_ARG_PRESENT* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  if (device == nullptr) return E_INVALIDARG;
  Resource* surface = FindResource(device, arguments->hSurfaceToPresent);
  if (surface == nullptr || !surface->exists() || arguments->SrcSubResourceIndex != 0) {
    return device->events().Refuse("present of what is no surface");
  }
  if (!surface->is_presentable()) {
    return device->events().Refuse("present of a surface that was not created for it");
  }
  if (arguments->hDstResource != 0) {
    device->events().Count("present to a destination of the driver's is not supported");
    return E_NOTIMPL;
  }
  if (const HRESULT result = device->commands().Flush(); FAILED(result)) return result;
  const HRESULT result =
      device->kernel().Present(surface->allocation(), 0, arguments->pDXGIContext);
  device->sessions().FetchRefusals();  // behind the flip, which does not wait for it
  return result;
}

// Allocations stay where they are.
HRESULT APIENTRY QueryResourceResidency(DXGI_DDI_ARG_QUERYRESOURCERESIDENCY* arguments) {
  if (arguments == nullptr || arguments->pStatus == nullptr) return E_INVALIDARG;
  for (SIZE_T i = 0; i < arguments->Resources; ++i) {
    arguments->pStatus[i] = DXGI_DDI_RESIDENCY_FULLY_RESIDENT;
  }
  return S_OK;
}

}  // namespace

void FillDxgiFunctions(DXGI1_2_DDI_BASE_FUNCTIONS* functions) {
  functions->pfnPresent = Present;
  functions->pfnQueryResourceResidency = QueryResourceResidency;
  MarkUnsupported(
      functions->pfnGetGammaCaps, functions->pfnSetDisplayMode, functions->pfnSetResourcePriority,
      functions->pfnRotateResourceIdentities, functions->pfnBlt,
      functions->pfnResolveSharedResource, functions->pfnBlt1, functions->pfnOfferResources,
      functions->pfnReclaimResources, functions->pfnGetMultiPlaneOverlayCaps,
      functions->pfnGetMultiPlaneOverlayFilterRange, functions->pfnCheckMultiPlaneOverlaySupport,
      functions->pfnPresentMultiPlaneOverlay);
}

}  // namespace ward::umd
