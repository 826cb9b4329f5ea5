#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/address_space.h"
#include "tests/fakes/fake_ports.h"

namespace ward::device {
namespace {

constexpr uint64_t kVisible = 8 << 20;
constexpr uint64_t kProtected = 8 << 20;
constexpr uint64_t kRoot = 0x10000;
constexpr uint64_t kDirectory = abi::kPteValid | abi::kPteLocal;
constexpr uint64_t kLeaf = abi::kPteValid | abi::kPteWritable;
constexpr uint64_t kVirtual = 0x123456789000;  // an index that differs at each level

// Four tables, one after the other, that lead to kVirtual's page.
struct Tables {
  Tables() : ports(kVisible), memory(ports.ports(), kVisible, kProtected) {
    for (uint32_t level = 0; level < 3; ++level) {
      SetEntry(level, (kRoot + (level + 1) * 0x1000) | kDirectory);
    }
  }
  uint64_t EntryOffset(uint32_t level, uint64_t address = kVirtual) const {
    return kRoot + level * 0x1000 + (address >> (39 - 9 * level) & 511) * 8;
  }
  void SetEntry(uint32_t level, uint64_t entry, uint64_t address = kVirtual) {
    ports.vram.Store<uint64_t>(EntryOffset(level, address), entry);
  }
  uint32_t StatusOf(uint64_t address, uint64_t size, Access access = Access::kRead) {
    auto range = AddressSpace::User(&memory, 1, kRoot).Translate(address, size, access);
    return range.ok() ? 0 : range.fault().status;
  }
  fakes::FakePorts ports;
  Memory memory;
};

TEST_CASE("a page is found through four levels, with its offset") {
  Tables tables;
  tables.SetEntry(3, 0x7654000 | kLeaf);
  auto range = AddressSpace::User(&tables.memory, 1, kRoot)
                   .Translate(kVirtual + 0x123, 0x10, Access::kWrite);
  REQUIRE(range.ok());
  REQUIRE(range.value().spans().size() == 1);
  CHECK(range.value().spans()[0].aperture() == Aperture::kSystem);
  CHECK(range.value().spans()[0].address() == 0x7654123);
  CHECK(range.value().spans()[0].size_bytes() == 0x10);
}

TEST_CASE("a range over pages follows each page's entry, and fails at the first one missing") {
  Tables tables;
  tables.SetEntry(3, 0x5000 | kLeaf | abi::kPteLocal);
  tables.SetEntry(3, 0x9000000 | kLeaf, kVirtual + 0x1000);
  auto range = AddressSpace::User(&tables.memory, 1, kRoot)
                   .Translate(kVirtual + 0xff0, 0x20, Access::kWrite);
  REQUIRE(range.ok());
  REQUIRE(range.value().spans().size() == 2);
  CHECK(range.value().spans()[0].aperture() == Aperture::kVisible);
  CHECK(range.value().spans()[0].address() == 0x5ff0);
  CHECK(range.value().spans()[1].address() == 0x9000000);

  auto missing =
      AddressSpace::User(&tables.memory, 1, kRoot).Translate(kVirtual, 0x3000, Access::kRead);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.fault().status == abi::kStatusPageNotMapped);
  CHECK(missing.fault().address == kVirtual + 0x2000);
}

TEST_CASE("a 2 MiB leaf maps its whole region, and must be aligned to it") {
  Tables tables;
  tables.SetEntry(2, 0x40000000 | kLeaf | abi::kPteLarge);
  const uint64_t base = kVirtual & ~uint64_t{0x1fffff};
  auto range = AddressSpace::User(&tables.memory, 1, kRoot)
                   .Translate(base + 0x12345, 0x100000, Access::kWrite);
  REQUIRE(range.ok());
  CHECK(range.value().spans().size() == 1);
  CHECK(range.value().spans()[0].address() == 0x40012345);
  CHECK(tables.StatusOf(base + 0x1fffff, 2) == abi::kStatusPageNotMapped);
  tables.SetEntry(2, 0x40001000 | kLeaf | abi::kPteLarge);
  CHECK(tables.StatusOf(kVirtual, 1) == abi::kStatusPageTableInvalid);
}

TEST_CASE("a clear valid bit at any level means that nothing is mapped, whatever the other bits") {
  for (uint32_t level = 0; level < 4; ++level) {
    Tables tables;
    tables.SetEntry(3, 0x5000 | kLeaf);
    CHECK(tables.StatusOf(kVirtual, 1) == 0);
    tables.SetEntry(level, ~abi::kPteValid);
    CHECK(tables.StatusOf(kVirtual, 1) == abi::kStatusPageNotMapped);
  }
}

TEST_CASE("every reserved bit of an entry is refused at every level") {
  for (uint32_t level = 0; level < 4; ++level) {
    for (uint32_t bit = 1; bit < 64; ++bit) {
      const uint64_t mask = uint64_t{1} << bit;
      const bool known_in_leaf =
          (mask & (abi::kPteAddressMask | abi::kPteWritable | abi::kPteLocal)) != 0;
      const bool known_in_directory = (mask & (abi::kPteAddressMask | abi::kPteLocal)) != 0;
      const bool large = level == 2 && mask == abi::kPteLarge;
      if ((level == 3 ? known_in_leaf : known_in_directory) || large) continue;
      Tables tables;
      tables.SetEntry(3, 0x5000 | kLeaf);
      const uint64_t entry = tables.ports.vram.Load<uint64_t>(tables.EntryOffset(level));
      tables.SetEntry(level, entry | mask);
      INFO("level " << level << " bit " << bit);
      CHECK(tables.StatusOf(kVirtual, 1) == abi::kStatusPageTableInvalid);
    }
  }
}

TEST_CASE("a directory entry that is not local, or not in visible VRAM, is refused") {
  for (uint32_t level = 0; level < 3; ++level) {
    Tables tables;
    tables.SetEntry(3, 0x5000 | kLeaf);
    const uint64_t entry = tables.ports.vram.Load<uint64_t>(tables.EntryOffset(level));
    for (uint64_t bad :
         {entry & ~abi::kPteLocal, kVisible | kDirectory, abi::kProtectedVramLocalBase | kDirectory,
          abi::kPteAddressMask | kDirectory}) {
      tables.SetEntry(level, bad);
      CHECK(tables.StatusOf(kVirtual, 1) == abi::kStatusPageTableInvalid);
    }
  }
}

TEST_CASE("a write needs the writable bit, a read does not") {
  Tables tables;
  tables.SetEntry(3, 0x5000 | abi::kPteValid);
  CHECK(tables.StatusOf(kVirtual, 1, Access::kRead) == 0);
  CHECK(tables.StatusOf(kVirtual, 1, Access::kWrite) == abi::kStatusPageNotWritable);
}

TEST_CASE("a leaf that points outside of its aperture is an invalid table") {
  Tables tables;
  tables.SetEntry(3, kVisible | kLeaf | abi::kPteLocal);
  CHECK(tables.StatusOf(kVirtual, 1) == abi::kStatusPageTableInvalid);
}

TEST_CASE("addresses outside of 48 bits and ranges that are too long are out of range") {
  Tables tables;
  CHECK(tables.StatusOf(uint64_t{1} << 48, 1) == abi::kStatusAddressOutOfRange);
  CHECK(tables.StatusOf((uint64_t{1} << 48) - 1, 2) == abi::kStatusAddressOutOfRange);
  CHECK(tables.StatusOf(~uint64_t{0}, ~uint64_t{0}) == abi::kStatusAddressOutOfRange);
  CHECK(tables.StatusOf(0, AddressSpace::kMaximumRangeBytes + 1) == abi::kStatusAddressOutOfRange);
}

TEST_CASE("P6_every page-table entry is read once in a translation") {
  Tables tables;
  const uint64_t base = kVirtual & ~uint64_t{0x1fffff};
  for (uint64_t i = 0; i < 512; ++i) tables.SetEntry(3, (i << 16) | kLeaf, base + i * 0x1000);
  tables.SetEntry(2, 0x40000000 | kLeaf | abi::kPteLarge, base + 0x200000);
  tables.ports.vram.ClearLog();
  CHECK(tables.StatusOf(base, 0x400000) == 0);
  for (uint32_t level = 0; level < 3; ++level) {
    CHECK(tables.ports.vram.ReadsOf(tables.EntryOffset(level, base)) == 1);
  }
  for (uint64_t i = 0; i < 512; ++i) {
    CHECK(tables.ports.vram.ReadsOf(tables.EntryOffset(3, base + i * 0x1000)) == 1);
  }
}

TEST_CASE("the kernel's physical addresses name local or system memory, other bits are refused") {
  Tables tables;
  const AddressSpace kernel = AddressSpace::Kernel(&tables.memory);
  auto system = kernel.Translate(0x1234, 8, Access::kWrite);
  REQUIRE(system.ok());
  CHECK(system.value().spans()[0].aperture() == Aperture::kSystem);
  auto hidden =
      kernel.Translate(abi::kPhysicalLocal | abi::kProtectedVramLocalBase, 8, Access::kWrite);
  REQUIRE(hidden.ok());
  CHECK(hidden.value().AllProtected());
  for (uint32_t bit = 52; bit < 63; ++bit) {
    CHECK_FALSE(kernel.Translate(uint64_t{1} << bit, 8, Access::kRead).ok());
  }
  CHECK_FALSE(kernel.Translate(abi::kPhysicalLocal | kVisible, 1, Access::kRead).ok());
}

TEST_CASE("control memory is aligned and never protected") {
  Tables tables;
  tables.SetEntry(3, abi::kProtectedVramLocalBase | kLeaf | abi::kPteLocal);
  const AddressSpace space = AddressSpace::User(&tables.memory, 1, kRoot);
  auto hidden = space.TranslateControl(kVirtual, 8, 8, Access::kRead);
  REQUIRE_FALSE(hidden.ok());
  CHECK(hidden.fault().status == abi::kStatusControlInProtectedMemory);
  auto odd = space.TranslateControl(kVirtual + 4, 8, 8, Access::kRead);
  REQUIRE_FALSE(odd.ok());
  CHECK(odd.fault().status == abi::kStatusAddressMisaligned);
}

}  // namespace
}  // namespace ward::device
