#include "umd/dxgi_blt.h"

#include "umd/ddi/status_codes.h"
#include "umd/device.h"
#include "umd/resource.h"
#include "umd/surface_blt.h"

namespace ward::umd {

namespace {

Resource* FindResource(Device* device, DXGI_DDI_HRESOURCE handle) {
  return DriverObject::Find<Resource>(device, reinterpret_cast<void*>(handle));
}

// What both functions have, with the source's rectangle; null for all of it.
struct Arguments {
  DXGI_DDI_HRESOURCE source;
  UINT source_subresource;
  const RECT* source_rect;
  DXGI_DDI_HRESOURCE destination;
  UINT destination_subresource;
  RECT destination_rect;
  DXGI_DDI_ARG_BLT_FLAGS flags;
  DXGI_DDI_MODE_ROTATION rotation;
};

bool Resolve(const RECT* rect, const ResourceLayout& layout, TexelRect* result) {
  *result = WholeOf(layout);
  return rect == nullptr ||
         MakeTexelRect(rect->left, rect->top, rect->right, rect->bottom, layout, result);
}

HRESULT Run(Device* device, const Arguments& arguments) {
  if (device == nullptr) return E_INVALIDARG;
  SurfaceBlt blt = {};
  blt.source = FindResource(device, arguments.source);
  blt.destination = FindResource(device, arguments.destination);
  if (blt.source == nullptr || blt.destination == nullptr || arguments.source_subresource != 0 ||
      arguments.destination_subresource != 0) {
    return device->events().Refuse("DXGI's Blt takes surfaces of its own device");
  }
  if (arguments.rotation != DXGI_DDI_MODE_ROTATION_UNSPECIFIED &&
      arguments.rotation != DXGI_DDI_MODE_ROTATION_IDENTITY) {
    device->events().Count("DXGI's Blt does not rotate");
    return E_NOTIMPL;
  }
  if (!Resolve(arguments.source_rect, blt.source->layout(), &blt.source_rect) ||
      !Resolve(&arguments.destination_rect, blt.destination->layout(), &blt.destination_rect)) {
    return device->events().Refuse("DXGI's Blt outside a surface");
  }
  // There is no multisampling, so that a resolve is a copy.
  blt.may_convert = arguments.flags.Convert != 0;
  blt.may_stretch = arguments.flags.Stretch != 0;
  return AppendSurfaceBlt(device, blt);
}

RECT MakeRect(UINT left, UINT top, UINT right, UINT bottom) {
  return {static_cast<LONG>(left), static_cast<LONG>(top), static_cast<LONG>(right),
          static_cast<LONG>(bottom)};
}

}  // namespace

HRESULT APIENTRY DxgiBltWhole(DXGI_DDI_ARG_BLT* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  const DXGI_DDI_ARG_BLT& blt = *arguments;
  return Run(
      Device::From({reinterpret_cast<void*>(blt.hDevice)}),
      {blt.hSrcResource, blt.SrcSubresource, nullptr, blt.hDstResource, blt.DstSubresource,
       MakeRect(blt.DstLeft, blt.DstTop, blt.DstRight, blt.DstBottom), blt.Flags, blt.Rotate});
}

HRESULT APIENTRY DxgiBltRegion(DXGI_DDI_ARG_BLT1* arguments) {
  if (arguments == nullptr) return E_INVALIDARG;
  const DXGI_DDI_ARG_BLT1& blt = *arguments;
  const RECT source = MakeRect(blt.SrcLeft, blt.SrcTop, blt.SrcRight, blt.SrcBottom);
  return Run(
      Device::From({reinterpret_cast<void*>(blt.hDevice)}),
      {blt.hSrcResource, blt.SrcSubresource, &source, blt.hDstResource, blt.DstSubresource,
       MakeRect(blt.DstLeft, blt.DstTop, blt.DstRight, blt.DstBottom), blt.Flags, blt.Rotate});
}

}  // namespace ward::umd
