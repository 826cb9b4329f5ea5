#include "runtime/resource.h"

#include <cstring>
#include <utility>
#include <vector>

namespace ward::runtime {
namespace {

constexpr uint32_t kBindFlags = kBindShaderResource | kBindRenderTarget | kBindDecoder;
constexpr uint32_t kProtectedFlags =
    umd::kApiResourceMiscRestrictedContent | umd::kApiResourceMiscHwProtected;
constexpr uint32_t kMiscFlags = kProtectedFlags | umd::kApiResourceMiscShared |
                                umd::kApiResourceMiscRestrictSharedResourceDriver;

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
  // All of them want memory of the device's.
  const uint32_t needs_default = kProtectedFlags | umd::kApiResourceMiscShared;
  return (description.misc_flags & needs_default) == 0 || description.usage == Usage::kDefault;
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
  if ((api_flags & umd::kApiResourceMiscShared) != 0) flags |= D3D10_DDI_RESOURCE_MISC_SHARED;
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

HRESULT Resource::OpenShared(Device* device, uint32_t handle, std::unique_ptr<Resource>* resource) {
  const SharedResource* shared = device->adapter().kernel().FindShared(handle);
  TextureDescription description = {};
  if (shared == nullptr || shared->runtime_data.size() != sizeof(description)) return E_INVALIDARG;
  std::memcpy(&description, shared->runtime_data.data(), sizeof(description));
  std::unique_ptr<Resource> made(new Resource(device, description));
  const HRESULT result = made->OpenInDriver(handle, *shared);
  if (SUCCEEDED(result)) *resource = std::move(made);
  return result;
}

HRESULT Resource::GetSharedHandle(uint32_t* handle) const {
  return device_->kernel_device().Share(
      const_cast<Resource*>(this),
      {reinterpret_cast<const uint8_t*>(&description_), sizeof(description_)}, handle);
}

HRESULT Resource::OpenInDriver(uint32_t handle, const SharedResource& shared) {
  std::vector<uint8_t> driver_data = shared.driver_data;
  abi::AllocationData allocation_data;
  D3DDDI_OPENALLOCATIONINFO info{};
  HRESULT result =
      device_->kernel_device().OpenShared(handle, this, &info.hAllocation, &allocation_data);
  if (FAILED(result)) return result;
  info.pPrivateDriverData = &allocation_data;
  info.PrivateDriverDataSize = sizeof(allocation_data);
  D3D10DDIARG_OPENRESOURCE arguments{};
  arguments.NumAllocations = 1;
  arguments.pOpenAllocationInfo = &info;
  arguments.pPrivateDriverData = driver_data.data();
  arguments.PrivateDriverDataSize = static_cast<UINT>(driver_data.size());
  const D3D10DDI_HDEVICE device = device_->driver_handle();
  const D3D11_1DDI_DEVICEFUNCS& driver = device_->functions();
  device_->errors().Begin();
  result = E_OUTOFMEMORY;
  if (memory_.Allocate(driver.pfnCalcPrivateOpenedResourceSize(device, &arguments))) {
    driver.pfnOpenResource(device, &arguments, driver_handle(), {this});
    result = device_->errors().Take();
  }
  exists_ = SUCCEEDED(result);
  if (!exists_) {
    const D3DDDICB_DEALLOCATE close = {this, 0, nullptr};
    (void)device_->kernel_device().Deallocate(&close);
  }
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
