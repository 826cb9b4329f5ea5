#include "emulator/vfio_user/register_shadow.h"

#include "abi/generated/registers.h"

namespace ward::emulator {
namespace {

// Reading the low half latches the high one.
bool IsReadWithoutTrace(const abi::RegisterInfo& info) {
  return info.offset != abi::kRegTimestampLo && info.offset != abi::kRegTimestampHi &&
         info.access != abi::RegisterAccess::kWo;
}

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

}  // namespace

void RegisterShadow::Take(device::Gpu* gpu) {
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (!IsReadWithoutTrace(info)) continue;
    VisitPlaces(info, [&](uint64_t place) { values_[place] = gpu->PeekRegister(place); });
  }
}

bool RegisterShadow::Read(uint64_t offset, uint32_t* value) const {
  const auto found = values_.find(offset);
  if (found == values_.end()) return false;
  *value = found->second;
  return true;
}

// What a queue says once its control register was written (docs/spec/registers.md).
void RegisterShadow::ControlQueue(uint32_t queue, uint32_t control) {
  constexpr uint32_t kDisabled = 0;
  constexpr uint32_t kRunning = 2;
  const uint32_t block = abi::kRegQueueControl + queue * abi::kQueueBlockStride;
  if ((control & abi::kQueueControlResetMask) != 0) {
    for (const abi::RegisterInfo& info : abi::kRegisters) {
      const bool is_record = info.access == abi::RegisterAccess::kRo &&
                             info.offset > abi::kRegQueueControl &&
                             info.offset < abi::kRegQueueControl + abi::kQueueBlockStride;
      if (is_record) values_[block + (info.offset - abi::kRegQueueControl)] = info.reset_value;
    }
  }
  const bool runs =
      (control & abi::kQueueControlEnableMask) != 0 && (control & abi::kQueueControlResetMask) == 0;
  values_[block + (abi::kRegQueueStatus - abi::kRegQueueControl)] = runs ? kRunning : kDisabled;
}

void RegisterShadow::Write(uint64_t offset, uint32_t value) {
  const auto found = values_.find(offset);
  const abi::RegisterInfo* info = FindInfo(offset);
  if (found == values_.end() || info == nullptr) return;
  if (info->access == abi::RegisterAccess::kW1c) {
    found->second &= ~value;
  } else {
    found->second = (found->second & ~info->writable_mask) | (value & info->writable_mask);
  }
  if (info->offset == abi::kRegQueueControl) {
    ControlQueue(static_cast<uint32_t>((offset - info->offset) / info->block_stride), value);
  }
}

}  // namespace ward::emulator
