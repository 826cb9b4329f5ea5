// A blt between two surfaces: a copy where nothing changes, else conversion and scaling by the
// video processor.
#ifndef WARD_UMD_SURFACE_BLT_H_
#define WARD_UMD_SURFACE_BLT_H_

#include "umd/ddi/windows_types.h"
#include "umd/device.h"
#include "umd/resource.h"

namespace ward::umd {

struct SurfaceBlt {
  const Resource* source;
  TexelRect source_rect;
  Resource* destination;
  TexelRect destination_rect;
  bool may_convert;  // to another format
  bool may_stretch;  // to another size
};

// Appended, not submitted. E_INVALIDARG and an event for another format or size where that is not
// allowed, and for what the device can't do.
HRESULT AppendSurfaceBlt(Device* device, const SurfaceBlt& blt);

}  // namespace ward::umd

#endif  // WARD_UMD_SURFACE_BLT_H_
