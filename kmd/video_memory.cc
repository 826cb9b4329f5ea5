#include "kmd/video_memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "kmd/register_window.h"

namespace ward::kmd {
namespace {

// More than any surface or stream needs; keeps a caller's size from overflowing a host's size_t.
constexpr uint64_t kMaximumSystemBytes = 1ull << 31;

constexpr int kVramBar = static_cast<int>(abi::kVramBar);
constexpr uint64_t kZeroBytes = 1u << 20;  // of one write

void WriteZeros(const MemoryBlock& block) {
  const std::vector<uint8_t> zeros(std::min(block.size_bytes(), kZeroBytes));
  for (uint64_t at = 0; at < block.size_bytes(); at += zeros.size()) {
    const uint64_t left = block.size_bytes() - at;
    block.Write(at, ConstByteSpan(zeros).first(std::min<uint64_t>(left, zeros.size())));
  }
}

Result<uint64_t> AllocateFrom(RangeAllocator* range, uint64_t size_bytes) {
  if (size_bytes >= abi::kLargePageSize) {
    auto aligned = range->Allocate(size_bytes, abi::kLargePageSize);
    if (aligned.ok()) return aligned;
  }
  return range->Allocate(size_bytes);
}

}  // namespace

MemoryBlock::MemoryBlock(MemoryBlock&& other) noexcept { *this = std::move(other); }

MemoryBlock& MemoryBlock::operator=(MemoryBlock&& other) noexcept {
  if (this == &other) return *this;
  Release();
  segment_ = other.segment_;
  owner_ = std::exchange(other.owner_, nullptr);
  system_bytes_ = std::exchange(other.system_bytes_, nullptr);
  physical_address_ = other.physical_address_;
  size_bytes_ = std::exchange(other.size_bytes_, 0);
  bytes_ = std::exchange(other.bytes_, {});
  function_ = other.function_;
  dma_ = std::move(other.dma_);
  return *this;
}

MemoryBlock MemoryBlock::View() const {
  MemoryBlock view;
  view.segment_ = segment_;
  view.physical_address_ = physical_address_;
  view.size_bytes_ = size_bytes_;
  view.bytes_ = bytes_;
  view.function_ = function_;
  return view;
}

void MemoryBlock::Write(uint64_t offset, ConstByteSpan bytes) const {
  WARD_ASSERT(segment_ != Segment::kProtected && RangeFits(offset, bytes.size(), size_bytes_));
  if (function_ != nullptr) {
    (void)function_->BarWriteBlock(kVramBar, physical_address_ + offset, bytes.data(),
                                   bytes.size());
    return;
  }
  uint64_t word = 0;
  if (bytes.size() == sizeof(word) && IsAligned(offset, sizeof(word))) {
    std::memcpy(&word, bytes.data(), sizeof(word));
    auto* place = reinterpret_cast<uint64_t*>(bytes_.data() + offset);
    std::atomic_ref<uint64_t>(*place).store(word, std::memory_order_release);
    return;
  }
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<ptrdiff_t>(offset));
}

void MemoryBlock::Release() {
  if (owner_ != nullptr) owner_->Free(physical_address_, size_bytes_);
  if (system_bytes_ != nullptr) *system_bytes_ -= size_bytes_;
  owner_ = nullptr;
  system_bytes_ = nullptr;
}

Result<std::unique_ptr<VideoMemory>> VideoMemory::Create(abi::PciFunction* function,
                                                         const Limits& limits) {
  uint8_t* base = function->MapBar(kVramBar);
  uint64_t first = 0;
  if (base == nullptr &&
      function->BarReadBlock(kVramBar, 0, &first, sizeof(first)) != abi::PciError::kNone) {
    return Fault{abi::kStatusDeviceNotReady, "BAR2 can be neither mapped nor accessed"};
  }
  return std::unique_ptr<VideoMemory>(new VideoMemory(function, base, limits));
}

VideoMemory::VideoMemory(abi::PciFunction* function, uint8_t* visible_base, const Limits& limits)
    : function_(function),
      visible_base_(visible_base),
      visible_bytes_(limits.visible_vram_bytes),
      visible_(0, limits.visible_vram_bytes),
      protected_(limits.protected_vram_base, limits.protected_vram_bytes) {}

Result<MemoryBlock> VideoMemory::Allocate(Segment segment, uint64_t size_bytes, Fresh fresh) {
  if (segment == Segment::kSystem) return AllocateSystem(size_bytes);
  RangeAllocator* owner = segment == Segment::kVisible ? &visible_ : &protected_;
  WARD_ASSIGN_OR_RETURN(const uint64_t address, segment == Segment::kVisible
                                                    ? AllocateVisible(size_bytes)
                                                    : AllocateFrom(&protected_, size_bytes));
  MemoryBlock block;
  block.segment_ = segment;
  block.owner_ = owner;
  block.physical_address_ = address;
  block.size_bytes_ = RoundToPages(size_bytes);
  if (segment == Segment::kVisible) {
    if (visible_base_ != nullptr) {
      block.bytes_ = ByteSpan(visible_base_ + address, block.size_bytes_);
      if (fresh == Fresh::kZeros) std::memset(block.bytes_.data(), 0, block.bytes_.size());
    } else {
      block.function_ = function_;
      if (fresh == Fresh::kZeros) WriteZeros(block);
    }
  }
  return block;
}

Result<uint64_t> VideoMemory::AllocateVisible(uint64_t size_bytes) {
  if (size_bytes > visible_bytes_) {
    return Fault{abi::kStatusOutOfMemory, "larger than visible VRAM"};
  }
  while (true) {
    auto address = AllocateFrom(&visible_, size_bytes);
    if (address.ok() || reclaimer_ == nullptr) return address;
    // Each turn moves something out, so there is an end.
    WARD_TRY(reclaimer_->MakeRoom());
  }
}

Result<MemoryBlock> VideoMemory::AllocateSystem(uint64_t size_bytes) {
  if (size_bytes > kMaximumSystemBytes) {
    return Fault{abi::kStatusOutOfMemory, "an allocation in system memory has at most 2 GiB"};
  }
  MemoryBlock block;
  block.size_bytes_ = RoundToPages(size_bytes);
  WARD_ASSIGN_OR_RETURN(block.dma_, DmaMemory::Allocate(function_, block.size_bytes_));
  block.system_bytes_ = &system_bytes_;
  system_bytes_ += block.size_bytes_;
  block.physical_address_ = block.dma_.bus_address();
  block.bytes_ = block.dma_.bytes().first(block.size_bytes_);
  return block;
}

}  // namespace ward::kmd
