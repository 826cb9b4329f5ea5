// ID3D11DeviceContext as far as it is needed here: maps and copies on the immediate context.
#ifndef WARD_RUNTIME_DEVICE_CONTEXT_H_
#define WARD_RUNTIME_DEVICE_CONTEXT_H_

#include <cstdint>

#include "runtime/device.h"
#include "runtime/resource.h"

namespace ward::runtime {

// D3D11_MAP, with the API's numbers.
enum class MapType : uint32_t {
  kRead = 1,
  kWrite = 2,
  kReadWrite = 3,
  kWriteDiscard = 4,
  kWriteNoOverwrite = 5,
};

// D3D11_MAPPED_SUBRESOURCE. Pitches in bytes.
struct MappedSubresource {
  uint8_t* data = nullptr;
  uint32_t row_pitch = 0;
  uint32_t depth_pitch = 0;
};

class DeviceContext {
 public:
  // `device` outlives the context.
  explicit DeviceContext(Device* device) : device_(device) {}

  // Waits until the device is done with the resource. E_INVALIDARG: the resource was not created
  // for this access, or the driver refuses it (protected content); `mapped` is empty then.
  HRESULT Map(Resource* resource, MapType type, MappedSubresource* mapped);
  void Unmap(Resource* resource);

  // Whole resources of one size and format, else E_INVALIDARG. A copy that the device refuses has
  // no effect and no error (R7).
  HRESULT CopyResource(Resource* destination, Resource* source);

  // A rectangle of the source (null: all of it) to (x, y) of the destination, both of one format,
  // whatever their sizes; they may be the same resource. What does not fit has no effect (R7).
  HRESULT CopySubresourceRegion(Resource* destination, uint32_t x, uint32_t y, Resource* source,
                                const RECT* source_rect);
  // Rows of the CPU's, `row_pitch` bytes apart, to a rectangle of the destination (null: all).
  HRESULT UpdateSubresource(Resource* destination, const RECT* rect, const void* data,
                            uint32_t row_pitch);

  // Submits what has been recorded. The reason when that cost the device.
  HRESULT Flush();

 private:
  Device* device_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_DEVICE_CONTEXT_H_
