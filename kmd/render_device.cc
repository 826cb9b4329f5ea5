#include "kmd/render_device.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "base/rule.h"

namespace ward::kmd {
namespace {

constexpr uint64_t kAddressLimit = 1ull << abi::kVirtualAddressBits;
// Between allocations, so that an overrun is a fault and not a neighbour's content.
constexpr uint64_t kGuardBytes = abi::kPageSize;
// ALLOCATION_DATA.sharing: with some processes only.
constexpr uint32_t kSharingRestricted = 2;
// CHECK_SHARED_ACCESS.process_type.
constexpr uint32_t kProcessDwm = 1;
constexpr uint32_t kProcessHandle = 2;
constexpr uint32_t kMaximumCount = 0xffff;  // of locks, and of calls of MakeResident
// A context that ends is given this long to finish; WDDM's own patience.
constexpr uint32_t kDestroyTimeoutMs = 2000;

Fault Invalid(const char* reason) { return {abi::kStatusInvalidArgument, reason}; }

Result<void> CheckAllocationData(const abi::AllocationData& data) {
  if (data.abi_version >> abi::kAbiVersionMajorShift != abi::kAbiMajor) {
    return Invalid("the user-mode driver was built for another ABI major version");
  }
  if (data.segment > static_cast<uint32_t>(Segment::kProtected)) return Invalid("no such segment");
  if (data.size_bytes == 0) return Invalid("an allocation has at least a byte");
  const bool is_surface = (data.width | data.height | data.pitch | data.format) != 0;
  if (is_surface && !FitsXrgb8888({data.width, data.height, data.pitch}, data.size_bytes)) {
    return Invalid("the rows of the surface do not fit into the allocation");
  }
  if (data.format != kFormatXrgb8888) return Invalid("no such surface format");
  if (data.sharing > kSharingRestricted) return Invalid("no such kind of sharing");
  return {};
}

// So that large pages can map what is large enough for one.
uint64_t AlignmentOf(const Allocation& allocation) {
  return allocation.size_bytes >= abi::kLargePageSize ? abi::kLargePageSize : abi::kPageSize;
}

}  // namespace

RenderDevice::RenderDevice(Hardware* hardware, const Process& process)
    : hardware_(hardware),
      process_(process),
      addresses_(RenderContext::kFirstAllocationAddress,
                 kAddressLimit - RenderContext::kFirstAllocationAddress) {}

RenderDevice::~RenderDevice() {
  contexts_.clear();  // from here on nothing in the device uses the allocations
  for (auto& [handle, allocation] : allocations_) Disown(&allocation);
}

void RenderDevice::Disown(Allocation* allocation) {
  if (allocation->is_pageable()) hardware_->residency().Remove(allocation);
  bool is_last = true;
  if (allocation->shared != nullptr) {
    std::erase(allocation->shared->users, allocation);
    is_last = allocation->shared->users.empty();
  }
  if (is_last) hardware_->display().Forget(allocation->memory);
}

Result<void> RenderDevice::CheckNotLost() const {
  if (loss_ == abi::kStatusOk) return {};
  return Fault{loss_, "the runtime device is lost"};
}

void RenderDevice::MarkLost(uint32_t reason) {
  if (loss_ != abi::kStatusOk) return;
  loss_ = reason;
  for (auto& [handle, context] : contexts_) context->MarkLost(reason);
}

void RenderDevice::DropQueues() {
  for (auto& [handle, context] : contexts_) context->DropQueue();
}

void RenderDevice::Forget() {
  DropQueues();
  for (auto& [handle, context] : contexts_) context->Forget();
}

Result<Allocation*> RenderDevice::FindAllocation(AllocationHandle handle) {
  const auto found = allocations_.find(handle);
  if (found == allocations_.end()) return Invalid("no such allocation of this device");
  return &found->second;
}

Result<Allocation*> RenderDevice::FindInUse(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindAllocation(handle));
  if (allocation->is_offered) return Invalid("the allocation is offered");
  return allocation;
}

