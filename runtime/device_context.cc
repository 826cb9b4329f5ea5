#include "runtime/device_context.h"

namespace ward::runtime {
namespace {

bool MayMap(const TextureDescription& description, MapType type) {
  uint32_t needed = 0;
  if (type == MapType::kRead || type == MapType::kReadWrite) needed |= kCpuAccessRead;
  if (type != MapType::kRead) needed |= kCpuAccessWrite;
  if ((description.cpu_access_flags & needed) != needed) return false;
  const bool is_renaming = type == MapType::kWriteDiscard || type == MapType::kWriteNoOverwrite;
  return is_renaming == (description.usage == Usage::kDynamic);
}

D3D10_DDI_BOX BoxOf(const RECT& rect) {
  return {rect.left, rect.top, 0, rect.right, rect.bottom, 1};
}

}  // namespace

HRESULT DeviceContext::Map(Resource* resource, MapType type, MappedSubresource* mapped) {
  *mapped = {};
  if (resource == nullptr || !MayMap(resource->description(), type)) return E_INVALIDARG;
  const D3D11_1DDI_DEVICEFUNCS& driver = device_->functions();
  const Usage usage = resource->description().usage;
  const PFND3D10DDI_RESOURCEMAP map = usage == Usage::kStaging ? driver.pfnStagingResourceMap
                                      : usage == Usage::kDynamic
                                          ? driver.pfnDynamicResourceMapDiscard
                                          : driver.pfnResourceMap;
  D3D10DDI_MAPPED_SUBRESOURCE answer{};
  device_->errors().Begin(true);
  map(device_->driver_handle(), resource->driver_handle(), 0, static_cast<D3D10_DDI_MAP>(type), 0,
      &answer);
  const HRESULT result = device_->errors().Take();
  if (FAILED(result)) return result;
  // A refusal that the driver may not report (R7).
  if (answer.pData == nullptr) return E_INVALIDARG;
  *mapped = {static_cast<uint8_t*>(answer.pData), answer.RowPitch, answer.DepthPitch};
  return S_OK;
}

void DeviceContext::Unmap(Resource* resource) {
  const D3D11_1DDI_DEVICEFUNCS& driver = device_->functions();
  const Usage usage = resource->description().usage;
  const PFND3D10DDI_RESOURCEUNMAP unmap = usage == Usage::kStaging ? driver.pfnStagingResourceUnmap
                                          : usage == Usage::kDynamic
                                              ? driver.pfnDynamicResourceUnmap
                                              : driver.pfnResourceUnmap;
  unmap(device_->driver_handle(), resource->driver_handle(), 0);
}

HRESULT DeviceContext::CopyResource(Resource* destination, Resource* source) {
  if (destination == nullptr || source == nullptr || destination == source) return E_INVALIDARG;
  const TextureDescription& to = destination->description();
  const TextureDescription& from = source->description();
  if (to.width != from.width || to.height != from.height || to.format != from.format) {
    return E_INVALIDARG;
  }
  device_->errors().Begin();
  device_->functions().pfnResourceCopy(device_->driver_handle(), destination->driver_handle(),
                                       source->driver_handle());
  return device_->errors().Take();
}

HRESULT DeviceContext::CopySubresourceRegion(Resource* destination, uint32_t x, uint32_t y,
                                             Resource* source, const RECT* source_rect) {
  if (destination == nullptr || source == nullptr) return E_INVALIDARG;
  if (destination->description().format != source->description().format) return E_INVALIDARG;
  const D3D10_DDI_BOX box = source_rect != nullptr ? BoxOf(*source_rect) : D3D10_DDI_BOX{};
  device_->errors().Begin();
  device_->functions().pfnResourceCopyRegion(device_->driver_handle(), destination->driver_handle(),
                                             0, x, y, 0, source->driver_handle(), 0,
                                             source_rect != nullptr ? &box : nullptr, 0);
  return device_->errors().Take();
}

HRESULT DeviceContext::UpdateSubresource(Resource* destination, const RECT* rect, const void* data,
                                         uint32_t row_pitch) {
  if (destination == nullptr || data == nullptr) return E_INVALIDARG;
  const D3D10_DDI_BOX box = rect != nullptr ? BoxOf(*rect) : D3D10_DDI_BOX{};
  device_->errors().Begin();
  device_->functions().pfnResourceUpdateSubresourceUP(
      device_->driver_handle(), destination->driver_handle(), 0, rect != nullptr ? &box : nullptr,
      data, row_pitch, 0, 0);
  return device_->errors().Take();
}

HRESULT DeviceContext::Flush() {
  device_->errors().Begin();
  device_->functions().pfnFlush(device_->driver_handle(), 0);
  return device_->errors().Take();
}

}  // namespace ward::runtime
