// The four-level page tables of one context (docs/spec/addresses.md), in visible VRAM. Only
// written there: the driver keeps its own record of the tables, since the device could change what
// lies in VRAM.
#ifndef WARD_KMD_PAGE_TABLES_H_
#define WARD_KMD_PAGE_TABLES_H_

#include <cstdint>
#include <map>
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

  // Maps the whole block at `address`, a multiple of a page; the range is below 2^48 and not
  // mapped yet. OUT_OF_MEMORY when no page is left for a table; then nothing is mapped.
  Result<void> Map(uint64_t address, const MemoryBlock& block, Access access);
  // The device may use what it read before until it is told (INVALIDATE).
  void Unmap(uint64_t address, uint64_t size_bytes);

 private:
  // Level 2 to 4, and the address bits that lead to the table.
  using TableKey = std::pair<int, uint64_t>;

  PageTables(VideoMemory* memory, MemoryBlock root) : memory_(memory), root_(std::move(root)) {}
  // The table of the last level that holds the entry of `address`.
  Result<const MemoryBlock*> MakeLeafTable(uint64_t address);

  VideoMemory* memory_;
  MemoryBlock root_;
  std::map<TableKey, MemoryBlock> tables_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PAGE_TABLES_H_