Result<std::vector<Allocation*>> RenderDevice::FindAll(std::span<const AllocationHandle> handles) {
  std::vector<Allocation*> allocations;
  allocations.reserve(handles.size());
  for (const AllocationHandle handle : handles) {
    WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindInUse(handle));
    allocations.push_back(allocation);
  }
  return allocations;
}

Result<RenderContext*> RenderDevice::FindContext(ContextHandle handle) {
  const auto found = contexts_.find(handle);
  if (found == contexts_.end()) return Invalid("no such context of this device");
  return found->second.get();
}

Result<void> RenderDevice::TakeMemory(Allocation* allocation, Segment segment) {
  WARD_ASSIGN_OR_RETURN(allocation->memory,
                        hardware_->video_memory().Allocate(segment, allocation->size_bytes));
  // The CPU clears other memory as it is taken; only the device gets at this.
  if (WARD_RULE("5.fresh_memory", segment == Segment::kProtected)) {
    WARD_TRY(hardware_->kernel_queue().Clear(allocation->memory.physical_address(),
                                             allocation->memory.size_bytes()));
  }
  return {};
}

Result<void> RenderDevice::Allocate(AllocationHandle handle, const abi::AllocationData& data) {
  WARD_TRY(CheckNotLost());
  WARD_TRY(CheckAllocationData(data));
  Allocation allocation;
  allocation.owner = this;
  allocation.home = static_cast<Segment>(data.segment);
  allocation.size_bytes = data.size_bytes;
  allocation.surface = {data.width, data.height, data.pitch};
  // What is shared stays where it is made, and the CPU must get at it there. What can be shown has
  // to lie in VRAM all the same.
  const bool is_out_of_reach =
      allocation.home == Segment::kVisible && !hardware_->video_memory().MapsVisible();
  if (data.sharing != 0 && is_out_of_reach && data.width == 0) allocation.home = Segment::kSystem;
  WARD_TRY(TakeMemory(&allocation, allocation.home));
  if (data.sharing != 0) {
    allocation.shared = std::make_shared<SharedMemory>();
    allocation.shared->is_restricted = data.sharing == kSharingRestricted;
    allocation.shared->block = std::move(allocation.memory);
    allocation.memory = allocation.shared->block.View();
  }
  return Adopt(handle, std::move(allocation));
}

Result<void> RenderDevice::Open(AllocationHandle handle, const Allocation& shared) {
  Allocation allocation;
  allocation.owner = this;
  allocation.home = shared.home;
  allocation.size_bytes = shared.size_bytes;
  allocation.surface = shared.surface;
  allocation.shared = shared.shared;
  allocation.memory = shared.shared->block.View();
  return Adopt(handle, std::move(allocation));
}

Result<void> RenderDevice::Adopt(AllocationHandle handle, Allocation allocation) {
  const uint64_t range_bytes = allocation.range_bytes() + kGuardBytes;
  WARD_ASSIGN_OR_RETURN(allocation.address,
                        addresses_.Allocate(range_bytes, AlignmentOf(allocation)));
  const Result<void> mapped = MapEverywhere(allocation);
  if (!mapped.ok()) {
    addresses_.Free(allocation.address, range_bytes);
    return mapped.fault();
  }
  const auto [at, is_new] = allocations_.emplace(handle, std::move(allocation));
  if (at->second.is_pageable()) hardware_->residency().Add(&at->second);
  if (at->second.shared != nullptr) at->second.shared->users.push_back(&at->second);
  return {};
}

Result<const Allocation*> RenderDevice::FindShared(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(const Allocation* allocation, FindAllocation(handle));
  if (allocation->shared == nullptr) return Invalid("the allocation is not shared");
  return allocation;
}

