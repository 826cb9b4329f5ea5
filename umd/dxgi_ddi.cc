#include "umd/dxgi_ddi.h"

#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/dxgi_blt.h"
#include "umd/resource.h"
#include "umd/surface_blt.h"
#include "umd/unsupported_function.h"

namespace ward::umd {

namespace {

Device* FindDevice(DXGI_DDI_HDEVICE handle) {
  return Device::From({reinterpret_cast<void*>(handle)});
}

Resource* FindResource(Device* device, DXGI_DDI_HRESOURCE handle) {
  return DriverObject::Find<Resource>(device, reinterpret_cast<void*>(handle));
}

// A resource with memory, else null and an event.
Resource* FindMemory(Device* device, DXGI_DDI_HRESOURCE handle) {
  Resource* resource = FindResource(device, handle);
  if (resource != nullptr && resource->exists()) return resource;
  if (device != nullptr) device->events().Count("not a resource of this device, or without memory");
  return nullptr;
}

// The picture into a surface that somebody else shows; the kernel is told that it changed.
HRESULT PresentByBlt(Device* device, const DXGI_DDI_ARG_PRESENT& arguments, const Resource& surface,
                     Resource* destination) {
  const SurfaceBlt blt = {
      &surface, WholeOf(surface.layout()), destination, WholeOf(destination->layout()), true, true};
  HRESULT result = AppendSurfaceBlt(device, blt);
  if (SUCCEEDED(result)) result = device->commands().Flush();
  if (FAILED(result)) return result;
  return device->kernel().Present(surface.allocation(), destination->allocation(),
                                  arguments.pDXGIContext);
}

bool IsInterval(DXGI_DDI_FLIP_INTERVAL_TYPE interval) {
  return interval >= DXGI_DDI_FLIP_INTERVAL_IMMEDIATE && interval <= DXGI_DDI_FLIP_INTERVAL_FOUR;
}

// What was recorded is submitted first; the kernel shows the surface behind it, at the vblank that
// the runtime told it under pDXGIContext: pfnPresentCb has no place for the interval.
HRESULT APIENTRY Present(DXGI_DDI_ARG_PRESENT* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  if (device == nullptr) return E_INVALIDARG;
  const Resource* surface = FindResource(device, arguments->hSurfaceToPresent);
  if (surface == nullptr || !surface->exists() || arguments->SrcSubResourceIndex != 0) {
    return device->events().Refuse("present of what is no surface");
  }
  if (arguments->hDstResource != 0) {
    Resource* destination = FindMemory(device, arguments->hDstResource);
    if (destination == nullptr || arguments->DstSubResourceIndex != 0) return E_INVALIDARG;
    return PresentByBlt(device, *arguments, *surface, destination);
  }
  if (!IsInterval(arguments->FlipInterval)) {
    return device->events().Refuse("present with a flip interval that is none");
  }
  if (!surface->is_presentable()) {
    return device->events().Refuse("present of a surface that was not created for it");
  }
  if (const HRESULT result = device->commands().Flush(); FAILED(result)) return result;
  const HRESULT result =
      device->kernel().Present(surface->allocation(), 0, arguments->pDXGIContext);
  device->sessions().FetchRefusals();  // behind the flip, which does not wait for it
  return result;
}

// The output has no gamma ramp.
HRESULT APIENTRY GetGammaCaps(DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS* arguments) {
  if (arguments == nullptr || arguments->pGammaCapabilities == nullptr) return E_INVALIDARG;
  *arguments->pGammaCapabilities = {};
  arguments->pGammaCapabilities->MaxConvertedValue = 1;
  return S_OK;
}

HRESULT APIENTRY SetDisplayMode(DXGI_DDI_ARG_SETDISPLAYMODE* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  const Resource* primary = FindMemory(device, arguments->hResource);
  if (primary == nullptr) return E_INVALIDARG;
  if (!primary->is_presentable() || arguments->SubResourceIndex != 0) {
    return device->events().Refuse("a display mode of what is no primary");
  }
  if (const HRESULT result = device->commands().Flush(); FAILED(result)) return result;
  return device->kernel().SetDisplayMode(primary->allocation());
}

HRESULT APIENTRY SetResourcePriority(DXGI_DDI_ARG_SETRESOURCEPRIORITY* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  const Resource* resource = FindMemory(device, arguments->hResource);
  if (resource == nullptr) return E_INVALIDARG;
  return device->kernel().SetPriority(resource->allocation(), arguments->Priority);
}

// The two enumerations have the same numbers.
HRESULT APIENTRY QueryResourceResidency(DXGI_DDI_ARG_QUERYRESOURCERESIDENCY* arguments) {
  if (arguments == nullptr || arguments->pStatus == nullptr || arguments->pResources == nullptr) {
    return E_INVALIDARG;
  }
  Device* device = FindDevice(arguments->hDevice);
  for (SIZE_T i = 0; i < arguments->Resources; ++i) {
    const Resource* resource = FindMemory(device, arguments->pResources[i]);
    if (resource == nullptr) return E_INVALIDARG;
    D3DDDI_RESIDENCYSTATUS status = {};
    const HRESULT result = device->kernel().QueryResidency(resource->allocation(), &status);
    if (FAILED(result)) return result;
    arguments->pStatus[i] = static_cast<DXGI_DDI_RESIDENCY>(status);
  }
  return S_OK;
}

// What was recorded keeps the memory that it was recorded for.
HRESULT APIENTRY RotateResourceIdentities(DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES* arguments) {
  if (arguments == nullptr || arguments->pResources == nullptr || arguments->Resources == 0) {
    return E_INVALIDARG;
  }
  Device* device = FindDevice(arguments->hDevice);
  Resource* first = FindMemory(device, arguments->pResources[0]);
  if (first == nullptr) return E_INVALIDARG;
  for (UINT i = 1; i < arguments->Resources; ++i) {
    const Resource* resource = FindMemory(device, arguments->pResources[i]);
    if (resource == nullptr) return E_INVALIDARG;
    if (!first->IsExchangeableWith(*resource)) {
      return device->events().Refuse("rotation of resources that are not of one kind");
    }
  }
  for (UINT i = 0; i + 1 < arguments->Resources; ++i) {
    FindResource(device, arguments->pResources[i])
        ->ExchangeMemory(FindResource(device, arguments->pResources[i + 1]));
  }
  return S_OK;
}

// Another device may use it from now on: what was recorded is submitted.
HRESULT APIENTRY ResolveSharedResource(DXGI_DDI_ARG_RESOLVESHAREDRESOURCE* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  const Resource* resource = FindMemory(device, arguments->hResource);
  if (resource == nullptr) return E_INVALIDARG;
  return device->commands().FlushUsesOf(resource->allocation());
}

HRESULT APIENTRY OfferResources(DXGI_DDI_ARG_OFFERRESOURCES* arguments) {
  if (arguments == nullptr || arguments->pResources == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  for (UINT i = 0; i < arguments->Resources; ++i) {
    const Resource* resource = FindMemory(device, arguments->pResources[i]);
    if (resource == nullptr) return E_INVALIDARG;
    HRESULT result = device->commands().FlushUsesOf(resource->allocation());
    if (SUCCEEDED(result)) {
      result = device->kernel().Offer(resource->allocation(), arguments->Priority);
    }
    if (FAILED(result)) return result;
  }
  return S_OK;
}

HRESULT APIENTRY ReclaimResources(DXGI_DDI_ARG_RECLAIMRESOURCES* arguments) {
  if (arguments == nullptr || arguments->pResources == nullptr) return E_INVALIDARG;
  Device* device = FindDevice(arguments->hDevice);
  for (UINT i = 0; i < arguments->Resources; ++i) {
    const Resource* resource = FindMemory(device, arguments->pResources[i]);
    if (resource == nullptr) return E_INVALIDARG;
    BOOL discarded = TRUE;
    const HRESULT result = device->kernel().Reclaim(resource->allocation(), &discarded);
    if (FAILED(result)) return result;
    if (arguments->pDiscarded != nullptr) arguments->pDiscarded[i] = discarded;
  }
  return S_OK;
}

}  // namespace

void FillDxgiFunctions(DXGI1_2_DDI_BASE_FUNCTIONS* functions) {
  functions->pfnPresent = Present;
  functions->pfnGetGammaCaps = GetGammaCaps;
  functions->pfnSetDisplayMode = SetDisplayMode;
  functions->pfnSetResourcePriority = SetResourcePriority;
  functions->pfnQueryResourceResidency = QueryResourceResidency;
  functions->pfnRotateResourceIdentities = RotateResourceIdentities;
  functions->pfnBlt = DxgiBltWhole;
  functions->pfnBlt1 = DxgiBltRegion;
  functions->pfnResolveSharedResource = ResolveSharedResource;
  functions->pfnOfferResources = OfferResources;
  functions->pfnReclaimResources = ReclaimResources;
  // The output has no overlay planes.
  MarkUnsupported(
      functions->pfnGetMultiPlaneOverlayCaps, functions->pfnGetMultiPlaneOverlayFilterRange,
      functions->pfnCheckMultiPlaneOverlaySupport, functions->pfnPresentMultiPlaneOverlay);
}

}  // namespace ward::umd
