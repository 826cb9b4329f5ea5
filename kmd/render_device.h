// What one runtime device owns: allocations in one virtual address range, and contexts that all see
// them. Another device's contexts never do.
#ifndef WARD_KMD_RENDER_DEVICE_H_
#define WARD_KMD_RENDER_DEVICE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "abi/generated/private_data.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/allocation.h"
#include "kmd/hardware.h"
#include "kmd/range_allocator.h"
#include "kmd/render_context.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class RenderDevice final : public AllocationOwner {
 public:
  RenderDevice(Hardware* hardware, const Process& process);
  ~RenderDevice();
  RenderDevice(const RenderDevice&) = delete;
  RenderDevice& operator=(const RenderDevice&) = delete;

  // As Adapter's functions of these names; handles are new ones.
  Result<void> Allocate(AllocationHandle handle, const abi::AllocationData& data);
  // `shared` is another device's, or another of this one, of FindShared.
  Result<void> Open(AllocationHandle handle, const Allocation& shared);
  // INVALID_ARGUMENT for one that was not made to be shared.
  Result<const Allocation*> FindShared(AllocationHandle handle);
  // INVALID_ARGUMENT unless it is this device's own process, or the firmware has it on the list of
  // one of this device's contexts.
  Result<void> CheckAccess(const Process& process);
  const Process& process() const { return process_; }
  Result<void> Free(AllocationHandle handle);
  Result<ByteSpan> Lock(AllocationHandle handle);
  Result<void> Unlock(AllocationHandle handle);
  Result<void> MakeResident(std::span<const AllocationHandle> allocations);
  Result<void> Evict(std::span<const AllocationHandle> allocations);
  Result<void> Offer(AllocationHandle allocation);
  Result<bool> Reclaim(AllocationHandle allocation);
  Result<Place> PlaceOf(AllocationHandle allocation);
  Result<uint64_t> Submit(ContextHandle context, ConstByteSpan commands,
                          std::span<const AllocationHandle> allocations,
                          std::span<const Patch> patches);
  Result<void> Present(ContextHandle context, AllocationHandle allocation,
                       const SurfaceShape& shape, const Presentation& presentation);

  // Maps what is there already. `number` as RenderContext::Create.
  Result<void> CreateContext(ContextHandle handle, uint32_t number);
  Result<void> SetPriority(ContextHandle context, ContextPriority priority);
  // Waits for what was submitted, for a while, then ends it. Gives back the context's number.
  Result<uint32_t> DestroyContext(ContextHandle handle);
  // INVALID_ARGUMENT.
  Result<RenderContext*> FindContext(ContextHandle handle);
  const std::unordered_map<ContextHandle, std::unique_ptr<RenderContext>>& contexts() const {
    return contexts_;
  }

  // Why the device is lost; OK while it is not. The first reason stays.
  uint32_t loss() const { return loss_; }
  // From now on it makes, submits and presents nothing. What it has can be looked at and freed.
  void MarkLost(uint32_t reason);
  // Of a lost device: its contexts give their queues back, reset.
  void DropQueues();
  // Of a lost device, after a reset of the function: the device knows no context of it any more.
  void Forget();

  // Of the residency manager.
  bool IsUnused(const Allocation& allocation) const override;
  Result<void> WaitUnused(const Allocation& allocation) override;
  Result<void> Unmap(const Allocation& allocation) override;
  void Map(const Allocation& allocation) override;

 private:
  Result<void> CheckNotLost() const;
  Result<Allocation*> FindAllocation(AllocationHandle handle);
  // For the use by a command, a lock or a present: what is offered is no use.
  Result<Allocation*> FindInUse(AllocationHandle handle);
  Result<void> TakeMemory(Allocation* allocation, Segment segment);
  // Gives it an address, maps it in every context and keeps it under the handle.
  Result<void> Adopt(AllocationHandle handle, Allocation allocation);
  // What keeps its memory in use beside the device's contexts ends.
  void Disown(Allocation* allocation);
  // Until no command of any context is left: one may hold an address that no list named.
  Result<void> WaitIdle();
  // The page tables of a context for the allocation wherever it lies.
  static Result<void> Reserve(RenderContext* context, const Allocation& allocation);
  // In all contexts or, when it fails, in none, not even for a moment.
  Result<void> MapEverywhere(const Allocation& allocation);
  Result<std::vector<Allocation*>> FindAll(std::span<const AllocationHandle> handles);
  // Those of visible VRAM lie there, as far as they may move, and stay until the pins end.
  Result<std::vector<AllocationPin>> BringAll(std::span<Allocation* const> allocations);
  Result<AddressPatch> CheckPatch(const Patch& patch, size_t command_bytes,
                                  std::span<Allocation* const> allocations) const;

  Hardware* hardware_;
  Process process_;
  RangeAllocator addresses_;
  uint32_t loss_ = 0;
  std::unordered_map<AllocationHandle, Allocation> allocations_;
  std::unordered_map<ContextHandle, std::unique_ptr<RenderContext>> contexts_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RENDER_DEVICE_H_
