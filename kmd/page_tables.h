// The four-level page tables of one context (docs/spec/addresses.md), in visible VRAM. Only
// written there: the driver keeps its own record of the tables, since the device could change what
// lies in VRAM.
#ifndef WARD_KMD_PAGE_TABLES_H_
#define WARD_KMD_PAGE_TABLES_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/result.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class PageTables {
 public:
  enum class Access { kReadOnly, kReadWrite };

  // `memory` outlives the tables.
  static Result<PageTables> Create(VideoMemory* memory);

  // Local address of the first level, for CONTEXT_CREATE.
  uint64_t root_address() const { return root_.physical_address(); }

  // Makes the tables that any block at [address, address + size_bytes) needs, and maps nothing.
  // Pages; below 2^48. OUT_OF_MEMORY when no page is left for a table.
  Result<void> Reserve(uint64_t address, uint64_t size_bytes);
  // As Reserve, but for `block` alone, which never moves: large pages need no table below them.
  Result<void> ReserveFor(uint64_t address, const MemoryBlock& block);
  // Maps the whole block at `address`, in a range that was reserved and is not mapped yet, with
  // large pages where both sides are aligned. Can't fail half way: a page that was mapped for a
  // moment is one that the device may still use.
  void Map(uint64_t address, const MemoryBlock& block, Access access);
  // A range of small pages, or all that was mapped with the large pages in it. The device may use
  // what it read before until it is told (INVALIDATE).
  void Unmap(uint64_t address, uint64_t size_bytes);

 private:
  // Level 2 to 4, and the address bits that lead to the table.
  using TableKey = std::pair<int, uint64_t>;

  PageTables(VideoMemory* memory, MemoryBlock root) : memory_(memory), root_(std::move(root)) {}
  // Makes the tables down to the one of `last_level` that holds the entry of `address`, as far as
  // they are missing.
  Result<void> MakeTables(uint64_t address, int last_level);
  // The table of `level`; null when it was never made.
  const MemoryBlock* FindTable(uint64_t address, int level) const;

  VideoMemory* memory_;
  MemoryBlock root_;
  std::map<TableKey, MemoryBlock> tables_;
  std::set<uint64_t> large_pages_;  // addresses
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PAGE_TABLES_H_
