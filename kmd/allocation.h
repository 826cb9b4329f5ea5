// One allocation of a runtime device: where it lies now, and what keeps it there.
#ifndef WARD_KMD_ALLOCATION_H_
#define WARD_KMD_ALLOCATION_H_

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/display.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

struct Allocation;

// The device of an allocation, as far as moving needs it.
class AllocationOwner {
 public:
  // Whether no submission that listed it is left, without and with waiting for it.
  virtual bool IsUnused(const Allocation& allocation) const = 0;
  virtual Result<void> WaitUnused(const Allocation& allocation) = 0;
  // In all contexts: the device has forgotten the range, and no transfer of theirs is left that
  // found it (docs/spec/addresses.md), when this succeeds.
  virtual Result<void> Unmap(const Allocation& allocation) = 0;
  // In all contexts. Nothing for one that lies nowhere.
  virtual void Map(const Allocation& allocation) = 0;

 protected:
  ~AllocationOwner() = default;
};

// Memory that allocations of several devices have in common.
struct SharedMemory {
  MemoryBlock block;
  bool is_restricted = false;      // to its own process and those that its device allows
  std::vector<Allocation*> users;  // those that live
};

struct Allocation {
  AllocationOwner* owner = nullptr;
  Segment home = Segment::kSystem;  // as asked; visible VRAM may lie in system memory meanwhile
  MemoryBlock memory;               // empty: its content was given up while it was offered
  uint64_t size_bytes = 0;          // as asked, not rounded
  SurfaceShape surface;             // all zero: can't be presented
  uint64_t address = 0;             // GPU virtual address, the same in every context of the device
  uint32_t lock_count = 0;
  uint32_t resident_count = 0;  // MakeResident without Evict
  uint32_t pin_count = 0;       // calls that are using it just now
  bool is_offered = false;
  std::unordered_map<ContextHandle, uint64_t> last_use;  // fence by context
  std::list<Allocation*>::iterator turn;                 // of the residency manager
  std::shared_ptr<SharedMemory> shared;                  // then `memory` is a view of its block

  uint64_t range_bytes() const { return RoundToPages(size_bytes); }
  // Between visible VRAM and system memory. What several devices map stays where it is.
  bool is_pageable() const { return home == Segment::kVisible && shared == nullptr; }
  bool is_resident() const { return memory.size_bytes() != 0 && memory.segment() == home; }
};

// Keeps an allocation where it is for the life of this.
class AllocationPin {
 public:
  explicit AllocationPin(Allocation* allocation) : allocation_(allocation) {
    ++allocation_->pin_count;
  }
  ~AllocationPin() {
    if (allocation_ != nullptr) --allocation_->pin_count;
  }
  AllocationPin(AllocationPin&& other) noexcept
      : allocation_(std::exchange(other.allocation_, nullptr)) {}
  AllocationPin(const AllocationPin&) = delete;
  AllocationPin& operator=(const AllocationPin&) = delete;
  AllocationPin& operator=(AllocationPin&&) = delete;

 private:
  Allocation* allocation_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_ALLOCATION_H_
