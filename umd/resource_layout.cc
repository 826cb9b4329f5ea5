#include "umd/resource_layout.h"

namespace ward::umd {

namespace {

bool MakeBufferLayout(const D3D11DDIARG_CREATERESOURCE& description, ResourceLayout* layout) {
  const uint32_t bytes = description.pMipInfoList[0].TexelWidth;
  if (bytes == 0 || bytes > kMaximumResourceBytes) return false;
  *layout = {true, DXGI_FORMAT_UNKNOWN, bytes, 1, 1, bytes, bytes, 1, 0, bytes};
  return true;
}

bool MakeTextureLayout(const D3D11DDIARG_CREATERESOURCE& description, ResourceLayout* layout) {
  const uint32_t width = description.pMipInfoList[0].TexelWidth;
  const uint32_t height = description.pMipInfoList[0].TexelHeight;
  const uint32_t texel_bytes = TexelBytes(description.Format);
  if (texel_bytes == 0 || width == 0 || height == 0) return false;
  if (width > kMaximumTextureExtent || height > kMaximumTextureExtent) return false;
  const bool is_planar =
      description.Format == DXGI_FORMAT_NV12 || description.Format == DXGI_FORMAT_P010;
  if (is_planar && (width % 2 != 0 || height % 2 != 0)) return false;
  const uint32_t row_bytes = width * texel_bytes;
  const uint32_t pitch = (row_bytes + kPitchAlignment - 1) / kPitchAlignment * kPitchAlignment;
  const uint32_t row_count = is_planar ? height + height / 2 : height;
  const uint64_t size_bytes = uint64_t{pitch} * row_count;
  if (size_bytes > kMaximumResourceBytes) return false;
  const uint32_t chroma_offset = is_planar ? pitch * height : 0;
  *layout = {false,         description.Format,
             width,         height,
             texel_bytes,   row_bytes,
             pitch,         row_count,
             chroma_offset, static_cast<uint32_t>(size_bytes)};
  return true;
}

}  // namespace

uint32_t TexelBytes(DXGI_FORMAT format) {
  switch (format) {
    case DXGI_FORMAT_R8_UNORM:
    case DXGI_FORMAT_R8_UINT:
    case DXGI_FORMAT_NV12:
      return 1;
    case DXGI_FORMAT_R8G8_UNORM:
    case DXGI_FORMAT_R16_UNORM:
    case DXGI_FORMAT_P010:
      return 2;
    case DXGI_FORMAT_B8G8R8A8_UNORM:
    case DXGI_FORMAT_B8G8R8X8_UNORM:
    case DXGI_FORMAT_R8G8B8A8_UNORM:
    case DXGI_FORMAT_R32_UINT:
      return 4;
    default:
      return 0;
  }
}

bool MakeResourceLayout(const D3D11DDIARG_CREATERESOURCE& description, ResourceLayout* layout) {
  if (description.pMipInfoList == nullptr || description.MipLevels != 1 ||
      description.ArraySize != 1 || description.SampleDesc.Count > 1) {
    return false;
  }
  switch (description.ResourceDimension) {
    case D3D10DDIRESOURCE_BUFFER:
      return MakeBufferLayout(description, layout);
    case D3D10DDIRESOURCE_TEXTURE2D:
      return MakeTextureLayout(description, layout);
    default:
      return false;
  }
}

bool MakeTexelRect(int64_t left, int64_t top, int64_t right, int64_t bottom,
                   const ResourceLayout& layout, TexelRect* rect) {
  if (left < 0 || left >= right || right > layout.width) return false;
  if (top < 0 || top >= bottom || bottom > layout.height) return false;
  *rect = {static_cast<uint32_t>(left), static_cast<uint32_t>(top),
           static_cast<uint32_t>(right - left), static_cast<uint32_t>(bottom - top)};
  return true;
}

uint32_t OffsetOf(const TexelRect& rect, const ResourceLayout& layout) {
  return rect.top * layout.pitch + rect.left * layout.texel_bytes;
}

uint32_t ChromaOffsetOf(const TexelRect& rect, const ResourceLayout& layout) {
  return layout.chroma_offset + rect.top / 2 * layout.pitch + rect.left * layout.texel_bytes;
}

bool IsEven(const TexelRect& rect) {
  return (rect.left | rect.top | rect.width | rect.height) % 2 == 0;
}

}  // namespace ward::umd
