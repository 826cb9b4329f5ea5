#include "umd/command_writer.h"

#include <cstring>

#include "umd/ddi/status_codes.h"

namespace ward::umd {

HRESULT CommandWriter::Open() {
  D3DDDICB_CREATECONTEXT context = {};
  const HRESULT result = kernel_->CreateContext(&context);
  if (FAILED(result)) return result;
  buffer_ = static_cast<uint8_t*>(context.pCommandBuffer);
  buffer_size_ = context.CommandBufferSize;
  allocations_ = context.pAllocationList;
  allocation_capacity_ = context.AllocationListSize;
  patches_ = context.pPatchLocationList;
  patch_capacity_ = context.PatchLocationListSize;
  return result;
}

HRESULT CommandWriter::AppendBytes(ConstByteSpan command, ConstByteSpan payload,
                                   uint32_t padded_bytes, std::span<const AddressField> addresses) {
  if (kernel_->removed()) return D3DDDIERR_DEVICEREMOVED;
  if (!HasRoom(padded_bytes, addresses.size())) {
    if (const HRESULT result = Flush(); FAILED(result)) return result;
    if (!HasRoom(padded_bytes, addresses.size())) return E_OUTOFMEMORY;
  }
  uint8_t* const at = buffer_ + used_bytes_;
  std::memcpy(at, command.data(), command.size());
  if (!payload.empty()) std::memcpy(at + command.size(), payload.data(), payload.size());
  const size_t filled = command.size() + payload.size();
  std::memset(at + filled, 0, padded_bytes - filled);
  for (const AddressField& address : addresses) {
    D3DDDI_PATCHLOCATIONLIST patch = {};
    patch.AllocationIndex = ListAllocation(address);
    patch.AllocationOffset = address.allocation_offset;
    patch.PatchOffset = used_bytes_ + address.field_offset;
    patch.SplitOffset = used_bytes_;  // the kernel may split before a command, not inside
    patches_[patch_count_++] = patch;
  }
  used_bytes_ += padded_bytes;
  return S_OK;
}

HRESULT CommandWriter::Flush(bool* submitted) {
  if (submitted != nullptr) *submitted = used_bytes_ != 0;
  if (used_bytes_ == 0) return kernel_->removed() ? D3DDDIERR_DEVICEREMOVED : S_OK;
  D3DDDICB_RENDER render = {};
  render.CommandLength = used_bytes_;
  render.NumAllocations = allocation_count_;
  render.NumPatchLocations = patch_count_;
  used_bytes_ = allocation_count_ = patch_count_ = 0;
  const HRESULT result = kernel_->Render(&render);
  if (FAILED(result)) return result;
  buffer_ = static_cast<uint8_t*>(render.pNewCommandBuffer);
  buffer_size_ = buffer_ != nullptr ? render.NewCommandBufferSize : 0;
  allocations_ = render.pNewAllocationList;
  allocation_capacity_ = allocations_ != nullptr ? render.NewAllocationListSize : 0;
  patches_ = render.pNewPatchLocationList;
  patch_capacity_ = patches_ != nullptr ? render.NewPatchLocationListSize : 0;
  return result;
}

HRESULT CommandWriter::FlushUsesOf(D3DKMT_HANDLE allocation) {
  for (uint32_t i = 0; i < allocation_count_; ++i) {
    if (allocations_[i].hAllocation == allocation) return Flush();
  }
  return S_OK;
}

bool CommandWriter::HasRoom(uint32_t bytes, size_t addresses) const {
  return RangeFits(used_bytes_, bytes, buffer_size_) &&
         RangeFits(allocation_count_, addresses, allocation_capacity_) &&
         RangeFits(patch_count_, addresses, patch_capacity_);
}

uint32_t CommandWriter::ListAllocation(const AddressField& address) {
  uint32_t index = 0;
  while (index < allocation_count_ && allocations_[index].hAllocation != address.allocation) {
    ++index;
  }
  if (index == allocation_count_) {
    allocations_[index] = {};
    allocations_[index].hAllocation = address.allocation;
    ++allocation_count_;
  }
  if (address.is_written) allocations_[index].Value |= kAllocationListWriteOperation;
  return index;
}

}  // namespace ward::umd
