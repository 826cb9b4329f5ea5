#include "emulator/vfio_user/register_shadow.h"

#include <algorithm>

#include "abi/generated/registers.h"

namespace ward::emulator {
namespace {

enum State : uint32_t { kDisabled = 0, kIdle = 1, kRunning = 2 };  // of QUEUE_STATUS
constexpr uint32_t kSourceCount = 32;
constexpr uint32_t kAllBits = 0xffffffff;

template <typename Visit>
void VisitPlaces(const abi::RegisterInfo& info, Visit visit) {
  for (uint32_t block = 0; block < info.block_count; ++block) {
    for (uint32_t element = 0; element < info.element_count; ++element) {
      visit(uint64_t{info.offset} + uint64_t{block} * info.block_stride + element * 4);
    }
  }
}

const abi::RegisterInfo* FindInfo(uint64_t offset) {
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    bool is_it = false;
    VisitPlaces(info, [&](uint64_t place) { is_it = is_it || place == offset; });
    if (is_it) return &info;
  }
  return nullptr;
}

bool IsQueueStatus(uint64_t offset) {
  const abi::RegisterInfo* info = FindInfo(offset);
  return info != nullptr && info->offset == abi::kRegQueueStatus;
}

// Ignored while the queue is enabled.
bool IsQueueConfiguration(const abi::RegisterInfo& info) {
  return info.offset > abi::kRegQueueControl &&
         info.offset < abi::kRegQueueControl + abi::kQueueBlockStride;
}

}  // namespace

uint32_t RegisterShadow::Read(uint64_t offset) {
  uint32_t value = boundary_->PeekRegister(offset);
  if (offset == abi::kRegInterruptCause) return value & ~cleared_causes_;
  // A fence has no state of its own: a queue that is at its last one looks idle before it is there.
  if (IsQueueStatus(offset) && (value & abi::kQueueStatusStateMask) == kIdle) {
    value = (value & ~abi::kQueueStatusStateMask) | kRunning;
  }
  return Patched(offset, value);
}

uint32_t RegisterShadow::Patched(uint64_t offset, uint32_t value) const {
  const auto patch = patches_.find(offset);
  if (patch == patches_.end()) return value;
  return (value & ~patch->second.mask) | patch->second.value;
}

// What a queue says once its control register was written (docs/spec/registers.md).
void RegisterShadow::ControlQueue(uint32_t queue, uint32_t control) {
  const uint32_t block = abi::kRegQueueControl + queue * abi::kQueueBlockStride;
  if ((control & abi::kQueueControlResetMask) != 0) {
    for (const abi::RegisterInfo& info : abi::kRegisters) {
      const bool is_record = info.access == abi::RegisterAccess::kRo &&
                             info.offset > abi::kRegQueueControl &&
                             info.offset < abi::kRegQueueControl + abi::kQueueBlockStride;
      if (is_record) {
        patches_[block + (info.offset - abi::kRegQueueControl)] = {kAllBits, info.reset_value};
      }
    }
  }
  const bool runs =
      (control & abi::kQueueControlEnableMask) != 0 && (control & abi::kQueueControlResetMask) == 0;
  patches_[block + (abi::kRegQueueStatus - abi::kRegQueueControl)] = {kAllBits,
                                                                      runs ? kRunning : kDisabled};
}

void RegisterShadow::Write(uint64_t offset, uint32_t value) {
  const abi::RegisterInfo* info = FindInfo(offset);
  if (info == nullptr) return;
  if (offset == abi::kRegInterruptCause) {
    // Of causes whose vectors are held back it can't be told whether they came again: they stay.
    if (Held(abi::kRegInterruptModeration) != 0) return;
    cleared_causes_ |= value & Held(abi::kRegInterruptCause);
    return;
  }
  if (info->access != abi::RegisterAccess::kRw) return;
  const uint32_t queue =
      static_cast<uint32_t>((offset - info->offset) / std::max(info->block_stride, 1u));
  const uint32_t control = abi::kRegQueueControl + queue * abi::kQueueBlockStride;
  const bool is_enabled = (Patched(control, Held(control)) & abi::kQueueControlEnableMask) != 0;
  if (IsQueueConfiguration(*info) && is_enabled) return;
  Patch& patch = patches_[offset];
  patch.mask |= info->writable_mask;
  patch.value = (patch.value & ~info->writable_mask) | (value & info->writable_mask);
  if (info->offset == abi::kRegQueueControl) ControlQueue(queue, value);
}

void RegisterShadow::OnVector(uint32_t vector) {
  for (uint32_t source = 0; source < kSourceCount && cleared_causes_ != 0; ++source) {
    if (Held(abi::kRegInterruptVector + 4 * source) == vector) {
      cleared_causes_ &= ~(1u << source);
    }
  }
}

void RegisterShadow::Drop() {
  patches_.clear();
  cleared_causes_ = 0;
}

}  // namespace ward::emulator
