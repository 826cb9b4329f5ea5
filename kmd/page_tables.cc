#include "kmd/page_tables.h"

#include <atomic>

#include "abi/generated/pci.h"
#include "base/assert.h"

namespace ward::kmd {
namespace {

constexpr int kLeafLevel = 4;
constexpr uint64_t kEntryCount = 512;
constexpr uint64_t kLimit = 1ull << abi::kVirtualAddressBits;

// Lowest address bit that an entry of this level covers.
constexpr int ShiftOf(int level) { return 12 + 9 * (kLeafLevel - level); }

// Release: what a table holds is there before the entry that leads to it.
void StoreEntry(const MemoryBlock& table, int level, uint64_t address, uint64_t entry) {
  const uint64_t index = (address >> ShiftOf(level)) % kEntryCount;
  auto* entries = reinterpret_cast<uint64_t*>(table.bytes().data());
  std::atomic_ref<uint64_t>(entries[index]).store(entry, std::memory_order_release);
}

}  // namespace

Result<PageTables> PageTables::Create(VideoMemory* memory) {
  WARD_ASSIGN_OR_RETURN(MemoryBlock root, memory->Allocate(Segment::kVisible, abi::kPageSize));
  return PageTables(memory, std::move(root));
}

Result<void> PageTables::MakeLeafTable(uint64_t address) {
  const MemoryBlock* table = &root_;
  for (int level = 1; level < kLeafLevel; ++level) {
    const TableKey key(level + 1, address >> ShiftOf(level));
    auto found = tables_.find(key);
    if (found == tables_.end()) {
      WARD_ASSIGN_OR_RETURN(MemoryBlock made, memory_->Allocate(Segment::kVisible, abi::kPageSize));
      StoreEntry(*table, level, address, made.physical_address() | abi::kPteValid | abi::kPteLocal);
      found = tables_.emplace(key, std::move(made)).first;
    }
    table = &found->second;
  }
  return {};
}

const MemoryBlock* PageTables::FindLeafTable(uint64_t address) const {
  const auto found = tables_.find(TableKey(kLeafLevel, address >> ShiftOf(kLeafLevel - 1)));
  return found == tables_.end() ? nullptr : &found->second;
}

Result<void> PageTables::Reserve(uint64_t address, uint64_t size_bytes) {
  WARD_ASSERT(IsAligned(address, abi::kPageSize) && RangeFits(address, size_bytes, kLimit));
  // A table of the last level covers what a large page would.
  const uint64_t first = address - address % abi::kLargePageSize;
  for (uint64_t at = first; at < address + size_bytes; at += abi::kLargePageSize) {
    WARD_TRY(MakeLeafTable(at));
  }
  return {};
}

void PageTables::Map(uint64_t address, const MemoryBlock& block, Access access) {
  WARD_ASSERT(IsAligned(address, abi::kPageSize) && RangeFits(address, block.size_bytes(), kLimit));
  uint64_t bits = abi::kPteValid;
  if (access == Access::kReadWrite) bits |= abi::kPteWritable;
  if (block.is_local()) bits |= abi::kPteLocal;
  for (uint64_t offset = 0; offset < block.size_bytes(); offset += abi::kPageSize) {
    const uint64_t page = address + offset;
    const MemoryBlock* table = FindLeafTable(page);
    WARD_ASSERT(table != nullptr);
    StoreEntry(*table, kLeafLevel, page, (block.physical_address() + offset) | bits);
  }
}

void PageTables::Unmap(uint64_t address, uint64_t size_bytes) {
  for (uint64_t page = address; page < address + size_bytes; page += abi::kPageSize) {
    const MemoryBlock* table = FindLeafTable(page);
    if (table != nullptr) StoreEntry(*table, kLeafLevel, page, 0);
  }
}

}  // namespace ward::kmd
