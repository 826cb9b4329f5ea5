#include "kmd/page_tables.h"

#include <vector>

#include "abi/generated/pci.h"
#include "base/assert.h"

namespace ward::kmd {
namespace {

constexpr int kLeafLevel = 4;
constexpr int kLargePageLevel = 3;
constexpr uint64_t kEntryCount = 512;
constexpr uint64_t kLimit = 1ull << abi::kVirtualAddressBits;

// Lowest address bit that an entry of this level covers.
constexpr int ShiftOf(int level) { return 12 + 9 * (kLeafLevel - level); }

// The CPU is little-endian, as VRAM is.
ConstByteSpan BytesOfEntry(const uint64_t& entry) {
  return {reinterpret_cast<const uint8_t*>(&entry), sizeof(entry)};
}

// Where in its table the entry lies that covers `address`.
uint64_t EntryOffset(int level, uint64_t address) {
  return (address >> ShiftOf(level)) % kEntryCount * sizeof(uint64_t);
}

// What a table holds is there before the entry that leads to it.
void StoreEntry(const MemoryBlock& table, int level, uint64_t address, uint64_t entry) {
  table.Write(EntryOffset(level, address), BytesOfEntry(entry));
}

// Entries of small pages, written one by one where VRAM is mapped, and where it is not with as few
// accesses as there are tables: each of those may be a message.
class LeafWriter {
 public:
  ~LeafWriter() { Flush(); }

  void Put(const MemoryBlock& table, uint64_t address, uint64_t entry) {
    if (!table.bytes().empty()) return StoreEntry(table, kLeafLevel, address, entry);
    const uint64_t offset = EntryOffset(kLeafLevel, address);
    if (table_ != &table || offset != offset_ + kept_.size()) {
      Flush();
      table_ = &table;
      offset_ = offset;
    }
    const ConstByteSpan bytes = BytesOfEntry(entry);
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
  }

 private:
  void Flush() {
    if (!kept_.empty()) table_->Write(offset_, kept_);
    kept_.clear();
  }

  const MemoryBlock* table_ = nullptr;
  uint64_t offset_ = 0;
  std::vector<uint8_t> kept_;
};

uint64_t DirectoryEntry(const MemoryBlock& table) {
  return table.physical_address() | abi::kPteValid | abi::kPteLocal;
}

constexpr uint64_t LargePageOf(uint64_t address) { return address - address % abi::kLargePageSize; }

// Whether a large page maps what lies from `offset` of a block on that is mapped at `address`.
bool FitsLargePage(uint64_t address, const MemoryBlock& block, uint64_t offset) {
  return IsAligned((address + offset) | (block.physical_address() + offset), abi::kLargePageSize) &&
         RangeFits(offset, abi::kLargePageSize, block.size_bytes());
}

}  // namespace

Result<PageTables> PageTables::Create(VideoMemory* memory) {
  WARD_ASSIGN_OR_RETURN(MemoryBlock root, memory->Allocate(Segment::kVisible, abi::kPageSize));
  return PageTables(memory, std::move(root));
}

Result<void> PageTables::MakeTables(uint64_t address, int last_level) {
  const MemoryBlock* table = &root_;
  for (int level = 1; level < last_level; ++level) {
    const TableKey key(level + 1, address >> ShiftOf(level));
    auto found = tables_.find(key);
    if (found == tables_.end()) {
      WARD_ASSIGN_OR_RETURN(MemoryBlock made, memory_->Allocate(Segment::kVisible, abi::kPageSize));
      // A large page keeps its entry: the table is for whoever comes after it.
      if (level != kLargePageLevel || !large_pages_.contains(LargePageOf(address))) {
        StoreEntry(*table, level, address, DirectoryEntry(made));
      }
      found = tables_.emplace(key, std::move(made)).first;
    }
    table = &found->second;
  }
  return {};
}

const MemoryBlock* PageTables::FindTable(uint64_t address, int level) const {
  const auto found = tables_.find(TableKey(level, address >> ShiftOf(level - 1)));
  return found == tables_.end() ? nullptr : &found->second;
}

Result<void> PageTables::Reserve(uint64_t address, uint64_t size_bytes) {
  WARD_ASSERT(IsAligned(address, abi::kPageSize) && RangeFits(address, size_bytes, kLimit));
  for (uint64_t at = LargePageOf(address); at < address + size_bytes; at += abi::kLargePageSize) {
    WARD_TRY(MakeTables(at, kLeafLevel));
  }
  return {};
}

Result<void> PageTables::ReserveFor(uint64_t address, const MemoryBlock& block) {
  const uint64_t size_bytes = block.size_bytes();
  WARD_ASSERT(IsAligned(address, abi::kPageSize) && RangeFits(address, size_bytes, kLimit));
  for (uint64_t at = LargePageOf(address); at < address + size_bytes; at += abi::kLargePageSize) {
    const bool is_large = at >= address && FitsLargePage(address, block, at - address);
    WARD_TRY(MakeTables(at, is_large ? kLargePageLevel : kLeafLevel));
  }
  return {};
}

void PageTables::Map(uint64_t address, const MemoryBlock& block, Access access) {
  WARD_ASSERT(IsAligned(address, abi::kPageSize) && RangeFits(address, block.size_bytes(), kLimit));
  uint64_t bits = abi::kPteValid;
  if (access == Access::kReadWrite) bits |= abi::kPteWritable;
  if (block.is_local()) bits |= abi::kPteLocal;
  LeafWriter leaves;
  uint64_t offset = 0;
  while (offset < block.size_bytes()) {
    const uint64_t page = address + offset;
    const uint64_t entry = (block.physical_address() + offset) | bits;
    const bool is_large = FitsLargePage(address, block, offset);
    const int level = is_large ? kLargePageLevel : kLeafLevel;
    const MemoryBlock* table = FindTable(page, level);
    WARD_ASSERT(table != nullptr);
    if (is_large) {
      large_pages_.insert(page);
      StoreEntry(*table, level, page, entry | abi::kPteLarge);
    } else {
      leaves.Put(*table, page, entry);
    }
    offset += is_large ? abi::kLargePageSize : abi::kPageSize;
  }
}

void PageTables::Unmap(uint64_t address, uint64_t size_bytes) {
  const uint64_t end = address + size_bytes;
  LeafWriter leaves;
  uint64_t page = address;
  while (page < end) {
    if (large_pages_.contains(LargePageOf(page))) {
      WARD_ASSERT(RangeFits(page, abi::kLargePageSize, end) &&
                  IsAligned(page, abi::kLargePageSize));
      large_pages_.erase(page);
      // The table of small pages that was reserved is there again, empty.
      const MemoryBlock* below = FindTable(page, kLeafLevel);
      StoreEntry(*FindTable(page, kLargePageLevel), kLargePageLevel, page,
                 below != nullptr ? DirectoryEntry(*below) : 0);
      page += abi::kLargePageSize;
      continue;
    }
    const MemoryBlock* table = FindTable(page, kLeafLevel);
    if (table != nullptr) leaves.Put(*table, page, 0);
    page += abi::kPageSize;
  }
}

}  // namespace ward::kmd
