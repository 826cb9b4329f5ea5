// One VIDEO_BLT between two resources: a rectangle of one, converted and scaled to a rectangle of
// the other, as much of it as a clip rectangle lets through. Shared by the video processor and
// DXGI's blts.
#ifndef WARD_UMD_SCALED_COPY_H_
#define WARD_UMD_SCALED_COPY_H_

#include <cstdint>

#include "umd/ddi/windows_types.h"
#include "umd/resource.h"
#include "umd/resource_layout.h"

namespace ward::umd {

inline constexpr uint32_t kMaximumScaledExtent = 8192;  // VIDEO_BLT's

// VIDEO_BLT.filter, or the driver's choice.
enum class ScalingFilter : uint32_t { kNearest = 0, kBilinear = 1, kArea = 2, kAutomatic = 3 };

// VIDEO_BLT.color_space, as bits.
inline constexpr uint32_t kColorSpaceBt709 = 1;
inline constexpr uint32_t kColorSpaceFullRange = 2;

// Columns [left, right) and rows of a surface, which may reach over its edges.
struct PictureRect {
  int64_t left;
  int64_t top;
  int64_t right;
  int64_t bottom;

  int64_t width() const { return right - left; }
  int64_t height() const { return bottom - top; }
  bool is_empty() const { return left >= right || top >= bottom; }
  friend bool operator==(const PictureRect&, const PictureRect&) = default;
};
PictureRect ToPictureRect(const TexelRect& rect);
PictureRect Intersection(const PictureRect& a, const PictureRect& b);

struct ScaledCopy {
  const Resource* source;
  TexelRect source_rect;
  const Resource* destination;
  PictureRect destination_rect;  // where all of the picture would be
  PictureRect clip;              // what of the destination may be written, inside of it
  uint32_t color_space;          // of the source
  bool is_limited_range;         // of the destination
  ScalingFilter filter;
};

// Formats that VIDEO_BLT reads, and that it writes. A device without VIDEO_FORMATS reads NV12
// alone.
bool IsScalableSource(const Device& device, DXGI_FORMAT format);
bool IsScalableDestination(DXGI_FORMAT format);

// E_INVALIDARG and an event for what the device can't do; nothing is written then.
HRESULT CheckScaledCopy(Device* device, const ScaledCopy& copy);
// Of what CheckScaledCopy let pass.
HRESULT AppendScaledCopy(Device* device, const ScaledCopy& copy);

}  // namespace ward::umd

#endif  // WARD_UMD_SCALED_COPY_H_