Result<void> RenderDevice::CheckAccess(const Process& process) {
  if (process_.Is(process)) return {};
  if (!process.is_dwm && process.handle == 0) return Invalid("a process that nobody can name");
  for (const auto& [handle, context] : contexts_) {
    abi::CheckSharedAccessRequest request = {};
    request.context = context->number();
    request.process_type = process.is_dwm ? kProcessDwm : kProcessHandle;
    request.process = process.handle;
    // What follows the response's header.
    uint8_t answer[sizeof(abi::CheckSharedAccessResponse) - sizeof(abi::ResponseHeader)];
    WARD_TRY(hardware_->kernel_queue().Send(
        abi::kMessageCheckSharedAccess,
        {reinterpret_cast<const uint8_t*>(&request), sizeof(request)}, answer));
    if (LoadLe<uint32_t>(answer) != 0) return {};
  }
  return Invalid("the process is not on the list of those that may open it");
}

Result<void> RenderDevice::Reserve(RenderContext* context, const Allocation& allocation) {
  if (allocation.is_pageable()) {
    return context->Reserve(allocation.address, allocation.range_bytes());
  }
  return context->ReserveFor(allocation.address, allocation.memory);
}

Result<void> RenderDevice::MapEverywhere(const Allocation& allocation) {
  for (auto& [handle, context] : contexts_) WARD_TRY(Reserve(context.get(), allocation));
  Map(allocation);
  return {};
}

void RenderDevice::Map(const Allocation& allocation) {
  for (auto& [handle, context] : contexts_) context->Map(allocation.address, allocation.memory);
}

Result<void> RenderDevice::Unmap(const Allocation& allocation) {
  for (auto& [handle, context] : contexts_) {
    WARD_TRY(context->Unmap(allocation.address, allocation.memory.size_bytes()));
  }
  return {};
}

bool RenderDevice::IsUnused(const Allocation& allocation) const {
  for (const auto& [handle, fence] : allocation.last_use) {
    const auto context = contexts_.find(handle);
    if (context != contexts_.end() && !context->second->IsUnused(fence)) return false;
  }
  return true;
}

Result<void> RenderDevice::WaitUnused(const Allocation& allocation) {
  for (const auto& [handle, fence] : allocation.last_use) {
    const auto context = contexts_.find(handle);
    if (context != contexts_.end()) WARD_TRY(context->second->WaitUnused(fence));
  }
  return {};
}

Result<void> RenderDevice::WaitIdle() {
  for (auto& [handle, context] : contexts_) WARD_TRY(context->WaitIdle());
  return {};
}

Result<void> RenderDevice::Free(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindAllocation(handle));
  if (allocation->lock_count != 0) return Invalid("the allocation is locked");
  WARD_TRY(WaitIdle());
  // When a context does not forget the range, the memory stays taken: better lost than shared.
  WARD_TRY(Unmap(*allocation));
  addresses_.Free(allocation->address, allocation->range_bytes() + kGuardBytes);
  Disown(allocation);
  allocations_.erase(handle);
  return {};
}

Result<ByteSpan> RenderDevice::Lock(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindInUse(handle));
  if (allocation->home == Segment::kProtected) {
    return Fault{abi::kStatusLockRefused, "protected memory can't be mapped by the CPU"};
  }
  if (allocation->lock_count == kMaximumCount) return Invalid("too many locks");
  WARD_TRY(WaitUnused(*allocation));
  if (allocation->shared != nullptr) {
    for (Allocation* user : allocation->shared->users) WARD_TRY(user->owner->WaitUnused(*user));
  }
  allocation->last_use.clear();
  WARD_TRY(hardware_->residency().BringToCpu(allocation));
  if (allocation->is_pageable()) hardware_->residency().Touch(allocation);
  ++allocation->lock_count;
  if (HasPlantedBug(PlantedBug::kLockSpansGuard)) {
    return ByteSpan(allocation->memory.bytes().data(), allocation->range_bytes() + kGuardBytes);
  }
  return allocation->memory.bytes().first(allocation->size_bytes);
}

