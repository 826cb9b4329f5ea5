// Memory for allocations and page tables: system memory by DMA, visible VRAM through BAR2, and
// protected VRAM, which the CPU knows by address only. Where BAR2 can't be mapped (a device that is
// served over a network), visible VRAM is written in blocks and not read.
#ifndef WARD_KMD_VIDEO_MEMORY_H_
#define WARD_KMD_VIDEO_MEMORY_H_

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "kmd/adapter.h"
#include "kmd/dma_memory.h"
#include "kmd/limits.h"
#include "kmd/range_allocator.h"

namespace ward::kmd {

// Whole contiguous pages of one segment, given back when it ends. Outlived by its VideoMemory.
class MemoryBlock {
 public:
  MemoryBlock() = default;
  ~MemoryBlock() { Release(); }
  MemoryBlock(MemoryBlock&& other) noexcept;
  MemoryBlock& operator=(MemoryBlock&& other) noexcept;
  MemoryBlock(const MemoryBlock&) = delete;
  MemoryBlock& operator=(const MemoryBlock&) = delete;

  // The same pages without owning them; the block outlives it.
  MemoryBlock View() const;

  Segment segment() const { return segment_; }
  bool is_local() const { return segment_ != Segment::kSystem; }
  // Local address, or bus address of system memory.
  uint64_t physical_address() const { return physical_address_; }
  uint64_t size_bytes() const { return size_bytes_; }
  // Empty for protected memory, and for visible VRAM that can't be mapped.
  ByteSpan bytes() const { return bytes_; }
  // For system memory and visible VRAM, mapped or not: `bytes` go to `offset`, inside the block. An
  // 8-byte word at a multiple of 8 arrives whole, after all that was written before. What a
  // function that is gone does not take is lost with it.
  void Write(uint64_t offset, ConstByteSpan bytes) const;

 private:
  friend class VideoMemory;
  void Release();

  Segment segment_ = Segment::kSystem;
  RangeAllocator* owner_ = nullptr;   // null for system memory and for an empty block
  uint64_t* system_bytes_ = nullptr;  // what system memory is counted in; null for other blocks
  uint64_t physical_address_ = 0;
  uint64_t size_bytes_ = 0;
  ByteSpan bytes_;
  abi::PciFunction* function_ = nullptr;  // for visible VRAM that can't be mapped
  DmaMemory dma_;
};

class VideoMemory {
 public:
  // Makes room in visible VRAM by moving something out of it.
  class Reclaimer {
   public:
    // OUT_OF_MEMORY when nothing is left that may move; else there is more room than before.
    virtual Result<void> MakeRoom() = 0;

   protected:
    ~Reclaimer() = default;
  };
  // What memory holds that the CPU reaches.
  enum class Fresh { kZeros, kAnything };

  // DEVICE_NOT_READY when BAR2 can be neither mapped nor accessed in blocks.
  static Result<std::unique_ptr<VideoMemory>> Create(abi::PciFunction* function,
                                                     const Limits& limits);

  // Whether the CPU reaches visible VRAM by a map, and not by blocks alone.
  bool MapsVisible() const { return visible_base_ != nullptr; }

  // Null: a full segment stays full. Outlives the allocations that follow.
  void SetReclaimer(Reclaimer* reclaimer) { reclaimer_ = reclaimer; }

  // `size_bytes` is at least 1. Visible VRAM and system memory are as `fresh` says; protected
  // memory is as its last user left it, until KernelQueue::Clear, and nothing makes room in it.
  // A block of 2 MiB and more is aligned so that large pages can map it, while there is room for
  // that. OUT_OF_MEMORY.
  Result<MemoryBlock> Allocate(Segment segment, uint64_t size_bytes, Fresh fresh = Fresh::kZeros);

  // Bytes of the local segments that no block holds, and of system memory that blocks hold.
  uint64_t free_visible_bytes() const { return visible_.free_bytes(); }
  uint64_t free_protected_bytes() const { return protected_.free_bytes(); }
  uint64_t system_bytes() const { return system_bytes_; }

 private:
  VideoMemory(abi::PciFunction* function, uint8_t* visible_base, const Limits& limits);
  Result<MemoryBlock> AllocateSystem(uint64_t size_bytes);
  Result<uint64_t> AllocateVisible(uint64_t size_bytes);

  abi::PciFunction* function_;
  uint8_t* visible_base_;  // local address 0; null: can't be mapped
  uint64_t visible_bytes_;
  RangeAllocator visible_;
  RangeAllocator protected_;
  uint64_t system_bytes_ = 0;
  Reclaimer* reclaimer_ = nullptr;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_VIDEO_MEMORY_H_
