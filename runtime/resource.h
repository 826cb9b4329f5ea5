// ID3D11Texture2D and ID3D11Buffer: one mip level, one array slice, no multisampling.
#ifndef WARD_RUNTIME_RESOURCE_H_
#define WARD_RUNTIME_RESOURCE_H_

#include <cstdint>
#include <memory>

#include "runtime/device.h"
#include "runtime/private_memory.h"
#include "umd/ddi/api_flags.h"  // IWYU pragma: export
#include "umd/ddi/resource.h"
#include "umd/ddi/video_decoder.h"

namespace ward::runtime {

// D3D11_USAGE, D3D11_CPU_ACCESS_FLAG and D3D11_BIND_FLAG, with the API's numbers.
enum class Usage : uint32_t { kDefault = 0, kImmutable = 1, kDynamic = 2, kStaging = 3 };
inline constexpr uint32_t kCpuAccessWrite = 0x10000;
inline constexpr uint32_t kCpuAccessRead = 0x20000;
inline constexpr uint32_t kBindShaderResource = 0x8;
inline constexpr uint32_t kBindRenderTarget = 0x20;
inline constexpr uint32_t kBindDecoder = 0x200;

struct TextureDescription {
  uint32_t width;  // texels
  uint32_t height;
  DXGI_FORMAT format;
  Usage usage = Usage::kDefault;
  uint32_t bind_flags = 0;
  uint32_t cpu_access_flags = 0;
  uint32_t misc_flags = 0;      // the API's numbers, umd::kApiResourceMisc...
  bool is_back_buffer = false;  // DXGI_USAGE_BACK_BUFFER: may be flipped to the screen
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE decoder_buffer_type =
      D3D11_1DDI_VIDEO_DECODER_BUFFER_UNKNOWN;  // of a decoder's own buffer
};

class Resource {
 public:
  // ID3D11Device::CreateTexture2D. E_INVALIDARG for what the API forbids: no extent, flags that it
  // does not have, staging without CPU access or with bindings, RESTRICTED_CONTENT, HW_PROTECTED or
  // SHARED anywhere but in DEFAULT usage. Else what the driver reported.
  static HRESULT CreateTexture2D(Device* device, const TextureDescription& description,
                                 std::unique_ptr<Resource>* resource);
  // ID3D11Device::CreateBuffer, `size_bytes` long.
  static HRESULT CreateBuffer(Device* device, uint32_t size_bytes, Usage usage,
                              uint32_t cpu_access_flags, uint32_t misc_flags,
                              std::unique_ptr<Resource>* resource);
  // A buffer that the CPU fills for a decoder, as the driver described it.
  static HRESULT CreateDecoderBuffer(Device* device,
                                     const D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO& info,
                                     std::unique_ptr<Resource>* resource);
  // ID3D11Device::OpenSharedResource: what another device, of this process or of another, shares
  // under `handle`. E_INVALIDARG for no such handle, and where this process may not open it.
  static HRESULT OpenShared(Device* device, uint32_t handle, std::unique_ptr<Resource>* resource);
  ~Resource();
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  // IDXGIResource::GetSharedHandle. E_INVALIDARG for a resource that was not made to be shared.
  HRESULT GetSharedHandle(uint32_t* handle) const;

  // As created; a buffer is one row of bytes of DXGI_FORMAT_UNKNOWN.
  const TextureDescription& description() const { return description_; }
  D3D10DDI_HRESOURCE driver_handle() const { return {memory_.get()}; }
  Device& device() { return *device_; }

 private:
  Resource(Device* device, const TextureDescription& description);
  HRESULT CreateInDriver(D3D10DDIRESOURCE_TYPE dimension);
  HRESULT OpenInDriver(uint32_t handle, const SharedResource& shared);

  Device* device_;
  TextureDescription description_;
  PrivateMemory memory_;
  bool exists_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_RESOURCE_H_
