// What one runtime device owns: allocations in one virtual address range, and contexts that all see
// them. Another device's contexts never do.
#ifndef WARD_KMD_RENDER_DEVICE_H_
#define WARD_KMD_RENDER_DEVICE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "abi/generated/private_data.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/hardware.h"
#include "kmd/range_allocator.h"
#include "kmd/render_context.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class RenderDevice {
 public:
  explicit RenderDevice(Hardware* hardware);
  ~RenderDevice();
  RenderDevice(const RenderDevice&) = delete;
  RenderDevice& operator=(const RenderDevice&) = delete;

  // As Adapter's functions of these names; handles are new ones.
  Result<void> Allocate(AllocationHandle handle, const abi::AllocationData& data);
  Result<void> Free(AllocationHandle handle);
  Result<ByteSpan> Lock(AllocationHandle handle);
  Result<void> Unlock(AllocationHandle handle);
  Result<uint64_t> Submit(ContextHandle context, ConstByteSpan commands,
                          std::span<const AllocationHandle> allocations,
                          std::span<const Patch> patches);
  Result<void> Present(ContextHandle context, AllocationHandle allocation,
                       const SurfaceShape& shape, const Presentation& presentation);

  // Maps what is there already. `number` as RenderContext::Create.
  Result<void> CreateContext(ContextHandle handle, uint32_t number);
  // Waits for what was submitted, for a while, then ends it. Gives back the context's number.
  Result<uint32_t> DestroyContext(ContextHandle handle);
  // INVALID_ARGUMENT.
  Result<RenderContext*> FindContext(ContextHandle handle);
  const std::unordered_map<ContextHandle, std::unique_ptr<RenderContext>>& contexts() const {
    return contexts_;
  }

 private:
  struct Allocation {
    MemoryBlock memory;
    uint64_t size_bytes = 0;  // as asked, not rounded
    SurfaceShape surface;     // all zero: can't be presented
    uint64_t address = 0;     // GPU virtual address, the same in every context of the device
    uint32_t lock_count = 0;
    std::unordered_map<ContextHandle, uint64_t> last_use;  // fence by context
  };

  Result<Allocation*> FindAllocation(AllocationHandle handle);
  // Until no command whose submission listed the allocation is left.
  Result<void> WaitUnused(const Allocation& allocation);
  // Until no command of any context is left: one may hold an address that no list named.
  Result<void> WaitIdle();
  // In all contexts or, when it fails, in none, not even for a moment.
  Result<void> MapEverywhere(const Allocation& allocation);
  Result<AddressPatch> CheckPatch(const Patch& patch, size_t command_bytes,
                                  std::span<Allocation* const> allocations) const;

  Hardware* hardware_;
  RangeAllocator addresses_;
  std::unordered_map<AllocationHandle, Allocation> allocations_;
  std::unordered_map<ContextHandle, std::unique_ptr<RenderContext>> contexts_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RENDER_DEVICE_H_
