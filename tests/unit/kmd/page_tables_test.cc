#include "kmd/page_tables.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd/fake_function.h"

namespace ward::kmd {
namespace {

// Walks the tables as docs/spec/addresses.md says, from the bytes in VRAM alone.
class TableWalker {
 public:
  TableWalker(const uint8_t* vram, uint64_t root) : vram_(vram), root_(root) {}

  // The leaf entry; nothing when no page is mapped. A malformed directory entry is a failed test.
  std::optional<uint64_t> Walk(uint64_t address) const {
    uint64_t table = root_;
    for (int shift = 39; shift >= 12; shift -= 9) {
      REQUIRE(table % 4096 == 0);
      REQUIRE(table < FakeFunction::kVramBytes);
      const auto entry = LoadLe<uint64_t>(vram_ + table + ((address >> shift) & 511) * 8);
      if ((entry & 1) == 0) return std::nullopt;
      if (shift == 12) return entry;
      if (shift == 21 && (entry & 0b1000) != 0) {
        REQUIRE((entry & 0xfff00000001ffff0) == 0);
        ++large_pages;
        return entry + (address & 0x1ff000);
      }
      REQUIRE((entry & 0xfff0000000000fff) == 0b101);  // valid and local, nothing else
      table = entry & 0xffffffffff000;
    }
    return std::nullopt;
  }

  mutable int large_pages = 0;  // that walks ended at

 private:
  const uint8_t* vram_;
  uint64_t root_;
};

struct Machine {
  explicit Machine(uint64_t protected_bytes = FakeFunction::kProtectedBytes) {
    Limits limits;
    limits.visible_vram_bytes = FakeFunction::kVramBytes;
    limits.protected_vram_base = FakeFunction::kProtectedBase;
    limits.protected_vram_bytes = protected_bytes;
    auto made = VideoMemory::Create(&function, limits);
    REQUIRE(made.ok());
    memory = std::move(made.value());
  }
  MemoryBlock Take(Segment segment, uint64_t size_bytes) {
    auto block = memory->Allocate(segment, size_bytes);
    REQUIRE(block.ok());
    return std::move(block.value());
  }

