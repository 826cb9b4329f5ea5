#include "runtime/dxgi_device.h"

namespace ward::runtime {
namespace {

DXGI_DDI_HRESOURCE HandleOf(const Resource* resource) {
  return reinterpret_cast<DXGI_DDI_HRESOURCE>(resource->driver_handle().pDrvPrivate);
}

std::vector<DXGI_DDI_HRESOURCE> HandlesOf(std::span<Resource* const> resources) {
  std::vector<DXGI_DDI_HRESOURCE> handles;
  for (const Resource* resource : resources) handles.push_back(HandleOf(resource));
  return handles;
}

}  // namespace

DXGI_DDI_HDEVICE DxgiDevice::handle() const {
  return reinterpret_cast<DXGI_DDI_HDEVICE>(device_->driver_handle().pDrvPrivate);
}

HRESULT DxgiDevice::Blt(Resource* destination, const RECT& destination_rect, Resource* source) {
  DXGI_DDI_ARG_BLT blt{};
  blt.hDevice = handle();
  blt.hDstResource = HandleOf(destination);
  blt.DstLeft = static_cast<UINT>(destination_rect.left);
  blt.DstTop = static_cast<UINT>(destination_rect.top);
  blt.DstRight = static_cast<UINT>(destination_rect.right);
  blt.DstBottom = static_cast<UINT>(destination_rect.bottom);
  blt.hSrcResource = HandleOf(source);
  blt.Flags.Convert = 1;
  blt.Flags.Stretch = 1;
  blt.Rotate = DXGI_DDI_MODE_ROTATION_IDENTITY;
  return device_->dxgi_functions().pfnBlt(&blt);
}

HRESULT DxgiDevice::Blt1(Resource* destination, const RECT& destination_rect, Resource* source,
                         const RECT& source_rect, DXGI_DDI_ARG_BLT_FLAGS flags) {
  DXGI_DDI_ARG_BLT1 blt{};
  blt.hDevice = handle();
  blt.hDstResource = HandleOf(destination);
  blt.DstLeft = static_cast<UINT>(destination_rect.left);
  blt.DstTop = static_cast<UINT>(destination_rect.top);
  blt.DstRight = static_cast<UINT>(destination_rect.right);
  blt.DstBottom = static_cast<UINT>(destination_rect.bottom);
  blt.hSrcResource = HandleOf(source);
  blt.SrcLeft = static_cast<UINT>(source_rect.left);
  blt.SrcTop = static_cast<UINT>(source_rect.top);
  blt.SrcRight = static_cast<UINT>(source_rect.right);
  blt.SrcBottom = static_cast<UINT>(source_rect.bottom);
  blt.Flags = flags;
  blt.Rotate = DXGI_DDI_MODE_ROTATION_IDENTITY;
  return device_->dxgi_functions().pfnBlt1(&blt);
}

HRESULT DxgiDevice::PresentTo(Resource* destination, Resource* surface) {
  DXGI_DDI_ARG_PRESENT arguments{};
  arguments.hDevice = handle();
  arguments.hSurfaceToPresent = HandleOf(surface);
  arguments.hDstResource = HandleOf(destination);
  arguments.pDXGIContext = this;
  arguments.Flags.Blt = 1;
  return device_->dxgi_functions().pfnPresent(&arguments);
}

HRESULT DxgiDevice::RotateResourceIdentities(std::span<Resource* const> resources) {
  const std::vector<DXGI_DDI_HRESOURCE> handles = HandlesOf(resources);
  DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES arguments{};
  arguments.hDevice = handle();
  arguments.pResources = handles.data();
  arguments.Resources = static_cast<UINT>(handles.size());
  return device_->dxgi_functions().pfnRotateResourceIdentities(&arguments);
}

HRESULT DxgiDevice::SetDisplayMode(Resource* primary) {
  DXGI_DDI_ARG_SETDISPLAYMODE arguments{handle(), HandleOf(primary), 0};
  return device_->dxgi_functions().pfnSetDisplayMode(&arguments);
}

HRESULT DxgiDevice::SetResourcePriority(Resource* resource, UINT priority) {
  DXGI_DDI_ARG_SETRESOURCEPRIORITY arguments{handle(), HandleOf(resource), priority};
  return device_->dxgi_functions().pfnSetResourcePriority(&arguments);
}

HRESULT DxgiDevice::QueryResourceResidency(std::span<Resource* const> resources,
                                           std::span<DXGI_DDI_RESIDENCY> status) {
  if (status.size() != resources.size()) return E_INVALIDARG;
  const std::vector<DXGI_DDI_HRESOURCE> handles = HandlesOf(resources);
  DXGI_DDI_ARG_QUERYRESOURCERESIDENCY arguments{handle(), handles.data(), status.data(),
                                                handles.size()};
  return device_->dxgi_functions().pfnQueryResourceResidency(&arguments);
}

HRESULT DxgiDevice::OfferResources(std::span<Resource* const> resources,
                                   D3DDDI_OFFER_PRIORITY priority) {
  const std::vector<DXGI_DDI_HRESOURCE> handles = HandlesOf(resources);
  DXGI_DDI_ARG_OFFERRESOURCES arguments{handle(), handles.data(), static_cast<UINT>(handles.size()),
                                        priority};
  return device_->dxgi_functions().pfnOfferResources(&arguments);
}

HRESULT DxgiDevice::ReclaimResources(std::span<Resource* const> resources,
                                     std::span<BOOL> discarded) {
  if (discarded.size() != resources.size()) return E_INVALIDARG;
  const std::vector<DXGI_DDI_HRESOURCE> handles = HandlesOf(resources);
  DXGI_DDI_ARG_RECLAIMRESOURCES arguments{handle(), handles.data(), discarded.data(),
                                          static_cast<UINT>(handles.size())};
  return device_->dxgi_functions().pfnReclaimResources(&arguments);
}

HRESULT DxgiDevice::ResolveSharedResource(Resource* resource) {
  DXGI_DDI_ARG_RESOLVESHAREDRESOURCE arguments{handle(), HandleOf(resource)};
  return device_->dxgi_functions().pfnResolveSharedResource(&arguments);
}

}  // namespace ward::runtime
