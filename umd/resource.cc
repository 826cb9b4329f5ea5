#include "umd/resource.h"

#include <cstddef>
#include <cstring>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "base/rule.h"
#include "umd/allocation_data.h"
#include "umd/device.h"

namespace ward::umd {

namespace {

constexpr uint32_t kFlipFormatXrgb = 0;  // FLIP.format
// ALLOCATION_DATA.sharing.
constexpr uint32_t kSharingOpen = 1;
constexpr uint32_t kSharingRestricted = 2;

abi::ResourceData MakeResourceData(D3D10DDIRESOURCE_TYPE dimension, const ResourceLayout& layout) {
  abi::ResourceData data = {};
  data.abi_version = kDriverAbiVersion;
  data.dimension = static_cast<uint32_t>(dimension);
  data.format = static_cast<uint32_t>(layout.format);
  data.width = layout.width;
  data.height = layout.height;
  return data;
}

bool ReadResourceData(const abi::ResourceData& data, ResourceLayout* layout) {
  const uint32_t difference = data.abi_version ^ kDriverAbiVersion;
  if ((difference & abi::kAbiVersionMajorMask) != 0) return false;
  const D3D10DDI_MIPINFO mip = {data.width, data.height, 1, data.width, data.height, 1};
  D3D11DDIARG_CREATERESOURCE description = {};
  description.pMipInfoList = &mip;
  description.ResourceDimension = static_cast<D3D10DDIRESOURCE_TYPE>(data.dimension);
  description.Format = static_cast<DXGI_FORMAT>(data.format);
  description.MipLevels = 1;
  description.ArraySize = 1;
  return MakeResourceLayout(description, layout);
}

// HW_PROTECTED is what may hold the content of hardware DRM; CONTAINS_HW_PROTECTED what is made of
// such memory.
constexpr UINT kHardwareProtected =
    D3DWDDM2_0DDI_RESOURCE_MISC_HW_PROTECTED | D3DWDDM2_0DDI_RESOURCE_MISC_CONTAINS_HW_PROTECTED;

Segment ChooseSegment(const D3D11DDIARG_CREATERESOURCE& description) {
  if (WARD_RULE("5.restricted_content",
                (description.MiscFlags & D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT) != 0) ||
      WARD_RULE("5.hw_protected", (description.MiscFlags & kHardwareProtected) != 0)) {
    return Segment::kProtected;
  }
  return description.Usage == D3D10_DDI_USAGE_STAGING ? Segment::kSystem : Segment::kVisible;
}

bool IsPresentable(const D3D11DDIARG_CREATERESOURCE& description, const ResourceLayout& layout) {
  const bool is_asked =
      description.pPrimaryDesc != nullptr || (description.BindFlags & D3D10_DDI_BIND_PRESENT) != 0;
  const bool is_xrgb =
      layout.format == DXGI_FORMAT_B8G8R8X8_UNORM || layout.format == DXGI_FORMAT_B8G8R8A8_UNORM;
  return is_asked && is_xrgb && description.Usage == D3D10_DDI_USAGE_DEFAULT;
}

UINT LockFlags(D3D10_DDI_MAP access, UINT flags) {
  UINT lock = 0;
  if (access == D3D10_DDI_MAP_READ) lock |= kLockReadOnly;
  if (access == D3D10_DDI_MAP_WRITE || access == D3D10_DDI_MAP_WRITE_DISCARD)
    lock |= kLockWriteOnly;
  if (access == D3D10_DDI_MAP_WRITE_NOOVERWRITE) lock |= kLockWriteOnly | kLockIgnoreSync;
  if ((flags & D3D10_DDI_MAP_FLAG_DONOTWAIT) != 0) lock |= kLockDonotWait;
  return lock;
}

void CopyRows(uint8_t* to, uint32_t to_pitch, const uint8_t* from, uint32_t from_pitch,
              uint32_t row_bytes, uint32_t row_count) {
  for (uint32_t row = 0; row < row_count; ++row) {
    std::memcpy(to + size_t{row} * to_pitch, from + size_t{row} * from_pitch, row_bytes);
  }
}

}  // namespace

HRESULT Resource::Allocate(const D3D11DDIARG_CREATERESOURCE& description) {
  const bool has_unknown_flag =
      !device().has_wddm2_table() && (description.MiscFlags & kHardwareProtected) != 0;
  if (WARD_RULE("5.hw_protected_table", has_unknown_flag)) {
    device().events().Count("CreateResource: HW_PROTECTED without a WDDM 2.x video table");
    return E_OUTOFMEMORY;
  }
  if (!MakeResourceLayout(description, &layout_)) {
    device().events().Count("CreateResource: no such resource can be made here");
    return E_OUTOFMEMORY;
  }
  segment_ = ChooseSegment(description);
  is_presentable_ = IsPresentable(description, layout_);
  abi::AllocationData data = MakeAllocationData(segment_, layout_.size_bytes);
  if (is_presentable_) {
    data.width = layout_.width;
    data.height = layout_.height;
    data.pitch = layout_.pitch;
    data.format = kFlipFormatXrgb;
  }
  const UINT misc_flags = description.MiscFlags;
  const bool is_shared = (misc_flags & D3D10_DDI_RESOURCE_MISC_SHARED) != 0;
  const bool is_restricted =
      (misc_flags & D3D11_1DDI_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER) != 0;
  if (WARD_RULE("8.5.protected_restricted", is_shared && is_protected() && !is_restricted)) {
    // The count of protected resources that every process may open is 0, and stays so.
    device().events().Count("CreateResource: protected content shared with every process");
    return E_OUTOFMEMORY;
  }
  if (is_shared) data.sharing = is_restricted ? kSharingRestricted : kSharingOpen;
  const abi::ResourceData resource_data = MakeResourceData(description.ResourceDimension, layout_);
  const HRESULT result = device().kernel().Allocate(data, runtime_handle_, &allocation_,
                                                    is_shared ? &resource_data : nullptr);
  if (FAILED(result) || description.pInitialDataUP == nullptr) return result;
  const D3D10_DDIARG_SUBRESOURCE_UP& initial = description.pInitialDataUP[0];
  return Upload(WholeOf(layout_), initial.pSysMem, initial.SysMemPitch);
}

HRESULT Resource::Open(const D3D10DDIARG_OPENRESOURCE& arguments) {
  EventLog& events = device().events();
  abi::ResourceData resource_data;
  abi::AllocationData data;
  if (arguments.NumAllocations != 1 || arguments.pOpenAllocationInfo == nullptr ||
      arguments.pPrivateDriverData == nullptr ||
      arguments.PrivateDriverDataSize < sizeof(resource_data) ||
      arguments.pOpenAllocationInfo->pPrivateDriverData == nullptr ||
      arguments.pOpenAllocationInfo->PrivateDriverDataSize < sizeof(data)) {
    return events.Refuse("OpenResource without this driver's private data");
  }
  std::memcpy(&resource_data, arguments.pPrivateDriverData, sizeof(resource_data));
  std::memcpy(&data, arguments.pOpenAllocationInfo->pPrivateDriverData, sizeof(data));
  ResourceLayout layout = {};
  // Another process wrote them, though a driver of this kind.
  if (!ReadResourceData(resource_data, &layout) || data.size_bytes != layout.size_bytes ||
      data.segment > static_cast<uint32_t>(Segment::kProtected)) {
    return events.Refuse("OpenResource of private data that does not fit its memory");
  }
  layout_ = layout;
  segment_ = static_cast<Segment>(data.segment);
  is_presentable_ = data.width != 0;
  allocation_ = arguments.pOpenAllocationInfo->hAllocation;
  return S_OK;
}

void Resource::Free() {
  if (allocation_ == 0) return;
  for (; map_count_ != 0; --map_count_) device().kernel().Unlock(allocation_);
  // What was recorded before names the allocation; after a failed submission nothing does.
  (void)device().commands().FlushUsesOf(allocation_);
  // Memory of a surface may have come from another resource by ExchangeMemory, and the kernel knows
  // it under that one's handle.
  device().kernel().Free(is_presentable_ ? nullptr : runtime_handle_, allocation_);
  allocation_ = 0;
}

HRESULT Resource::Map(D3D10_DDI_MAP access, UINT flags, D3D10DDI_MAPPED_SUBRESOURCE* mapped) {
  *mapped = {};
  if (!exists()) return device().events().Refuse("map of a resource without memory");
  if (is_protected()) return device().events().Refuse("map of a protected resource");
  if (access != D3D10_DDI_MAP_WRITE_NOOVERWRITE) {
    const HRESULT result = device().commands().FlushUsesOf(allocation_);
    if (FAILED(result)) return result;
  }
  void* data = nullptr;
  const HRESULT result = device().kernel().Lock(allocation_, LockFlags(access, flags), &data);
  if (FAILED(result)) return result;
  *mapped = {data, layout_.pitch, layout_.size_bytes};
  ++map_count_;
  return S_OK;
}

void Resource::Unmap() {
  if (map_count_ == 0) {
    device().events().Count("unmap of a resource that is not mapped");
    return;
  }
  --map_count_;
  device().kernel().Unlock(allocation_);
}

HRESULT Resource::QueryBusy(bool* busy) {
  *busy = false;
  if (!exists() || is_protected()) return device().events().Refuse("no staging resource");
  HRESULT result = device().commands().FlushUsesOf(allocation_);
  if (FAILED(result)) return result;
  void* data = nullptr;
  result = device().kernel().Lock(allocation_, kLockReadOnly | kLockDonotWait, &data);
  if (SUCCEEDED(result)) device().kernel().Unlock(allocation_);
  *busy = result == D3DDDIERR_WASSTILLDRAWING;
  return *busy ? S_OK : result;
}

HRESULT Resource::Upload(const TexelRect& rect, const void* data, uint32_t data_pitch) {
  if (!exists() || data == nullptr) return device().events().Refuse("nothing to update");
  const uint32_t row_bytes = rect.width * layout_.texel_bytes;
  const auto* bytes = static_cast<const uint8_t*>(data);
  const bool is_planar = layout_.chroma_offset != 0;
  if (is_planar && !IsEven(rect)) return device().events().Refuse("update of odd texels of NV12");
  const bool is_whole = rect.width == layout_.width && rect.height == layout_.height;
  if (is_whole) return UploadRows(0, row_bytes, layout_.row_count, bytes, data_pitch);
  const HRESULT result =
      UploadRows(OffsetOf(rect, layout_), row_bytes, rect.height, bytes, data_pitch);
  if (FAILED(result) || !is_planar) return result;
  return UploadRows(ChromaOffsetOf(rect, layout_), row_bytes, rect.height / 2,
                    bytes + size_t{rect.height} * data_pitch, data_pitch);
}

HRESULT Resource::UploadRows(uint32_t offset, uint32_t row_bytes, uint32_t row_count,
                             const uint8_t* data, uint32_t data_pitch) {
  return is_protected() ? UploadByCopy(offset, row_bytes, row_count, data, data_pitch)
                        : UploadByCpu(offset, row_bytes, row_count, data, data_pitch);
}

HRESULT Resource::UploadByCpu(uint32_t offset, uint32_t row_bytes, uint32_t row_count,
                              const uint8_t* data, uint32_t data_pitch) {
  HRESULT result = device().commands().FlushUsesOf(allocation_);
  void* memory = nullptr;
  if (SUCCEEDED(result)) result = device().kernel().Lock(allocation_, kLockWriteOnly, &memory);
  if (FAILED(result)) return result;
  CopyRows(static_cast<uint8_t*>(memory) + offset, layout_.pitch, data, data_pitch, row_bytes,
           row_count);
  device().kernel().Unlock(allocation_);
  return S_OK;
}

HRESULT Resource::UploadByCopy(uint32_t offset, uint32_t row_bytes, uint32_t row_count,
                               const uint8_t* data, uint32_t data_pitch) {
  KernelDevice& kernel = device().kernel();
  D3DKMT_HANDLE carrier = 0;
  const uint64_t size_bytes = uint64_t{row_bytes} * row_count;
  HRESULT result =
      kernel.Allocate(MakeAllocationData(Segment::kSystem, size_bytes), nullptr, &carrier);
  if (FAILED(result)) return result;
  void* memory = nullptr;
  result = kernel.Lock(carrier, kLockWriteOnly, &memory);
  if (SUCCEEDED(result)) {
    CopyRows(static_cast<uint8_t*>(memory), row_bytes, data, data_pitch, row_bytes, row_count);
    kernel.Unlock(carrier);
    result = AppendCopy({allocation_, offset, layout_.pitch}, {carrier, 0, row_bytes}, row_bytes,
                        row_count);
  }
  if (SUCCEEDED(result)) result = device().commands().Flush();
  kernel.Free(nullptr, carrier);  // waits for the copy
  return result;
}

HRESULT Resource::CopyFrom(const Resource& source, const TexelRect& source_rect, uint32_t left,
                           uint32_t top) {
  EventLog& events = device().events();
  if (!exists() || !source.exists()) return events.Refuse("copy of a resource without memory");
  // Without VIDEO_FORMATS the device takes overlapping copies for a driver's error and stops the
  // queue.
  if (this == &source && !device().adapter().Has(abi::kFeaturesVideoFormatsMask)) {
    return events.Refuse("copy inside one resource");
  }
  const ResourceLayout& from = source.layout_;
  if (from.is_buffer != layout_.is_buffer || from.format != layout_.format) {
    return events.Refuse("copy between different formats");
  }
  TexelRect rect = {};
  if (!MakeTexelRect(left, top, int64_t{left} + source_rect.width,
                     int64_t{top} + source_rect.height, layout_, &rect)) {
    return events.Refuse("copy outside the destination");
  }
  const bool is_planar = layout_.chroma_offset != 0;
  if (is_planar && !(IsEven(rect) && IsEven(source_rect))) {
    return events.Refuse("copy of odd texels of NV12");
  }
  const uint32_t row_bytes = rect.width * layout_.texel_bytes;
  const HRESULT result = AppendCopy({allocation_, OffsetOf(rect, layout_), layout_.pitch},
                                    {source.allocation_, OffsetOf(source_rect, from), from.pitch},
                                    row_bytes, rect.height);
  if (FAILED(result) || !is_planar) return result;
  return AppendCopy({allocation_, ChromaOffsetOf(rect, layout_), layout_.pitch},
                    {source.allocation_, ChromaOffsetOf(source_rect, from), from.pitch}, row_bytes,
                    rect.height / 2);
}

bool Resource::IsExchangeableWith(const Resource& other) const {
  return exists() && other.exists() && layout_ == other.layout_ && segment_ == other.segment_ &&
         is_presentable_ && other.is_presentable_ && map_count_ == 0 && other.map_count_ == 0;
}

void Resource::ExchangeMemory(Resource* other) { std::swap(allocation_, other->allocation_); }

HRESULT Resource::AppendCopy(const Rows& destination, const Rows& source, uint32_t row_bytes,
                             uint32_t row_count) {
  abi::CopyCommand command = {};
  command.row_bytes = row_bytes;
  command.row_count = row_count;
  command.destination_pitch = destination.pitch;
  command.source_pitch = source.pitch;
  const AddressField addresses[] = {
      {offsetof(abi::CopyCommand, destination), destination.allocation, destination.offset, true},
      {offsetof(abi::CopyCommand, source), source.allocation, source.offset, false},
  };
  return device().commands().Append(command, addresses);
}

}  // namespace ward::umd
