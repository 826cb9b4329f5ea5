#include "device/address_space.h"

#include <algorithm>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "base/planted_bug.h"

namespace ward::device {
namespace {

constexpr uint32_t kIndexBits = 9;
constexpr uint32_t kEntriesPerTable = 1u << kIndexBits;
constexpr uint32_t kEntryBytes = 8;
constexpr uint32_t kDirectoryLevels = 3;  // the fourth level is the leaf table
constexpr uint32_t kLargePageLevel = 2;   // counted from 0: the third
constexpr uint64_t kVirtualLimit = uint64_t{1} << abi::kVirtualAddressBits;
constexpr uint64_t kKnownBits =
    abi::kPteValid | abi::kPteWritable | abi::kPteLocal | abi::kPteLarge | abi::kPteAddressMask;

// Bits of a virtual address below what `level` decides.
constexpr uint32_t LevelShift(uint32_t level) { return 39 - kIndexBits * level; }

constexpr Fault TableFault(const char* reason, uint64_t address) {
  return Fault{abi::kStatusPageTableInvalid, reason, address};
}

// Translates one range. Every entry is read once, so that a guest that rewrites its tables
// meanwhile gets one consistent answer.
class PageWalk {
 public:
  PageWalk(const Memory* memory, uint64_t root, Access access, DirectoryCache* cache)
      : memory_(memory), root_(root), access_(access), kept_(cache) {}

  // Appends [address, end), which one third-level entry covers.
  Result<void> Append(uint64_t address, uint64_t end, GuestRange* range) {
    // As if all levels were read, so that turns do not depend on what is kept.
    memory_->AddWork(kDirectoryLevels * Memory::TransferWork(kEntryBytes));
    uint64_t entry = kept_ == nullptr ? 0 : kept_->Find(root_, address);
    if (entry == 0) {
      WARD_ASSIGN_OR_RETURN(entry, WalkDirectories(address));
    }
    if ((entry & abi::kPteLarge) == 0) {
      return AppendPages(entry & abi::kPteAddressMask, address, end, range);
    }
    if ((entry & abi::kPteAddressMask & (abi::kLargePageSize - 1)) != 0) {
      return TableFault("large page is not aligned to its size", address);
    }
    return AppendLeaf(entry, address % abi::kLargePageSize, address, end, range);
  }

 private:
  // The valid entry of the third level: a large page, or a checked directory. Once in a slice for
  // each region: kept out of the way that every command takes.
  [[gnu::noinline]] Result<uint64_t> WalkDirectories(uint64_t address) {
    uint64_t table = root_;
    uint64_t entry = 0;
    for (uint32_t level = 0; level < kDirectoryLevels; ++level) {
      WARD_ASSIGN_OR_RETURN(entry, DirectoryEntry(level, table, address));
      if ((entry & abi::kPteValid) == 0) return NotMapped(address);
      if (level == kLargePageLevel && (entry & abi::kPteLarge) != 0) break;
      WARD_TRY(CheckDirectory(entry, address));
      table = entry & abi::kPteAddressMask;
    }
    if (kept_ != nullptr) kept_->Keep(root_, address, entry);
    return entry;
  }

  static Fault NotMapped(uint64_t address) {
    return Fault{abi::kStatusPageNotMapped, "no valid page-table entry", address};
  }

  // The table lies in visible VRAM, which is checked where its address came from. Not charged.
  Result<void> ReadEntries(uint64_t table, uint64_t first, ByteSpan bytes, uint64_t address) const {
    auto span = memory_->LocalSpan(table + first * kEntryBytes, bytes.size());
    if (!span.ok() || span.value().aperture() != Aperture::kVisible) {
      return TableFault("page table is outside of visible VRAM", address);
    }
    return memory_->ReadUncharged(span.value(), bytes);
  }

  Result<uint64_t> DirectoryEntry(uint32_t level, uint64_t table, uint64_t address) {
    Cached& cached = cache_[level];
    const uint64_t key = address >> LevelShift(level);
    if (!cached.filled || cached.key != key) {
      uint8_t bytes[kEntryBytes];
      WARD_TRY(ReadEntries(table, key % kEntriesPerTable, bytes, address));
      cached = {true, key, LoadLe<uint64_t>(bytes)};
    }
    return cached.entry;
  }

  static Result<void> CheckDirectory(uint64_t entry, uint64_t address) {
    constexpr uint64_t kAllowed = abi::kPteValid | abi::kPteLocal | abi::kPteAddressMask;
    if ((entry & ~kAllowed) != 0) {
      return TableFault("directory entry has a bit that is reserved there", address);
    }
    if ((entry & abi::kPteLocal) == 0) {
      return TableFault("directory entry is not local memory", address);
    }
    return {};
  }