  FakeFunction function;
  std::unique_ptr<VideoMemory> memory;
};

bool Map(PageTables* tables, uint64_t address, const MemoryBlock& block,
         PageTables::Access access) {
  if (!tables->Reserve(address, block.size_bytes()).ok()) return false;
  tables->Map(address, block, access);
  return true;
}

TEST_CASE("entries say address, aperture and access of each page") {
  Machine machine;
  auto tables = PageTables::Create(machine.memory.get());
  REQUIRE(tables.ok());
  const TableWalker walker(machine.function.vram(), tables.value().root_address());
  const MemoryBlock system = machine.Take(Segment::kSystem, 3 * 4096);
  const MemoryBlock visible = machine.Take(Segment::kVisible, 4096);
  const MemoryBlock secret = machine.Take(Segment::kProtected, 2 * 4096);
  // The first crosses into another table of the last level, the last lies under another root entry.
  constexpr uint64_t kSystemAt = (1ull << 32) - 4096;
  constexpr uint64_t kVisibleAt = 1ull << 33;
  constexpr uint64_t kSecretAt = (1ull << 48) - 2 * 4096;
  REQUIRE(Map(&tables.value(), kSystemAt, system, PageTables::Access::kReadOnly));
  REQUIRE(Map(&tables.value(), kVisibleAt, visible, PageTables::Access::kReadWrite));
  REQUIRE(Map(&tables.value(), kSecretAt, secret, PageTables::Access::kReadWrite));
  for (uint64_t page = 0; page < 3; ++page) {
    CHECK(walker.Walk(kSystemAt + page * 4096) ==
          ((system.physical_address() + page * 4096) | 0b001));
  }
  CHECK(walker.Walk(kVisibleAt) == (visible.physical_address() | 0b111));
  CHECK(walker.Walk(kSecretAt) == (FakeFunction::kProtectedBase | 0b111));
  CHECK(walker.Walk(kSecretAt + 4096) == ((FakeFunction::kProtectedBase + 4096) | 0b111));
  CHECK_FALSE(walker.Walk(kSystemAt - 4096).has_value());
  CHECK_FALSE(walker.Walk(kSystemAt + 3 * 4096).has_value());
  CHECK_FALSE(walker.Walk(0).has_value());

  tables.value().Unmap(kSystemAt, 2 * 4096);
  CHECK_FALSE(walker.Walk(kSystemAt).has_value());
  CHECK_FALSE(walker.Walk(kSystemAt + 4096).has_value());
  CHECK(walker.Walk(kSystemAt + 2 * 4096).has_value());
}

TEST_CASE("tables in memory that held something else start empty") {
  Machine machine;
  for (uint64_t at = 0; at < FakeFunction::kVramBytes; ++at) machine.function.vram()[at] = 0xff;
  auto tables = PageTables::Create(machine.memory.get());
  REQUIRE(tables.ok());
  const MemoryBlock block = machine.Take(Segment::kSystem, 4096);
  REQUIRE(Map(&tables.value(), 1ull << 40, block, PageTables::Access::kReadOnly));
  const TableWalker walker(machine.function.vram(), tables.value().root_address());
  CHECK(walker.Walk(1ull << 40).has_value());
  CHECK_FALSE(walker.Walk((1ull << 40) + 4096).has_value());
  CHECK_FALSE(walker.Walk(0).has_value());
}

TEST_CASE("no room for a table maps nothing, and tables give their pages back") {
  Machine machine;
  std::vector<MemoryBlock> taken;
  {
    auto tables = PageTables::Create(machine.memory.get());
    REQUIRE(tables.ok());
    const MemoryBlock block = machine.Take(Segment::kSystem, 2 * 4096);
    // Room for the tables of the first page, not for the second page's.
    for (int i = 0; i < 256 - 1 - 3; ++i) taken.push_back(machine.Take(Segment::kVisible, 4096));
    constexpr uint64_t kAt = (1ull << 40) - 4096;
    const auto reserved = tables.value().Reserve(kAt, block.size_bytes());
    REQUIRE_FALSE(reserved.ok());
    CHECK(reserved.fault().status == abi::kStatusOutOfMemory);
    const TableWalker walker(machine.function.vram(), tables.value().root_address());
    CHECK_FALSE(walker.Walk(kAt).has_value());
  }
  taken.clear();
  CHECK(machine.memory->Allocate(Segment::kVisible, FakeFunction::kVramBytes).ok());
}

constexpr uint64_t kLarge = 2 << 20;

TEST_CASE("large pages map what is aligned on both sides, small ones the rest") {
  Machine machine(16 << 20);
  auto tables = PageTables::Create(machine.memory.get());
  REQUIRE(tables.ok());
  const TableWalker walker(machine.function.vram(), tables.value().root_address());
  const MemoryBlock unaligned = machine.Take(Segment::kProtected, 4096);
  const MemoryBlock block = machine.Take(Segment::kProtected, 2 * kLarge + 3 * 4096);
  REQUIRE(block.physical_address() % kLarge == 0);
  // As aligned as the block, and one page off.
  const uint64_t at = GENERATE(uint64_t{1} << 33, (uint64_t{1} << 33) + 4096);
  const bool is_aligned = at % kLarge == 0;
  const bool reserves_all = GENERATE(false, true);
  const uint64_t free_before = machine.memory->free_visible_bytes();
  REQUIRE((reserves_all ? tables.value().Reserve(at, block.size_bytes())
                        : tables.value().ReserveFor(at, block))
              .ok());
  // Levels 2 and 3, and those of the last level.
  const uint64_t leaf_tables = reserves_all || !is_aligned ? 3 : 1;
  CHECK(free_before - machine.memory->free_visible_bytes() == (2 + leaf_tables) * 4096);
  CHECK_FALSE(walker.Walk(at).has_value());
  tables.value().Map(at, block, PageTables::Access::kReadWrite);
  for (uint64_t offset = 0; offset < block.size_bytes(); offset += 4096) {
    const auto entry = walker.Walk(at + offset);
    REQUIRE(entry.has_value());
    REQUIRE((*entry & ~uint64_t{8}) == ((block.physical_address() + offset) | 0b111));
  }
  CHECK(walker.large_pages == (is_aligned ? 2 * 512 : 0));
  CHECK_FALSE(walker.Walk(at - 4096).has_value());
  CHECK_FALSE(walker.Walk(at + block.size_bytes()).has_value());

  tables.value().Unmap(at, block.size_bytes());
  for (uint64_t offset = 0; offset < block.size_bytes(); offset += 4096) {
    REQUIRE_FALSE(walker.Walk(at + offset).has_value());
  }
}

TEST_CASE("small pages take a large one's place and give it back") {
  Machine machine(16 << 20);
  auto tables = PageTables::Create(machine.memory.get());
  REQUIRE(tables.ok());
  const TableWalker walker(machine.function.vram(), tables.value().root_address());
  const MemoryBlock large = machine.Take(Segment::kProtected, kLarge);
  const MemoryBlock page = machine.Take(Segment::kProtected, 4096);
  constexpr uint64_t kAt = 1ull << 33;
  REQUIRE(tables.value().Reserve(kAt, kLarge).ok());
  for (int round = 0; round < 3; ++round) {
    tables.value().Map(kAt, large, PageTables::Access::kReadOnly);
    CHECK(walker.Walk(kAt + 4096) == ((large.physical_address() + 4096) | 0b1101));
    tables.value().Unmap(kAt, kLarge);
    tables.value().Map(kAt, page, PageTables::Access::kReadWrite);
    CHECK(walker.Walk(kAt) == (page.physical_address() | 0b111));
    CHECK_FALSE(walker.Walk(kAt + 4096).has_value());
    tables.value().Unmap(kAt, 4096);
    CHECK_FALSE(walker.Walk(kAt).has_value());
  }
}

}  // namespace
}  // namespace ward::kmd
