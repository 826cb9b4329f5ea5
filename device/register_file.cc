#include "device/register_file.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "abi/generated/pci.h"
#include "base/assert.h"

namespace ward::device {
namespace {

// Doorbells keep nothing; every register with storage lies below this offset.
constexpr uint32_t kStoredBytes = 0x5000;
constexpr uint16_t kNowhere = 0xffff;

constexpr bool IsStored(const abi::RegisterInfo& info) { return info.offset < kStoredBytes; }

constexpr bool InQueueBlock(const abi::RegisterInfo& info) {
  return info.offset >= abi::kRegQueueControl &&
         info.offset < abi::kRegQueueControl + abi::kQueueBlockStride;
}

constexpr size_t CountStored() {
  size_t count = 0;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (IsStored(info)) count += size_t{info.element_count} * info.block_count;
  }
  return count;
}

constexpr size_t kStoredCount = CountStored();

struct Layout {
  std::array<uint16_t, kStoredBytes / 4> index;  // by offset / 4
  std::array<RegisterPlace, kStoredCount> places;
};

constexpr Layout MakeLayout() {
  Layout layout{};
  layout.index.fill(kNowhere);
  uint16_t next = 0;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (!IsStored(info)) continue;
    for (uint16_t block = 0; block < info.block_count; ++block) {
      for (uint16_t element = 0; element < info.element_count; ++element) {
        const uint32_t offset = info.offset + block * info.block_stride + element * 4u;
        layout.index[offset / 4] = next;
        layout.places[next++] = RegisterPlace{&info, block, element};
      }
    }
  }
  return layout;
}

constexpr Layout kLayout = MakeLayout();

size_t IndexOf(uint32_t offset) {
  WARD_ASSERT(offset < kStoredBytes && offset % 4 == 0);
  const uint16_t index = kLayout.index[offset / 4];
  WARD_ASSERT(index != kNowhere);
  return index;
}

}  // namespace

static_assert(RegisterFile::ResetValue(abi::kRegAbiVersion) ==
                  (abi::kAbiMajor << abi::kAbiVersionMajorShift | abi::kAbiMinor),
              "ABI_VERSION (abi/registers.toml) is not ABI_MAJOR.ABI_MINOR (abi/pci.toml)");

RegisterFile::RegisterFile(const GpuOptions& options)
    : visible_bytes_(options.visible_vram_bytes),
      protected_bytes_(options.protected_vram_bytes),
      open_decrypt_(options.open_decrypt),
      values_(kStoredCount) {
  Reset();
}

RegisterPlace RegisterFile::Find(uint64_t offset) {
  if (offset % 4 != 0) return {};
  if (offset < kStoredBytes) {
    const uint16_t index = kLayout.index[offset / 4];
    return index == kNowhere ? RegisterPlace{} : kLayout.places[index];
  }
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (IsStored(info) || offset < info.offset) continue;
    const uint64_t block = (offset - info.offset) / info.block_stride;
    const uint64_t within = (offset - info.offset) % info.block_stride;
    if (block < info.block_count && within < info.element_count * 4u) {
      return {&info, static_cast<uint16_t>(block), static_cast<uint16_t>(within / 4)};
    }
  }
  return {};
}

bool RegisterFile::Holds(uint64_t offset) {
  return offset % 4 == 0 && offset < kStoredBytes && kLayout.index[offset / 4] != kNowhere;
}

uint32_t RegisterFile::Get(uint32_t offset) const { return values_[IndexOf(offset)]; }

void RegisterFile::Set(uint32_t offset, uint32_t value) { values_[IndexOf(offset)] = value; }

uint32_t* RegisterFile::Cell(uint32_t offset) { return &values_[IndexOf(offset)]; }

uint64_t RegisterFile::Get64(uint32_t offset) const {
  return uint64_t{Get(offset + 4)} << 32 | Get(offset);
}

void RegisterFile::Set64(uint32_t offset, uint64_t value) {
  Set(offset, static_cast<uint32_t>(value));
  Set(offset + 4, static_cast<uint32_t>(value >> 32));
}

void RegisterFile::SetWritable(uint32_t offset, uint32_t value) {
  const size_t index = IndexOf(offset);
  const uint32_t mask = kLayout.places[index].info->writable_mask;
  values_[index] = (values_[index] & ~mask) | (value & mask);
}

void RegisterFile::Reset() {
  for (size_t i = 0; i < kStoredCount; ++i) values_[i] = kLayout.places[i].info->reset_value;
  Set64(abi::kRegVisibleVramSizeLo, visible_bytes_);
  Set64(abi::kRegProtectedVramSizeLo, protected_bytes_);
  if (open_decrypt_) {
    Set64(abi::kRegFeaturesLo, Get64(abi::kRegFeaturesLo) | abi::kFeaturesOpenDecryptMask);
  }
}

void RegisterFile::Load(const std::vector<uint32_t>& values) {
  WARD_ASSERT(values.size() == values_.size());
  std::copy(values.begin(), values.end(), values_.begin());
}

bool RegisterFile::CanLoad(const std::vector<uint32_t>& values) const {
  if (values.size() != kStoredCount) return false;
  RegisterFile fresh(*this);
  fresh.Reset();
  for (size_t i = 0; i < kStoredCount; ++i) {
    const abi::RegisterInfo& info = *kLayout.places[i].info;
    const bool counts = info.access == abi::RegisterAccess::kRo &&
                        (info.offset == abi::kRegTimestampLo ||
                         info.offset == abi::kRegTimestampHi || InQueueBlock(info));
    const uint32_t changes = counts ? ~0u : info.writable_mask;
    if (((values[i] ^ fresh.values_[i]) & ~changes) != 0) return false;
  }
  return true;
}

void RegisterFile::Hash(StateHasher* hasher) const {
  for (uint32_t value : values_) hasher->Add(value);
}

}  // namespace ward::device