Result<void> RenderDevice::Unlock(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindAllocation(handle));
  if (allocation->lock_count == 0) return Invalid("the allocation is not locked");
  --allocation->lock_count;
  return {};
}

Result<std::vector<AllocationPin>> RenderDevice::BringAll(
    std::span<Allocation* const> allocations) {
  std::vector<AllocationPin> pins;
  pins.reserve(allocations.size());
  // All are pinned before the first one makes room for itself.
  for (Allocation* allocation : allocations) pins.emplace_back(allocation);
  for (Allocation* allocation : allocations) {
    if (!allocation->is_pageable()) continue;
    WARD_TRY(hardware_->residency().Bring(allocation));
    hardware_->residency().Touch(allocation);
  }
  return pins;
}

Result<void> RenderDevice::MakeResident(std::span<const AllocationHandle> handles) {
  WARD_TRY(CheckNotLost());
  WARD_ASSIGN_OR_RETURN(const std::vector<Allocation*> allocations, FindAll(handles));
  for (const Allocation* allocation : allocations) {
    if (allocation->resident_count >= kMaximumCount) return Invalid("resident too often");
  }
  WARD_ASSIGN_OR_RETURN(const auto pins, BringAll(allocations));
  for (Allocation* allocation : allocations) ++allocation->resident_count;
  return {};
}

Result<void> RenderDevice::Evict(std::span<const AllocationHandle> handles) {
  WARD_ASSIGN_OR_RETURN(const std::vector<Allocation*> allocations, FindAll(handles));
  for (const Allocation* allocation : allocations) {
    const auto times = std::count(allocations.begin(), allocations.end(), allocation);
    if (allocation->resident_count < times) return Invalid("not made resident as often");
  }
  for (Allocation* allocation : allocations) {
    --allocation->resident_count;
    const bool may_move = allocation->is_pageable();
    if (may_move && allocation->resident_count == 0) hardware_->residency().Neglect(allocation);
  }
  return {};
}

Result<void> RenderDevice::Offer(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindInUse(handle));
  if (allocation->lock_count != 0 || allocation->resident_count != 0) {
    return Invalid("the allocation is locked or made resident");
  }
  if (allocation->shared != nullptr) return Invalid("the allocation is shared");
  allocation->is_offered = true;
  if (allocation->home == Segment::kVisible) hardware_->residency().Neglect(allocation);
  return {};
}

Result<bool> RenderDevice::Reclaim(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindAllocation(handle));
  if (!allocation->is_offered) return Invalid("the allocation is not offered");
  const bool is_kept = allocation->memory.size_bytes() != 0;
  if (!is_kept) WARD_TRY(hardware_->residency().Bring(allocation));
  allocation->is_offered = false;
  return is_kept;
}

Result<Place> RenderDevice::PlaceOf(AllocationHandle handle) {
  WARD_ASSIGN_OR_RETURN(const Allocation* allocation, FindAllocation(handle));
  if (allocation->memory.size_bytes() == 0) return Place::kNowhere;
  return allocation->memory.is_local() ? Place::kVideoMemory : Place::kSystem;
}

Result<AddressPatch> RenderDevice::CheckPatch(const Patch& patch, size_t command_bytes,
                                              std::span<Allocation* const> allocations) const {
  if (patch.allocation_index >= allocations.size()) return Invalid("a patch names no allocation");
  if (!IsAligned(patch.patch_offset, sizeof(uint64_t)) ||
      !RangeFits(patch.patch_offset, sizeof(uint64_t), command_bytes)) {
    return Invalid("a patch lies outside the commands or is not aligned");
  }
  const Allocation& allocation = *allocations[patch.allocation_index];
  if (patch.allocation_offset > allocation.size_bytes) {
    return Invalid("a patch points outside its allocation");
  }
  return AddressPatch{patch.patch_offset, allocation.address + patch.allocation_offset};
}

