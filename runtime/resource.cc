#include "runtime/resource.h"

#include <utility>

namespace ward::runtime {
namespace {

constexpr uint32_t kBindFlags = kBindShaderResource | kBindRenderTarget | kBindDecoder;
constexpr uint32_t kProtectedFlags =
    umd::kApiResourceMiscRestrictedContent | umd::kApiResourceMiscHwProtected;
constexpr uint32_t kMiscFlags = kProtectedFlags | umd::kApiResourceMiscRestrictSharedResourceDriver;

bool IsValid(const TextureDescription& description) {
  if (description.width == 0 || description.height == 0) return false;
  if (description.usage > Usage::kStaging) return false;
  if ((description.bind_flags & ~kBindFlags) != 0) return false;
  if ((description.cpu_access_flags & ~(kCpuAccessRead | kCpuAccessWrite)) != 0) return false;
  if ((description.misc_flags & ~kMiscFlags) != 0) return false;
  const bool is_staging = description.usage == Usage::kStaging;
  if (is_staging && (description.bind_flags != 0 || description.cpu_access_flags == 0)) {
    return false;
  }
  const bool is_protected = (description.misc_flags & kProtectedFlags) != 0;
  return !is_protected || description.usage == Usage::kDefault;
}

// The DDI's MapFlags: the access that a map may ask for, D3D10_DDI_MAP.
UINT MapFlagsOf(uint32_t cpu_access_flags) {
  UINT flags = 0;
  if ((cpu_access_flags & kCpuAccessRead) != 0) flags |= D3D10_DDI_MAP_READ;
  if ((cpu_access_flags & kCpuAccessWrite) != 0) flags |= D3D10_DDI_MAP_WRITE;
  return flags;
}

UINT DdiMiscFlagsOf(uint32_t api_flags) {
  UINT flags = 0;
  if ((api_flags & umd::kApiResourceMiscRestrictedContent) != 0) {
    flags |= D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT;
  }
  if ((api_flags & umd::kApiResourceMiscRestrictSharedResourceDriver) != 0) {
    flags |= D3D11_1DDI_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER;
  }
  if ((api_flags & umd::kApiResourceMiscHwProtected) != 0) {
    flags |= D3DWDDM2_0DDI_RESOURCE_MISC_HW_PROTECTED;
  }
  return flags;
}

}  // namespace

Resource::Resource(Device* device, const TextureDescription& description)
    : device_(device), description_(description) {}

HRESULT Resource::CreateTexture2D(Device* device, const TextureDescription& description,
                                  std::unique_ptr<Resource>* resource) {
  if (!IsValid(description)) return E_INVALIDARG;
  std::unique_ptr<Resource> made(new Resource(device, description));
  const HRESULT result = made->CreateInDriver(D3D10DDIRESOURCE_TEXTURE2D);
  if (SUCCEEDED(result)) *resource = std::move(made);
  return result;
}

HRESULT Resource::CreateBuffer(Device* device, uint32_t size_bytes, Usage usage,
                               uint32_t cpu_access_flags, uint32_t misc_flags,
                               std::unique_ptr<Resource>* resource) {
  TextureDescription description = {size_bytes, 1, DXGI_FORMAT_UNKNOWN, usage};
  description.cpu_access_flags = cpu_access_flags;
  description.misc_flags = misc_flags;
  if (!IsValid(description)) return E_INVALIDARG;
  std::unique_ptr<Resource> made(new Resource(device, description));
  const HRESULT result = made->CreateInDriver(D3D10DDIRESOURCE_BUFFER);
  if (SUCCEEDED(result)) *resource = std::move(made);
  return result;
}

HRESULT Resource::CreateDecoderBuffer(Device* device,
                                      const D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO& info,
                                      std::unique_ptr<Resource>* resource) {
  TextureDescription description = {info.Size, 1, DXGI_FORMAT_UNKNOWN,
                                    static_cast<Usage>(info.Usage)};
  description.bind_flags = kBindDecoder;
  description.cpu_access_flags = kCpuAccessWrite;
  description.decoder_buffer_type = info.Type;
  if (!IsValid(description)) return E_INVALIDARG;
  std::unique_ptr<Resource> made(new Resource(device, description));
  const HRESULT result = made->CreateInDriver(D3D10DDIRESOURCE_BUFFER);
  if (SUCCEEDED(result)) *resource = std::move(made);
  return result;
}

Resource::~Resource() {
  if (exists_) device_->functions().pfnDestroyResource(device_->driver_handle(), driver_handle());
}

HRESULT Resource::CreateInDriver(D3D10DDIRESOURCE_TYPE dimension) {
  const uint32_t width = description_.width;
  const uint32_t height = description_.height;
  const D3D10DDI_MIPINFO mip = {width, height, 1, width, height, 1};
  DXGI_DDI_PRIMARY_DESC primary{};
  primary.Flags = DXGI_DDI_PRIMARY_OPTIONAL;
  primary.ModeDesc.Width = width;
  primary.ModeDesc.Height = height;
  primary.ModeDesc.Format = description_.format;

  D3D11DDIARG_CREATERESOURCE arguments{};
  arguments.pMipInfoList = &mip;
  arguments.ResourceDimension = dimension;
  arguments.Usage = static_cast<UINT>(description_.usage);
  arguments.BindFlags = description_.bind_flags;  // those three have the API's numbers
  if (description_.is_back_buffer) arguments.BindFlags |= D3D10_DDI_BIND_PRESENT;
  arguments.MapFlags = MapFlagsOf(description_.cpu_access_flags);
  arguments.MiscFlags = DdiMiscFlagsOf(description_.misc_flags);
  arguments.Format = description_.format;
  arguments.SampleDesc = {1, 0};
  arguments.MipLevels = 1;
  arguments.ArraySize = 1;
  arguments.DecoderBufferType = description_.decoder_buffer_type;
  arguments.pPrimaryDesc = description_.is_back_buffer ? &primary : nullptr;

  const D3D10DDI_HDEVICE device = device_->driver_handle();
  const D3D11_1DDI_DEVICEFUNCS& driver = device_->functions();
  device_->errors().Begin();
  if (!memory_.Allocate(driver.pfnCalcPrivateResourceSize(device, &arguments))) {
    return E_OUTOFMEMORY;
  }
  driver.pfnCreateResource(device, &arguments, driver_handle(), {this});
  // A driver cleans up what it reported as failed: nothing to destroy then.
  const HRESULT result = device_->errors().Take();
  exists_ = SUCCEEDED(result);
  return result;
}

}  // namespace ward::runtime
