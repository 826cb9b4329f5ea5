#include "device/memory.h"

#include <utility>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/chip_memory.h"
#include "tests/unit/device/process_mappings.h"

namespace ward::device {
namespace {

std::vector<uint8_t> Zeros(size_t size) { return std::vector<uint8_t>(size, 0); }

uint64_t HashOf(const Memory& memory) {
  StateHasher hasher;
  memory.Hash(&hasher);
  return hasher.value();
}

TEST_CASE(
    "local addresses name visible VRAM from 0 and protected VRAM from its base, nothing else") {
  ChipMemory chip;
  const uint64_t base = abi::kProtectedVramLocalBase;
  struct {
    uint64_t address;
    uint64_t size;
    bool ok;
    Aperture aperture;
    uint64_t offset;
  } const cases[] = {
      {0, 1, true, Aperture::kVisible, 0},
      {0, ChipMemory::kVisibleBytes, true, Aperture::kVisible, 0},
      {ChipMemory::kVisibleBytes - 1, 1, true, Aperture::kVisible, ChipMemory::kVisibleBytes - 1},
      {ChipMemory::kVisibleBytes - 1, 2, false, {}, 0},
      {ChipMemory::kVisibleBytes, 1, false, {}, 0},
      {0, 0, false, {}, 0},
      {base - 1, 1, false, {}, 0},
      {base - 1, 2, false, {}, 0},
      {base, 1, true, Aperture::kProtected, 0},
      {base + 5, ChipMemory::kProtectedBytes - 5, true, Aperture::kProtected, 5},
      {base + 5, ChipMemory::kProtectedBytes - 4, false, {}, 0},
      {base + ChipMemory::kProtectedBytes, 1, false, {}, 0},
      {~uint64_t{0}, 2, false, {}, 0},
      {0, ~uint64_t{0}, false, {}, 0},
      {base, ~uint64_t{0}, false, {}, 0},
  };
  for (const auto& c : cases) {
    INFO(c.address << " + " << c.size);
    const auto span = chip.memory.LocalSpan(c.address, c.size);
    REQUIRE(span.ok() == c.ok);
    if (c.ok) {
      CHECK(span.value().aperture() == c.aperture);
      CHECK(span.value().address() == c.offset);
      CHECK(span.value().size_bytes() == c.size);
    } else {
      CHECK(span.fault().status == abi::kStatusAddressOutOfRange);
      CHECK(span.fault().address == c.address);
    }
  }
}

TEST_CASE("bus addresses have 52 bits") {
  ChipMemory chip;
  CHECK(chip.memory.SystemSpan((1ull << 52) - 1, 1).ok());
  CHECK(chip.memory.SystemSpan(0, 1ull << 52).ok());
  CHECK_FALSE(chip.memory.SystemSpan((1ull << 52) - 1, 2).ok());
  CHECK_FALSE(chip.memory.SystemSpan(1ull << 52, 1).ok());
  CHECK_FALSE(chip.memory.SystemSpan(~uint64_t{0}, 2).ok());
}

TEST_CASE("a range of several spans is sliced exactly and neighbours join") {
  ChipMemory chip;
  GuestRange range;
  range.Append(chip.memory.LocalSpan(0x1000, 0x10).value());
  range.Append(chip.memory.LocalSpan(0x1010, 0x10).value());  // joins
  range.Append(chip.memory.SystemSpan(0x1020, 0x8).value());  // another aperture: does not
  range.Append(chip.ProtectedSpan(0x3000, 0x18));
  REQUIRE(range.spans().size() == 3);
  CHECK(range.size_bytes() == 0x40);

  // Byte by byte: where each one lies, by hand.
  for (uint64_t offset = 0; offset < 0x40; ++offset) {
    const GuestRange one = range.Slice(offset, 1);
    REQUIRE(one.spans().size() == 1);
    const PhysicalSpan& span = one.spans()[0];
    const uint64_t expected = offset < 0x20   ? 0x1000 + offset
                              : offset < 0x28 ? 0x1020 + offset - 0x20
                                              : 0x3000 + offset - 0x28;
    CHECK(span.address() == expected);
    CHECK(span.size_bytes() == 1);
    CHECK(span.aperture() == (offset < 0x20   ? Aperture::kVisible
                              : offset < 0x28 ? Aperture::kSystem
                                              : Aperture::kProtected));
  }
  const GuestRange middle = range.Slice(0x1f, 0xa);
  REQUIRE(middle.spans().size() == 3);
  CHECK(middle.spans()[0].size_bytes() == 1);
  CHECK(middle.spans()[1].size_bytes() == 8);
  CHECK(middle.spans()[2].size_bytes() == 1);
  CHECK(middle.size_bytes() == 0xa);
  CHECK(range.Slice(0x40, 0).spans().empty());
  CHECK(range.AnyProtected());
  CHECK_FALSE(range.AllProtected());
  CHECK_FALSE(range.Slice(0, 0x28).AnyProtected());
  CHECK(range.Slice(0x28, 0x18).AllProtected());
}

TEST_CASE("bytes written to a range of every aperture are where the ports and a read find them") {
  ChipMemory chip;
  GuestRange range;
  range.Append(chip.memory.LocalSpan(0x2ff0, 0x20).value());
  range.Append(chip.memory.SystemSpan(ChipMemory::System(8), 0x18).value());
  range.Append(chip.ProtectedSpan(0xff8, 0x10));
  const auto bytes = Noise(0x48, 1);
  REQUIRE(chip.memory.Write(range, bytes).ok());
  std::vector<uint8_t> back(0x48);
  REQUIRE(chip.memory.Read(range, back).ok());
  CHECK(back == bytes);
  const auto part = [&](size_t from, size_t size) {
    return std::vector<uint8_t>(bytes.begin() + from, bytes.begin() + from + size);
  };
  CHECK(chip.ReadVisible(0x2ff0, 0x20) == part(0, 0x20));
  CHECK(chip.ReadSystem(8, 0x18) == part(0x20, 0x18));
  CHECK(chip.ReadProtected(0xff8, 0x10) == part(0x38, 0x10));
}

TEST_CASE("an access that the host refuses is a BUS_ERROR with the bus address") {
  ChipMemory chip;
  GuestRange range;
  range.Append(chip.memory.LocalSpan(0, 16).value());
  range.Append(chip.memory.SystemSpan(0x5000, 16).value());
  std::vector<uint8_t> bytes(32);
  const auto read = chip.memory.Read(range, bytes);
  REQUIRE_FALSE(read.ok());
  CHECK(read.fault().status == abi::kStatusBusError);
  CHECK(read.fault().address == 0x5000);
  chip.ports.bus.Map(0x5000, 4096, /*writable=*/false);
  CHECK(chip.memory.Read(range, bytes).ok());
  const auto write = chip.memory.Write(range, bytes);
  REQUIRE_FALSE(write.ok());
  CHECK(write.fault().status == abi::kStatusBusError);
  CHECK(write.fault().address == 0x5000);
  const auto atomic = chip.memory.WriteAtomic64(chip.memory.SystemSpan(0x5008, 8).value(), 1);
  REQUIRE_FALSE(atomic.ok());
  CHECK(atomic.fault().address == 0x5008);
}

TEST_CASE("an atomic write reaches VRAM and the bus little-endian") {
  ChipMemory chip;
  REQUIRE(
      chip.memory.WriteAtomic64(chip.memory.LocalSpan(0x40, 8).value(), 0x0102030405060708).ok());
  CHECK(chip.ports.vram.bytes()[0x40] == 8);
  REQUIRE(
      chip.memory.WriteAtomic64(chip.memory.SystemSpan(ChipMemory::System(0x10), 8).value(), 0x0102)
          .ok());
  CHECK(chip.ReadSystem(0x10, 2) == std::vector<uint8_t>{2, 1});
  CHECK(chip.ports.bus.log().back().kind == fakes::FakeBus::Kind::kAtomic);
}

TEST_CASE("P2_ a page that changes its owner is zeroed, from nobody's too, and others are not") {
  ChipMemory chip;
  const auto noise = Noise(3 * kPage, 2);
  chip.PutProtected(0, noise, kNoOwner);
  chip.memory.TakeOwnership(chip.ProtectedRange(kPage + 100, 1), 7);  // touches one page
  CHECK(chip.OwnerAt(0) == kNoOwner);
  CHECK(chip.OwnerAt(kPage) == 7);
  CHECK(chip.OwnerAt(2 * kPage) == kNoOwner);
  CHECK(chip.ReadProtected(0, kPage) == std::vector<uint8_t>(noise.begin(), noise.begin() + kPage));
  CHECK(chip.ReadProtected(kPage, kPage) == Zeros(kPage));
  CHECK(chip.ReadProtected(2 * kPage, kPage) ==
        std::vector<uint8_t>(noise.begin() + 2 * kPage, noise.end()));

  chip.PutProtected(kPage, Noise(16, 3), 7);  // same owner: the rest stays
  chip.PutProtected(kPage + 16, Noise(16, 4), 7);
  CHECK(chip.ReadProtected(kPage, 16) == Noise(16, 3));
  chip.memory.TakeOwnership(chip.ProtectedRange(0, 3 * kPage), kNoOwner);  // all keep theirs
  CHECK(chip.OwnerAt(kPage) == 7);
  CHECK(chip.ReadProtected(kPage, 16) == Noise(16, 3));
  chip.memory.TakeOwnership(chip.ProtectedRange(2 * kPage - 1, 2), 8);
  CHECK(chip.OwnerAt(kPage) == 8);
  CHECK(chip.OwnerAt(2 * kPage) == 8);
  CHECK(chip.ReadProtected(kPage, 2 * kPage) == Zeros(2 * kPage));
}

TEST_CASE("P9_ zeros that a session decrypts count as its content, and nobody's do not") {
  ChipMemory chip;
  chip.PutProtected(0, Zeros(16), kNoOwner);
  CHECK(chip.memory.CountTouchedPages() == 0);
  chip.memory.TakeOwnership(chip.ProtectedRange(kPage, 1), 7);
  chip.PutProtected(kPage, Zeros(1), 7);
  CHECK(chip.memory.CountTouchedPages() == 1);
  // So what has to be zeroed when another session takes the page does not depend on what was there.
  chip.memory.TakeOwnership(chip.ProtectedRange(kPage, 1), 8);
  CHECK(chip.memory.HasStale());
}

TEST_CASE("P2_ the end of a session zeroes its pages and no others, in short and in long runs") {
  ChipMemory chip;
  const auto noise = Noise(100 * kPage, 5);
  chip.PutProtected(0, noise, 7);
  chip.PutProtected(kPage, std::vector<uint8_t>(noise.begin(), noise.begin() + kPage), 8);
  chip.PutProtected(200 * kPage, Noise(kPage, 6), kNoOwner);
  chip.memory.ReleaseOwner(7);
  CHECK(chip.OwnerAt(0) == kNoOwner);
  CHECK(chip.OwnerAt(99 * kPage) == kNoOwner);
  CHECK(chip.OwnerAt(kPage) == 8);
  CHECK(chip.ReadProtected(0, kPage) == Zeros(kPage));
  CHECK(chip.ReadProtected(2 * kPage, 98 * kPage) == Zeros(98 * kPage));
  CHECK(chip.ReadProtected(kPage, kPage) ==
        std::vector<uint8_t>(noise.begin(), noise.begin() + kPage));
  CHECK(chip.ReadProtected(200 * kPage, kPage) == Noise(kPage, 6));

  chip.memory.ReleaseOwner(kNoOwner);  // nobody's pages are not a session's
  CHECK(chip.ReadProtected(200 * kPage, kPage) == Noise(kPage, 6));
  chip.memory.ClearProtected();
  CHECK(chip.ReadProtected(0, ChipMemory::kProtectedBytes) == Zeros(ChipMemory::kProtectedBytes));
  CHECK(chip.OwnerAt(kPage) == kNoOwner);
}

TEST_CASE("what is zeroed reads as zeros at once, and is wiped a bounded piece at a time") {
  ChipMemory chip;
  constexpr uint64_t kPages = 1000;
  const auto noise = Noise(kPages * kPage, 5);
  chip.PutProtected(0, noise, 7);
  chip.PutProtected(kPages * kPage, Noise(kPage, 6), 8);
  const uint64_t work = chip.memory.work();
  chip.memory.ReleaseOwner(7);
  CHECK(chip.memory.work() - work ==
        ChipMemory::kProtectedBytes / kPage + kPages * Memory::kPieceWork);
  CHECK(chip.ReadProtected(0, kPages * kPage) == Zeros(kPages * kPage));
  const uint64_t hash = HashOf(chip.memory);
  // Written before its wiping: zeros around, and a later wiping leaves it alone.
  chip.PutProtected(999 * kPage + 100, Noise(10, 7), kNoOwner);
  std::vector<uint8_t> expected = Zeros(kPage);
  const auto written = Noise(10, 7);
  std::copy(written.begin(), written.end(), expected.begin() + 100);
  CHECK(chip.ReadProtected(999 * kPage, kPage) == expected);
  uint64_t slices = 1;
  while (chip.memory.Scrub()) ++slices;
  CHECK(slices == (kPages - 1 + Memory::kScrubPages - 1) / Memory::kScrubPages);
  CHECK_FALSE(chip.memory.HasStale());
  CHECK(chip.ReadProtected(999 * kPage, kPage) == expected);
  CHECK(chip.ReadProtected(0, 999 * kPage) == Zeros(999 * kPage));
  CHECK(chip.ReadProtected(kPages * kPage, kPage) == Noise(kPage, 6));
  CHECK(chip.OwnerAt(kPages * kPage) == 8);
  // Zeros where there are zeros leave nothing to wipe; the state did not change by the wiping.
  chip.memory.TakeOwnership(chip.ProtectedRange(999 * kPage, kPage), 9);
  chip.memory.ReleaseOwner(9);
  CHECK(HashOf(chip.memory) == hash);
}

TEST_CASE("a page that is stale while a state is loaded, or all is cleared, is as any other") {
  ChipMemory chip;
  chip.PutProtected(0, Noise(300 * kPage, 5), 7);
  const Memory::State state = chip.memory.Save();
  const uint64_t hash = HashOf(chip.memory);
  chip.memory.ReleaseOwner(7);
  REQUIRE(chip.memory.HasStale());
  chip.memory.Load(state);
  CHECK_FALSE(chip.memory.HasStale());
  CHECK(HashOf(chip.memory) == hash);
  CHECK(chip.ReadProtected(0, 300 * kPage) == Noise(300 * kPage, 5));
  chip.memory.ReleaseOwner(7);
  chip.memory.ClearProtected();
  CHECK_FALSE(chip.memory.HasStale());
}

TEST_CASE(
    "a state that is loaded gives back content, owners and hash, and holds touched pages only") {
  ChipMemory chip;
  chip.PutProtected(3 * kPage, Noise(10, 7), 9);
  chip.PutProtected(40 * kPage - 1, Noise(2, 8), kNoOwner);
  const uint64_t hash = HashOf(chip.memory);
  const Memory::State state = chip.memory.Save();
  CHECK(state.pages.size() == 3);

  chip.PutProtected(3 * kPage, Noise(kPage, 9), 10);
  chip.PutProtected(100 * kPage, Noise(kPage, 10), 11);
  CHECK(HashOf(chip.memory) != hash);
  chip.memory.Load(state);
  CHECK(HashOf(chip.memory) == hash);
  CHECK(chip.OwnerAt(3 * kPage) == 9);
  CHECK(chip.OwnerAt(100 * kPage) == kNoOwner);
  CHECK(chip.ReadProtected(3 * kPage, 10) == Noise(10, 7));
  CHECK(chip.ReadProtected(3 * kPage + 10, kPage - 10) == Zeros(kPage - 10));
  CHECK(chip.ReadProtected(100 * kPage, kPage) == Zeros(kPage));
}

TEST_CASE("the hash sees one byte and one owner") {
  ChipMemory chip;
  chip.PutProtected(0, {1, 2, 3}, 9);
  const uint64_t hash = HashOf(chip.memory);
  chip.PutProtected(1, {7}, 9);
  const uint64_t other_byte = HashOf(chip.memory);
  CHECK(other_byte != hash);
  chip.PutProtected(0, {1, 2, 3}, 9);
  CHECK(HashOf(chip.memory) == hash);
  chip.memory.TakeOwnership(chip.ProtectedRange(50 * kPage, 1), 9);
  CHECK(HashOf(chip.memory) != hash);
}

TEST_CASE("a state that is wiped or overwritten holds no pixels any more") {
  ChipMemory chip;
  chip.PutProtected(0, Noise(kPage, 11), 9);
  Memory::State state = chip.memory.Save();
  REQUIRE(state.pages.size() == 1);
  state.Wipe();
  CHECK(state.pages[0].bytes == Zeros(kPage));
  Memory::State other = chip.memory.Save();
  state = std::move(other);
  CHECK(state.pages[0].bytes == Noise(kPage, 11));
}

TEST_CASE("P4_ protected memory stays out of core dumps, also after its pages were given back") {
  const uint64_t before = BytesOutsideCoreDumps();
  ChipMemory chip;
  CHECK(BytesOutsideCoreDumps() - before == ChipMemory::kProtectedBytes);
  chip.PutProtected(0, Noise(100 * kPage, 12), 7);
  CHECK(BytesOutsideCoreDumps() - before == ChipMemory::kProtectedBytes);
  chip.memory.ReleaseOwner(7);
  CHECK(BytesOutsideCoreDumps() - before == ChipMemory::kProtectedBytes);
  chip.memory.ClearProtected();
  CHECK(BytesOutsideCoreDumps() - before == ChipMemory::kProtectedBytes);
}

}  // namespace
}  // namespace ward::device