Result<uint64_t> RenderDevice::Submit(ContextHandle context_handle, ConstByteSpan commands,
                                      std::span<const AllocationHandle> allocations,
                                      std::span<const Patch> patches) {
  WARD_TRY(CheckNotLost());
  WARD_ASSIGN_OR_RETURN(RenderContext * context, FindContext(context_handle));
  if (commands.empty() || commands.size() > RenderContext::kMaximumCommandBytes ||
      !IsAligned(commands.size(), abi::kCommandAlignment)) {
    return Invalid("a command buffer is a multiple of 16 bytes, 16 bytes to 256 KiB");
  }
  WARD_ASSIGN_OR_RETURN(const std::vector<Allocation*> used, FindAll(allocations));
  std::vector<AddressPatch> checked;
  checked.reserve(patches.size());
  for (const Patch& patch : patches) {
    WARD_ASSIGN_OR_RETURN(const AddressPatch address, CheckPatch(patch, commands.size(), used));
    checked.push_back(address);
  }
  WARD_ASSIGN_OR_RETURN(const auto pins, BringAll(used));
  WARD_ASSIGN_OR_RETURN(const uint64_t fence, context->Submit(commands, checked));
  for (Allocation* allocation : used) allocation->last_use[context_handle] = fence;
  return fence;
}

Result<void> RenderDevice::Present(ContextHandle context_handle, AllocationHandle handle,
                                   const SurfaceShape& shape, const Presentation& presentation) {
  WARD_TRY(CheckNotLost());
  WARD_ASSIGN_OR_RETURN(RenderContext * context, FindContext(context_handle));
  WARD_ASSIGN_OR_RETURN(Allocation * allocation, FindInUse(handle));
  if (shape.width == 0 || shape != allocation->surface) {
    return Invalid("the allocation was not made as a surface of this shape");
  }
  // Waited for here and not by a WAIT in the kernel's queue: a user's queue that never gets there
  // must not hold up everybody else's flips and contexts.
  WARD_TRY(context->WaitLast());
  WARD_ASSIGN_OR_RETURN(const auto pins, BringAll(std::array{allocation}));
  if (!allocation->is_resident()) return Invalid("the surface is locked in system memory");
  return hardware_->display().Flip(allocation->memory, shape, presentation);
}

Result<void> RenderDevice::CreateContext(ContextHandle handle, uint32_t number) {
  WARD_TRY(CheckNotLost());
  WARD_ASSIGN_OR_RETURN(auto context, RenderContext::Create(hardware_, number));
  // All tables first: making room for one may move an allocation.
  for (const auto& [allocation_handle, allocation] : allocations_) {
    WARD_TRY(Reserve(context.get(), allocation));
  }
  for (const auto& [allocation_handle, allocation] : allocations_) {
    context->Map(allocation.address, allocation.memory);
  }
  contexts_.emplace(handle, std::move(context));
  return {};
}

Result<void> RenderDevice::SetPriority(ContextHandle handle, ContextPriority priority) {
  WARD_ASSIGN_OR_RETURN(RenderContext * context, FindContext(handle));
  const bool has_priorities = (hardware_->limits().features & abi::kFeaturesQueuePriorityMask) != 0;
  if (priority > ContextPriority::kHigh ||
      (priority != ContextPriority::kNormal && !has_priorities)) {
    return Invalid("the device has no such priority");
  }
  context->set_priority(priority);
  return {};
}

Result<uint32_t> RenderDevice::DestroyContext(ContextHandle handle) {
  WARD_ASSIGN_OR_RETURN(RenderContext * context, FindContext(handle));
  // Whatever the outcome, the context ends: work that takes longer is dropped.
  (void)context->WaitIdle(kDestroyTimeoutMs).ok();
  const uint32_t number = context->number();
  contexts_.erase(handle);
  for (auto& [allocation_handle, allocation] : allocations_) allocation.last_use.erase(handle);
  return number;
}

}  // namespace ward::kmd
