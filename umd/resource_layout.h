// How a resource lies in memory. It depends on the description alone, so a protected resource and a
// staging resource of one description have the same layout (R11).
#ifndef WARD_UMD_RESOURCE_LAYOUT_H_
#define WARD_UMD_RESOURCE_LAYOUT_H_

#include <cstdint>

#include "umd/ddi/resource.h"

namespace ward::umd {

// The longest transfer of one command; no resource is larger.
inline constexpr uint32_t kMaximumResourceBytes = 256u << 20;
inline constexpr uint32_t kMaximumTextureExtent = 16384;
// Rows begin on a cache line. The contract needs 16 for cipher blocks, 4 for the display.
inline constexpr uint32_t kPitchAlignment = 64;

struct ResourceLayout {
  bool is_buffer;  // then all of it is one row
  DXGI_FORMAT format;
  uint32_t width;   // texels, or bytes of a buffer
  uint32_t height;  // texels, or 1
  uint32_t texel_bytes;
  uint32_t row_bytes;      // without padding
  uint32_t pitch;          // bytes from row to row, in every plane
  uint32_t row_count;      // of all planes together
  uint32_t chroma_offset;  // bytes; NV12's and P010's second plane, else 0
  uint32_t size_bytes;

  friend bool operator==(const ResourceLayout&, const ResourceLayout&) = default;
};

// Bytes of a texel (of the first plane), 0 for a format that resources can't have here.
uint32_t TexelBytes(DXGI_FORMAT format);

// False for what is not supported: other dimensions than buffers and plain 2D textures, mip levels,
// arrays, multisampling, other formats, NV12 or P010 of odd size, anything above the limits.
bool MakeResourceLayout(const D3D11DDIARG_CREATERESOURCE& description, ResourceLayout* layout);

// Columns [left, left + width) and rows of a texture, in texels; of a buffer, in bytes.
struct TexelRect {
  uint32_t left;
  uint32_t top;
  uint32_t width;
  uint32_t height;
};

// The rectangle of all of it.
constexpr TexelRect WholeOf(const ResourceLayout& layout) {
  return {0, 0, layout.width, layout.height};
}
// False unless 0 <= left < right <= width and the same for the height.
bool MakeTexelRect(int64_t left, int64_t top, int64_t right, int64_t bottom,
                   const ResourceLayout& layout, TexelRect* rect);
// Bytes from the resource's first byte to the rectangle's (in the first plane).
uint32_t OffsetOf(const TexelRect& rect, const ResourceLayout& layout);
// The same in the second plane of NV12 or P010.
uint32_t ChromaOffsetOf(const TexelRect& rect, const ResourceLayout& layout);
// NV12 and P010 are copied in pairs of texels.
bool IsEven(const TexelRect& rect);

}  // namespace ward::umd

#endif  // WARD_UMD_RESOURCE_LAYOUT_H_