  // 4 KiB pages of one leaf table; its entries are read in one go.
  Result<void> AppendPages(uint64_t table, uint64_t address, uint64_t end, GuestRange* range) {
    uint8_t bytes[kEntriesPerTable * kEntryBytes];
    const uint64_t first = address / abi::kPageSize % kEntriesPerTable;
    const uint64_t count = (end - 1) / abi::kPageSize - address / abi::kPageSize + 1;
    WARD_TRY(ReadEntries(table, first, ByteSpan(bytes, count * kEntryBytes), address));
    memory_->AddWork(Memory::TransferWork(count * kEntryBytes) + Memory::kPieceWork * count);
    for (uint64_t i = 0; i < count; ++i) {
      if (HasPlantedBug(PlantedBug::kLeafReadTwice)) {
        WARD_TRY(
            ReadEntries(table, first + i, ByteSpan(bytes + i * kEntryBytes, kEntryBytes), address));
      }
      const auto entry = LoadLe<uint64_t>(bytes + i * kEntryBytes);
      const uint64_t page_end = std::min(end, (address | (abi::kPageSize - 1)) + 1);
      if ((entry & abi::kPteValid) == 0) return NotMapped(address);
      if ((entry & abi::kPteLarge) != 0) {
        return TableFault("large bit in a leaf of the last level", address);
      }
      if (HasPlantedBug(PlantedBug::kPagesAssumedContiguous)) {
        return AppendLeaf(entry, address % abi::kPageSize, address, end, range);
      }
      WARD_TRY(AppendLeaf(entry, address % abi::kPageSize, address, page_end, range));
      address = page_end;
    }
    return {};
  }

  Result<void> AppendLeaf(uint64_t entry, uint64_t offset, uint64_t address, uint64_t end,
                          GuestRange* range) {
    if ((entry & ~kKnownBits) != 0) return TableFault("leaf has a reserved bit set", address);
    const bool is_asked =
        !HasPlantedBug(PlantedBug::kWritableBitIgnored) &&
        !(HasPlantedBug(PlantedBug::kRightOfFirstPage) && !range->spans().empty());
    if (is_asked && access_ == Access::kWrite && (entry & abi::kPteWritable) == 0) {
      return Fault{abi::kStatusPageNotWritable, "page is read-only", address};
    }
    const uint64_t physical = (entry & abi::kPteAddressMask) + offset;
    auto span = (entry & abi::kPteLocal) != 0 ? memory_->LocalSpan(physical, end - address)
                                              : memory_->SystemSpan(physical, end - address);
    if (!span.ok()) return TableFault("leaf points outside of its aperture", address);
    range->Append(span.value());
    return {};
  }

  struct Cached {
    bool filled = false;
    uint64_t key = 0;
    uint64_t entry = 0;
  };
  const Memory* memory_;
  uint64_t root_;
  Access access_;
  DirectoryCache* kept_;
  Cached cache_[kDirectoryLevels];
};

Result<void> TranslatePhysical(const Memory& memory, uint64_t address, uint64_t size_bytes,
                               GuestRange* range) {
  if ((address & ~(abi::kPhysicalLocal | abi::kPhysicalAddressMask)) != 0) {
    return Fault{abi::kStatusAddressOutOfRange, "physical address has reserved bits set", address};
  }
  const uint64_t bare = address & abi::kPhysicalAddressMask;
  auto span = (address & abi::kPhysicalLocal) != 0 ? memory.LocalSpan(bare, size_bytes)
                                                   : memory.SystemSpan(bare, size_bytes);
  if (!span.ok()) return Fault{span.fault().status, span.fault().reason, address};
  range->Append(span.value());
  return {};
}

}  // namespace

AddressSpace AddressSpace::Kernel(const Memory* memory) {
  return AddressSpace(memory, abi::kKernelContext, 0, nullptr);
}

AddressSpace AddressSpace::User(const Memory* memory, uint32_t context, uint64_t page_table_root,
                                DirectoryCache* cache) {
  return AddressSpace(memory, context, page_table_root, cache);
}

Result<GuestRange> AddressSpace::Translate(uint64_t address, uint64_t size_bytes,
                                           Access access) const {
  GuestRange range;
  WARD_TRY(TranslateInto(address, size_bytes, access, &range));
  return range;
}

Result<void> AddressSpace::TranslateInto(uint64_t address, uint64_t size_bytes, Access access,
                                         GuestRange* range) const {
  if (size_bytes == 0 || size_bytes > kMaximumRangeBytes) {
    return Fault{abi::kStatusAddressOutOfRange, "range is empty or too long", address};
  }
  if (context_ == abi::kKernelContext) {
    return TranslatePhysical(*memory_, address, size_bytes, range);
  }
  if (!RangeFits(address, size_bytes, kVirtualLimit)) {
    return Fault{abi::kStatusAddressOutOfRange, "address is wider than the address space", address};
  }
  PageWalk walk(memory_, root_, access, cache_);
  const uint64_t end = address + size_bytes;
  for (uint64_t at = address;;) {
    const uint64_t region_end = std::min(end, (at | (abi::kLargePageSize - 1)) + 1);
    auto appended = walk.Append(at, region_end, range);
    if (!appended.ok() || region_end == end) return appended;
    at = region_end;
  }
}

Result<GuestRange> AddressSpace::TranslateControl(uint64_t address, uint64_t size_bytes,
                                                  uint64_t alignment, Access access) const {
  if (!IsAligned(address, alignment)) {
    return Fault{abi::kStatusAddressMisaligned, "address is not aligned", address};
  }
  WARD_ASSIGN_OR_RETURN(GuestRange range, Translate(address, size_bytes, access));
  if (range.AnyProtected()) {
    return Fault{abi::kStatusControlInProtectedMemory, "control memory is protected", address};
  }
  return range;
}

}  // namespace ward::device
