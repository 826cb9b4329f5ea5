#include "umd/surface_blt.h"

#include "umd/scaled_copy.h"

namespace ward::umd {

namespace {

// Video without further word is BT.601 of limited range, like a stream that nobody described.
uint32_t ColorSpaceOf(DXGI_FORMAT format) {
  return IsScalableDestination(format) ? kColorSpaceFullRange : 0;
}

}  // namespace

HRESULT AppendSurfaceBlt(Device* device, const SurfaceBlt& blt) {
  const bool is_same_size = blt.source_rect.width == blt.destination_rect.width &&
                            blt.source_rect.height == blt.destination_rect.height;
  const bool is_same_format = blt.source->layout().format == blt.destination->layout().format;
  if ((!is_same_size && !blt.may_stretch) || (!is_same_format && !blt.may_convert)) {
    return device->events().Refuse("a blt to another format or size that it does not allow");
  }
  if (is_same_size && is_same_format) {
    return blt.destination->CopyFrom(*blt.source, blt.source_rect, blt.destination_rect.left,
                                     blt.destination_rect.top);
  }
  const PictureRect picture = ToPictureRect(blt.destination_rect);
  const ScaledCopy copy = {blt.source,      blt.source_rect,
                           blt.destination, picture,
                           picture,         ColorSpaceOf(blt.source->layout().format),
                           false,           ScalingFilter::kAutomatic};
  const HRESULT result = CheckScaledCopy(device, copy);
  return FAILED(result) ? result : AppendScaledCopy(device, copy);
}

}  // namespace ward::umd
