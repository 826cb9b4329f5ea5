#include "kmd/residency.h"

#include <limits>
#include <utility>
#include <vector>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"

namespace ward::kmd {
namespace {

uint64_t PhysicalOf(const MemoryBlock& block) {
  return block.physical_address() | (block.is_local() ? abi::kPhysicalLocal : 0);
}

}  // namespace

void Residency::Add(Allocation* allocation) {
  WARD_ASSERT(allocation->home == Segment::kVisible);
  allocation->turn = turns_.insert(turns_.end(), allocation);
}

void Residency::Remove(Allocation* allocation) { TurnsOf(*allocation).erase(allocation->turn); }

void Residency::Touch(Allocation* allocation) {
  auto& turns = TurnsOf(*allocation);
  turns.splice(turns.end(), turns, allocation->turn);
}

void Residency::Neglect(Allocation* allocation) {
  auto& turns = TurnsOf(*allocation);
  turns.splice(turns.begin(), turns, allocation->turn);
}

std::list<Allocation*>& Residency::TurnsOf(const Allocation& allocation) {
  return allocation.is_resident() ? turns_ : away_;
}

Result<void> Residency::Bring(Allocation* allocation) {
  if (allocation->is_resident() || allocation->lock_count != 0) return {};
  AllocationPin pin(allocation);
  const bool is_empty = allocation->memory.size_bytes() == 0;
  WARD_ASSIGN_OR_RETURN(
      MemoryBlock place,
      memory_->Allocate(Segment::kVisible, allocation->size_bytes,
                        is_empty ? VideoMemory::Fresh::kZeros : VideoMemory::Fresh::kAnything));
  if (is_empty) {
    allocation->memory = std::move(place);
    allocation->owner->Map(*allocation);
  } else {
    WARD_TRY(allocation->owner->WaitUnused(*allocation));
    WARD_TRY(MoveTo(allocation, std::move(place)));
    ++counts_.moved_in;
  }
  turns_.splice(turns_.end(), away_, allocation->turn);
  return {};
}

Result<void> Residency::BringToCpu(Allocation* allocation) {
  if (!allocation->memory.bytes().empty()) return {};
  if (!allocation->is_pageable() || display_->Shows(allocation->memory)) {
    return Fault{abi::kStatusLockRefused,
                 "visible VRAM can't be mapped here, and what is shared or shown does not move"};
  }
  AllocationPin pin(allocation);
  WARD_ASSIGN_OR_RETURN(MemoryBlock place,
                        memory_->Allocate(Segment::kSystem, allocation->size_bytes));
  WARD_TRY(MoveTo(allocation, std::move(place)));
  ++counts_.moved_out;
  away_.splice(away_.end(), turns_, allocation->turn);
  return {};
}

bool Residency::MayMove(const Allocation& allocation) const {
  return allocation.is_resident() && allocation.lock_count == 0 && allocation.resident_count == 0 &&
         allocation.pin_count == 0 && !display_->Shows(allocation.memory);
}

// First what nothing uses, in its turn; then what a submission in flight uses, for which it waits.
Result<void> Residency::MakeRoom() {
  uint64_t too_large = std::numeric_limits<uint64_t>::max();  // for what system memory has left
  std::vector<Allocation*> used;
  for (Allocation* allocation : turns_) {
    if (!MayMove(*allocation) || allocation->range_bytes() >= too_large) continue;
    if (!allocation->owner->IsUnused(*allocation)) {
      used.push_back(allocation);
      continue;
    }
    const Result<void> moved = GiveRoom(allocation);
    if (moved.ok() || moved.fault().status != abi::kStatusOutOfMemory) return moved;
    too_large = allocation->range_bytes();
  }
  for (Allocation* allocation : used) {
    if (allocation->range_bytes() >= too_large) continue;
    if (!allocation->owner->WaitUnused(*allocation).ok()) continue;
    const Result<void> moved = GiveRoom(allocation);
    if (moved.ok() || moved.fault().status != abi::kStatusOutOfMemory) return moved;
    too_large = allocation->range_bytes();
  }
  const bool is_system_full = too_large != std::numeric_limits<uint64_t>::max();
  return Fault{abi::kStatusOutOfMemory,
               is_system_full ? "visible VRAM is full, and system memory has no room for it"
                              : "visible VRAM is full of what must not move"};
}

Result<void> Residency::GiveRoom(Allocation* allocation) {
  if (allocation->is_offered) {
    WARD_TRY(allocation->owner->Unmap(*allocation));
    allocation->memory = {};
    ++counts_.given_up;
  } else {
    WARD_ASSIGN_OR_RETURN(MemoryBlock place,
                          memory_->Allocate(Segment::kSystem, allocation->size_bytes));
    WARD_TRY(MoveTo(allocation, std::move(place)));
    ++counts_.moved_out;
  }
  away_.splice(away_.end(), turns_, allocation->turn);
  return {};
}

// In this order: nobody writes the old place while it is copied, nobody finds the new one before
// the content is there, and the old one is freed only when nobody can reach it.
Result<void> Residency::MoveTo(Allocation* allocation, MemoryBlock place) {
  Result<void> outcome = allocation->owner->Unmap(*allocation);
  if (outcome.ok()) {
    outcome = kernel_queue_->Copy(PhysicalOf(place), PhysicalOf(allocation->memory),
                                  allocation->memory.size_bytes());
  }
  if (outcome.ok()) allocation->memory = std::move(place);
  allocation->owner->Map(*allocation);
  return outcome;
}

}  // namespace ward::kmd
