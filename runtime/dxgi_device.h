// What DXGI asks of a driver beside presenting a swap chain's buffers: blts between surfaces,
// presents to a surface that somebody else shows, rotation of back buffers, residency. Each call is
// one entry of the DXGI table, with its HRESULT.
#ifndef WARD_RUNTIME_DXGI_DEVICE_H_
#define WARD_RUNTIME_DXGI_DEVICE_H_

#include <span>
#include <vector>

#include "runtime/device.h"
#include "runtime/resource.h"

namespace ward::runtime {

class DxgiDevice {
 public:
  // `device` outlives this.
  explicit DxgiDevice(Device* device) : device_(device) {}

  // All of the source to a rectangle of the destination; formats and sizes may differ.
  HRESULT Blt(Resource* destination, const RECT& destination_rect, Resource* source);
  // A rectangle of the source; `flags` as DXGI_DDI_ARG_BLT_FLAGS.
  HRESULT Blt1(Resource* destination, const RECT& destination_rect, Resource* source,
               const RECT& source_rect, DXGI_DDI_ARG_BLT_FLAGS flags);
  // The picture of `surface` into `destination`.
  HRESULT PresentTo(Resource* destination, Resource* surface);
  // The first resource gets the memory of the second and so on, the last one the first's.
  HRESULT RotateResourceIdentities(std::span<Resource* const> resources);
  // Makes the surface's size the mode of output 0 and shows it there.
  HRESULT SetDisplayMode(Resource* primary);
  HRESULT SetResourcePriority(Resource* resource, UINT priority);
  HRESULT QueryResourceResidency(std::span<Resource* const> resources,
                                 std::span<DXGI_DDI_RESIDENCY> status);
  HRESULT OfferResources(std::span<Resource* const> resources, D3DDDI_OFFER_PRIORITY priority);
  // `discarded`: an entry for each resource.
  HRESULT ReclaimResources(std::span<Resource* const> resources, std::span<BOOL> discarded);
  // Before another device uses it: what this one recorded is submitted.
  HRESULT ResolveSharedResource(Resource* resource);

 private:
  DXGI_DDI_HDEVICE handle() const;

  Device* device_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_DXGI_DEVICE_H_
