// A buffer or 2D texture: one allocation in system memory, visible VRAM or protected VRAM.
#ifndef WARD_UMD_RESOURCE_H_
#define WARD_UMD_RESOURCE_H_

#include <cstdint>

#include "umd/ddi/resource.h"
#include "umd/driver_object.h"
#include "umd/kernel_device.h"
#include "umd/resource_layout.h"

namespace ward::umd {

class Resource : public DriverObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kResource;

  // Without memory until Allocate; nothing can be done with it then.
  Resource(Device* device, D3D10DDI_HRTRESOURCE runtime_handle)
      : DriverObject(device, kKind), runtime_handle_(runtime_handle.handle) {}

  // RESTRICTED_CONTENT and HW_PROTECTED go to protected memory, STAGING to system memory, the rest
  // to visible VRAM. What is not supported is E_OUTOFMEMORY, HW_PROTECTED without a WDDM 2.x video
  // table too: CreateResource has no other way to fail. So is protected content that every process
  // could open.
  HRESULT Allocate(const D3D11DDIARG_CREATERESOURCE& description);
  // Memory of another device's, which the kernel has opened. E_INVALIDARG and an event for private
  // data that is not this driver's, or that the memory does not match.
  HRESULT Open(const D3D10DDIARG_OPENRESOURCE& arguments);
  void Free();

  // E_INVALIDARG for protected memory, which no CPU sees. `mapped` is zero unless it succeeds.
  HRESULT Map(D3D10_DDI_MAP access, UINT flags, D3D10DDI_MAPPED_SUBRESOURCE* mapped);
  void Unmap();
  // Whether the device still works on it.
  HRESULT QueryBusy(bool* busy);

  // From the CPU's rows, `data_pitch` bytes apart; of NV12 and P010 first luma's, then chroma's.
  // Protected memory is reached through a copy.
  HRESULT Upload(const TexelRect& rect, const void* data, uint32_t data_pitch);
  // To this resource's (left, top). Between resources of one layout family: both buffers, or both
  // textures of one format.
  HRESULT CopyFrom(const Resource& source, const TexelRect& source_rect, uint32_t left,
                   uint32_t top);

  // Whether Rotate can exchange the two: surfaces for presenting, of one layout and kind of memory,
  // neither of them mapped.
  bool IsExchangeableWith(const Resource& other) const;
  // Exchanges the memory of the two and nothing else: views and handles stay with their resource.
  void ExchangeMemory(Resource* other);

  bool exists() const { return allocation_ != 0; }
  const ResourceLayout& layout() const { return layout_; }
  D3DKMT_HANDLE allocation() const { return allocation_; }
  bool is_protected() const { return segment_ == Segment::kProtected; }
  bool is_staging() const { return segment_ == Segment::kSystem; }
  bool is_presentable() const { return is_presentable_; }

 private:
  // Rows of bytes inside an allocation.
  struct Rows {
    D3DKMT_HANDLE allocation;
    uint32_t offset;
    uint32_t pitch;
  };

  HRESULT UploadRows(uint32_t offset, uint32_t row_bytes, uint32_t row_count, const uint8_t* data,
                     uint32_t data_pitch);
  HRESULT UploadByCpu(uint32_t offset, uint32_t row_bytes, uint32_t row_count, const uint8_t* data,
                      uint32_t data_pitch);
  HRESULT UploadByCopy(uint32_t offset, uint32_t row_bytes, uint32_t row_count, const uint8_t* data,
                       uint32_t data_pitch);
  HRESULT AppendCopy(const Rows& destination, const Rows& source, uint32_t row_bytes,
                     uint32_t row_count);

  HANDLE runtime_handle_;
  ResourceLayout layout_ = {};
  Segment segment_ = Segment::kVisible;
  bool is_presentable_ = false;
  D3DKMT_HANDLE allocation_ = 0;
  uint32_t map_count_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_RESOURCE_H_
