#include "umd/resource_ddi.h"

#include <new>

#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/resource.h"
#include "umd/surface_blt.h"

namespace ward::umd {

namespace {

Resource* FindResource(Device* device, D3D10DDI_HRESOURCE handle) {
  auto* resource = DriverObject::Find<Resource>(device, handle.pDrvPrivate);
  if (resource == nullptr && device != nullptr) device->events().Count("not a resource's handle");
  return resource;
}

SIZE_T APIENTRY CalcPrivateResourceSize(D3D10DDI_HDEVICE, const D3D11DDIARG_CREATERESOURCE*) {
  return sizeof(Resource);
}

SIZE_T APIENTRY CalcPrivateOpenedResourceSize(D3D10DDI_HDEVICE, const D3D10DDIARG_OPENRESOURCE*) {
  return sizeof(Resource);
}

void APIENTRY CreateResource(D3D10DDI_HDEVICE hDevice, const D3D11DDIARG_CREATERESOURCE* data,
                             D3D10DDI_HRESOURCE hResource, D3D10DDI_HRTRESOURCE hRTResource) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || hResource.pDrvPrivate == nullptr) return;
  // Without memory it stays an object that every function refuses.
  auto* resource = new (hResource.pDrvPrivate) Resource(device, hRTResource);
  if (data == nullptr) {
    device->events().Count("CreateResource without a description");
    return;
  }
  const HRESULT result = resource->Allocate(*data);
  if (FAILED(result)) resource->Free();
  device->Report(result);
}

// What the kernel let this process open.
void APIENTRY OpenResource(D3D10DDI_HDEVICE hDevice, const D3D10DDIARG_OPENRESOURCE* data,
                           D3D10DDI_HRESOURCE hResource, D3D10DDI_HRTRESOURCE hRTResource) {
  Device* device = Device::From(hDevice);
  if (device == nullptr || hResource.pDrvPrivate == nullptr) return;
  auto* resource = new (hResource.pDrvPrivate) Resource(device, hRTResource);
  // Without memory it stays an object that every function refuses, and there is no other way to say
  // so than E_OUTOFMEMORY.
  if (data == nullptr || FAILED(resource->Open(*data))) device->Report(E_OUTOFMEMORY);
}

void APIENTRY DestroyResource(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hResource) {
  Resource* resource = FindResource(Device::From(hDevice), hResource);
  if (resource == nullptr) return;
  resource->Free();
  resource->~Resource();
}

void APIENTRY MapResource(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hResource, UINT subresource,
                          D3D10_DDI_MAP access, UINT flags, D3D10DDI_MAPPED_SUBRESOURCE* mapped) {
  if (mapped == nullptr) return;
  *mapped = {};
  Device* device = Device::From(hDevice);
  Resource* resource = FindResource(device, hResource);
  if (resource == nullptr) return;
  if (subresource != 0) {
    device->events().Count("map of a subresource that is not there");
    return;
  }
  const HRESULT result = resource->Map(access, flags, mapped);
  // Maps have a category of their own: the application asked not to wait.
  if (result == D3DDDIERR_WASSTILLDRAWING) device->SetError(DXGI_DDI_ERR_WASSTILLDRAWING);
  device->Report(result);
}

void APIENTRY UnmapResource(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hResource, UINT) {
  Resource* resource = FindResource(Device::From(hDevice), hResource);
  if (resource != nullptr) resource->Unmap();
}

BOOL APIENTRY ResourceIsStagingBusy(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hResource) {
  Device* device = Device::From(hDevice);
  Resource* resource = FindResource(device, hResource);
  bool busy = false;
  if (resource != nullptr) device->Report(resource->QueryBusy(&busy));
  return busy ? TRUE : FALSE;
}

void APIENTRY ResourceCopy(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDestination,
                           D3D10DDI_HRESOURCE hSource) {
  Device* device = Device::From(hDevice);
  Resource* destination = FindResource(device, hDestination);
  Resource* source = FindResource(device, hSource);
  if (destination == nullptr || source == nullptr) return;
  if (destination->layout() != source->layout()) {
    device->events().Count("ResourceCopy between resources of different sizes");
    return;
  }
  device->Report(destination->CopyFrom(*source, WholeOf(source->layout()), 0, 0));
}

bool MakeBoxRect(const D3D10_DDI_BOX* box, const ResourceLayout& layout, TexelRect* rect) {
  if (box == nullptr) {
    *rect = WholeOf(layout);
    return true;
  }
  if (box->front != 0 || box->back != 1) return false;
  return MakeTexelRect(box->left, box->top, box->right, box->bottom, layout, rect);
}

