#include "runtime/kernel_context.h"

#include <utility>

#include "abi/generated/status.h"
#include "base/bytes.h"

namespace ward::runtime {

KernelContext::KernelContext(kmd::Adapter* adapter, kmd::DeviceHandle device,
                             kmd::ContextHandle handle)
    : adapter_(adapter),
      device_(device),
      handle_(handle),
      commands_(kCommandBufferBytes),
      allocations_(kListEntries),
      patches_(kListEntries) {}

void KernelContext::HandOut(D3DDDICB_CREATECONTEXT* data) {
  data->pCommandBuffer = commands_.data();
  data->CommandBufferSize = kCommandBufferBytes;
  data->pAllocationList = allocations_.data();
  data->AllocationListSize = kListEntries;
  data->pPatchLocationList = patches_.data();
  data->PatchLocationListSize = kListEntries;
  data->CommandBuffer = 0;
}

// The kernel-mode driver copied the commands, so the same buffers are the next ones; they keep
// their size whatever size was asked for.
void KernelContext::HandOut(D3DDDICB_RENDER* data) {
  data->pNewCommandBuffer = commands_.data();
  data->NewCommandBufferSize = kCommandBufferBytes;
  data->pNewAllocationList = allocations_.data();
  data->NewAllocationListSize = kListEntries;
  data->pNewPatchLocationList = patches_.data();
  data->NewPatchLocationListSize = kListEntries;
  data->QueuedBufferCount = 1;
  data->NewCommandBuffer = 0;
}

Result<void> KernelContext::Submit(const D3DDDICB_RENDER& data) {
  const uint32_t length = data.CommandLength;
  const uint32_t offset = data.CommandOffset;
  if (length == 0 || !RangeFits(offset, length, commands_.size())) {
    return Fault{abi::kStatusInvalidArgument, "commands outside the command buffer"};
  }
  if (data.NumAllocations > kListEntries || data.NumPatchLocations > kListEntries) {
    return Fault{abi::kStatusInvalidArgument, "more entries than the lists have"};
  }
  std::vector<kmd::AllocationHandle> allocations;
  for (uint32_t i = 0; i < data.NumAllocations; ++i) {
    allocations.push_back(allocations_[i].hAllocation);
  }
  WARD_ASSIGN_OR_RETURN(const std::vector<kmd::Patch> patches,
                        TakePatches(data.NumPatchLocations, data.NumAllocations, offset));
  WARD_TRY(adapter_->Submit(device_, handle_, ConstByteSpan(commands_).subspan(offset, length),
                            allocations, patches));
  return {};
}

Result<std::vector<kmd::Patch>> KernelContext::TakePatches(uint32_t count,
                                                           uint32_t allocation_count,
                                                           uint32_t command_offset) const {
  std::vector<kmd::Patch> patches;
  for (uint32_t i = 0; i < count; ++i) {
    const D3DDDI_PATCHLOCATIONLIST& location = patches_[i];
    if (location.AllocationIndex >= allocation_count || location.PatchOffset < command_offset) {
      return Fault{abi::kStatusInvalidArgument, "a patch outside the submission"};
    }
    patches.push_back({location.AllocationIndex, location.AllocationOffset,
                       location.PatchOffset - command_offset});
  }
  return patches;
}

}  // namespace ward::runtime