void APIENTRY ResourceCopyRegion(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDestination,
                                 UINT destination_subresource, UINT x, UINT y, UINT z,
                                 D3D10DDI_HRESOURCE hSource, UINT source_subresource,
                                 const D3D10_DDI_BOX* box, UINT) {
  Device* device = Device::From(hDevice);
  Resource* destination = FindResource(device, hDestination);
  Resource* source = FindResource(device, hSource);
  if (destination == nullptr || source == nullptr) return;
  TexelRect rect = {};
  if (destination_subresource != 0 || source_subresource != 0 || z != 0 ||
      !MakeBoxRect(box, source->layout(), &rect)) {
    device->events().Count("ResourceCopyRegion outside a resource");
    return;
  }
  device->Report(destination->CopyFrom(*source, rect, x, y));
}

// Between formats of one size. With one format it is a copy.
void APIENTRY ResourceConvertRegion(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDestination,
                                    UINT destination_subresource, UINT x, UINT y, UINT z,
                                    D3D10DDI_HRESOURCE hSource, UINT source_subresource,
                                    const D3D10_DDI_BOX* box, UINT) {
  Device* device = Device::From(hDevice);
  Resource* destination = FindResource(device, hDestination);
  Resource* source = FindResource(device, hSource);
  if (destination == nullptr || source == nullptr) return;
  SurfaceBlt blt = {source, {}, destination, {}, true, false};
  if (destination_subresource != 0 || source_subresource != 0 || z != 0 ||
      !MakeBoxRect(box, source->layout(), &blt.source_rect) ||
      !MakeTexelRect(x, y, int64_t{x} + blt.source_rect.width, int64_t{y} + blt.source_rect.height,
                     destination->layout(), &blt.destination_rect)) {
    device->events().Count("ResourceConvertRegion outside a resource");
    return;
  }
  device->Report(AppendSurfaceBlt(device, blt));
}

void APIENTRY ResourceConvert(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDestination,
                              D3D10DDI_HRESOURCE hSource) {
  ResourceConvertRegion(hDevice, hDestination, 0, 0, 0, 0, hSource, 0, nullptr, 0);
}

void APIENTRY ResourceUpdateSubresourceUP(D3D10DDI_HDEVICE hDevice, D3D10DDI_HRESOURCE hDestination,
                                          UINT subresource, const D3D10_DDI_BOX* box,
                                          const void* data, UINT row_pitch, UINT, UINT) {
  Device* device = Device::From(hDevice);
  Resource* destination = FindResource(device, hDestination);
  if (destination == nullptr) return;
  TexelRect rect = {};
  if (subresource != 0 || !MakeBoxRect(box, destination->layout(), &rect)) {
    device->events().Count("ResourceUpdateSubresourceUP outside a resource");
    return;
  }
  device->Report(destination->Upload(rect, data, row_pitch));
}

// Commands of a context run in order, each after all effects of the one before: nothing to do.
void APIENTRY ResourceReadAfterWriteHazard(D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE) {}

}  // namespace

void FillResourceFunctions(D3D11_1DDI_DEVICEFUNCS* functions) {
  functions->pfnCalcPrivateResourceSize = CalcPrivateResourceSize;
  functions->pfnCalcPrivateOpenedResourceSize = CalcPrivateOpenedResourceSize;
  functions->pfnCreateResource = CreateResource;
  functions->pfnOpenResource = OpenResource;
  functions->pfnDestroyResource = DestroyResource;
  functions->pfnResourceMap = MapResource;
  functions->pfnStagingResourceMap = MapResource;
  functions->pfnDynamicResourceMapDiscard = MapResource;
  functions->pfnDynamicIABufferMapDiscard = MapResource;
  functions->pfnDynamicIABufferMapNoOverwrite = MapResource;
  functions->pfnDynamicConstantBufferMapDiscard = MapResource;
  functions->pfnDynamicConstantBufferMapNoOverwrite = MapResource;
  functions->pfnResourceUnmap = UnmapResource;
  functions->pfnStagingResourceUnmap = UnmapResource;
  functions->pfnDynamicResourceUnmap = UnmapResource;
  functions->pfnDynamicIABufferUnmap = UnmapResource;
  functions->pfnDynamicConstantBufferUnmap = UnmapResource;
  functions->pfnResourceIsStagingBusy = ResourceIsStagingBusy;
  functions->pfnResourceCopy = ResourceCopy;
  functions->pfnResourceCopyRegion = ResourceCopyRegion;
  functions->pfnResourceConvert = ResourceConvert;
  functions->pfnResourceConvertRegion = ResourceConvertRegion;
  functions->pfnResourceUpdateSubresourceUP = ResourceUpdateSubresourceUP;
  functions->pfnDefaultConstantBufferUpdateSubresourceUP = ResourceUpdateSubresourceUP;
  functions->pfnResourceReadAfterWriteHazard = ResourceReadAfterWriteHazard;
}

}  // namespace ward::umd
