// The driver on a function whose VRAM can't be mapped, as over a network: it writes page tables in
// blocks, and moves to system memory what the CPU wants to see.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "kmd/display.h"
#include "tests/unit/kmd/chip_machine.h"
#include "tests/unit/kmd/fake_function.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 480;
constexpr uint32_t kPitch = 4 * kWidth;

std::vector<uint8_t> Pattern(size_t size, uint32_t seed) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

struct Rig {
  explicit Rig(bool maps_vram = false) : machine(ChipMachine::Options(), maps_vram) {}

  ConstByteSpan vram() {
    return {machine.host->MapBar(2), static_cast<size_t>(machine.host->BarSize(2))};
  }
  uint64_t moved_out() { return machine.adapter->Memory().moved_out; }
  uint64_t moved_in() { return machine.adapter->Memory().moved_in; }

  ChipMachine machine;
  Client client{&machine};
};

TEST_CASE("without a map, an allocation in visible VRAM begins as zeros") {
  Rig rig;
  uint8_t* vram = rig.machine.host->MapBar(2);
  std::fill_n(vram + (4 << 20), 8 << 20, uint8_t{0xee});  // beyond the page tables of now
  for (const uint64_t size : {100ull, 4096ull, (3ull << 20) + 5, 5ull << 20}) {
    const AllocationHandle made = rig.client.Allocate(Segment::kVisible, size);
    CHECK(rig.client.Read(made) == std::vector<uint8_t>(size));
  }
}

TEST_CASE("a lock moves an allocation to where the CPU sees it, and a submission brings it back") {
  Rig rig;
  constexpr uint32_t kSize = (2 << 20) + 3 * 4096 + 100;  // a large page and small ones
  const AllocationHandle surface = rig.client.Allocate(Segment::kVisible, kSize);
  const AllocationHandle other = rig.client.Allocate(Segment::kVisible, kSize);
  const std::vector<uint8_t> content = Pattern(kSize, 1);
  rig.client.Write(surface, content);
  CHECK(rig.moved_out() == 1);
  CHECK(rig.moved_in() == 0);
  CommandBuffer copy;
  copy.AddCopy(other, surface, kSize);
  REQUIRE(rig.client.Run(copy) == abi::kStatusOk);
  CHECK(rig.moved_in() == 1);
  CHECK(rig.client.Read(other) == content);
  CHECK(rig.client.Read(surface) == content);
  // It lies where it was read from: nothing more moves.
  CHECK(rig.client.Read(surface) == content);
  CHECK(rig.moved_out() == 3);
}

TEST_CASE("what is locked is used where the CPU sees it") {
  Rig rig;
  const AllocationHandle surface = rig.client.Allocate(Segment::kVisible, 8192);
  auto first = rig.client.adapter->Lock(rig.client.device, surface);
  REQUIRE(first.ok());
  auto second = rig.client.adapter->Lock(rig.client.device, surface);
  REQUIRE(second.ok());
  CHECK(first.value().data() == second.value().data());
  CommandBuffer fill;
  fill.AddFill(surface, 4096, 4096, 0x5c5c5c5c);
  REQUIRE(rig.client.Run(fill) == abi::kStatusOk);
  CHECK(first.value()[4095] == 0);
  CHECK(first.value()[4096] == 0x5c);
  REQUIRE(rig.client.adapter->Unlock(rig.client.device, surface).ok());
  REQUIRE(rig.client.adapter->Unlock(rig.client.device, surface).ok());
  CHECK(rig.moved_in() == 0);
}

TEST_CASE("what was made resident may be locked all the same") {
  Rig rig;
  const AllocationHandle surface = rig.client.Allocate(Segment::kVisible, 4096);
  REQUIRE(rig.client.adapter->MakeResident(rig.client.device, {&surface, 1}).ok());
  rig.client.Write(surface, Pattern(4096, 3));
  CHECK(rig.client.Read(surface) == Pattern(4096, 3));
  REQUIRE(rig.client.adapter->Evict(rig.client.device, {&surface, 1}).ok());
}

TEST_CASE("no system memory for a lock is the lock's fault, and changes nothing") {
  Rig rig;
  const AllocationHandle surface = rig.client.Allocate(Segment::kVisible, 1 << 20);
  CommandBuffer fill;
  fill.AddFill(surface, 0, 1 << 20, 0x21212121);
  REQUIRE(rig.client.Run(fill) == abi::kStatusOk);
  rig.machine.function->limit_bytes = rig.machine.function->used_bytes();
  const auto refused = rig.client.adapter->Lock(rig.client.device, surface);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.fault().status == abi::kStatusOutOfMemory);
  CHECK_FALSE(rig.client.adapter->Unlock(rig.client.device, surface).ok());
  rig.machine.function->limit_bytes = ~uint64_t{0};
  CHECK(rig.client.Read(surface) == std::vector<uint8_t>(1 << 20, 0x21));
}

TEST_CASE("what is shared and is no surface lies where the CPU reaches it") {
  Rig rig;
  abi::AllocationData data = Client::Plain(Segment::kVisible, 4096);
  data.sharing = 1;
  const AllocationHandle shared = rig.client.Allocate(data);
  rig.client.Write(shared, Pattern(4096, 4));
  const AllocationHandle back = rig.client.Allocate(Segment::kSystem, 4096);
  CommandBuffer commands;
  commands.AddCopy(back, shared, 4096);
  REQUIRE(rig.client.Run(commands) == abi::kStatusOk);
  CHECK(rig.client.Read(back) == Pattern(4096, 4));
  CHECK(rig.client.Read(shared) == Pattern(4096, 4));
  CHECK(rig.moved_out() == 0);
}

TEST_CASE("a shared surface does not move, so it can't be locked; the device uses it as ever") {
  Rig rig;
  abi::AllocationData data = Client::Plain(Segment::kVisible, 4096);
  data.width = 16;
  data.height = 64;
  data.pitch = 64;
  data.sharing = 1;
  const AllocationHandle shared = rig.client.Allocate(data);
  const AllocationHandle back = rig.client.Allocate(Segment::kSystem, 4096);
  const auto locked = rig.client.adapter->Lock(rig.client.device, shared);
  REQUIRE_FALSE(locked.ok());
  CHECK(locked.fault().status == abi::kStatusLockRefused);
  CommandBuffer commands;
  commands.AddFill(shared, 0, 4096, 0x07070707);
  commands.AddCopy(back, shared, 4096);
  REQUIRE(rig.client.Run(commands) == abi::kStatusOk);
  CHECK(rig.client.Read(back) == std::vector<uint8_t>(4096, 7));
}

TEST_CASE("what an output shows can't be locked until it shows something else") {
  Rig rig;
  const abi::AllocationData data = {0x10000, 1, kPitch * kHeight, kWidth, kHeight, kPitch, 0,
                                    0,       {}};
  const AllocationHandle first = rig.client.Allocate(data);
  const AllocationHandle second = rig.client.Allocate(data);
  rig.client.Write(first, std::vector<uint8_t>(kPitch * kHeight, 0x31));
  REQUIRE(rig.client.adapter->SetMode(0, kWidth, kHeight).ok());
  const auto present = [&](AllocationHandle surface) {
    return rig.client.adapter
        ->Present(rig.client.device, rig.client.context, surface, kWidth, kHeight, kPitch, {true})
        .ok();
  };
  REQUIRE(present(first));
  std::vector<uint8_t> seen(kPitch * kHeight);
  REQUIRE(rig.machine.host->gpu().ReadScanout(0, device::ScanoutView::kCapture, seen, kPitch));
  CHECK(seen[kPitch * kHeight / 2] == 0x31);
  const auto locked = rig.client.adapter->Lock(rig.client.device, first);
  REQUIRE_FALSE(locked.ok());
  CHECK(locked.fault().status == abi::kStatusLockRefused);
  REQUIRE(present(second));
  CHECK(rig.client.Read(first)[5] == 0x31);
}

TEST_CASE("a cursor's image arrives in blocks") {
  Rig rig;
  std::vector<uint8_t> pixels = Pattern(Display::kCursorBytes, 9);
  REQUIRE(rig.client.adapter->display().SetCursor(0, pixels, 0, 0).ok());
  const ConstByteSpan vram = rig.vram();
  CHECK(std::search(vram.begin(), vram.end(), pixels.begin(), pixels.end()) != vram.end());
}

// What the device sees of the tables is the same, mapped or not: the tables' bytes after the same
// steps, none of which locks anything.
TEST_CASE("page tables are the same bytes as where VRAM is mapped") {
  const auto run = [](bool maps_vram) {
    Rig rig(maps_vram);
    std::vector<AllocationHandle> made;
    for (const uint64_t size : {100ull, 3ull << 20, 2ull << 20, 70000ull, 2100000ull}) {
      made.push_back(rig.client.Allocate(Segment::kVisible, size));
      made.push_back(rig.client.Allocate(Segment::kProtected, size / 8 + 1));
    }
    for (const size_t freed : {1u, 2u, 6u}) {
      REQUIRE(rig.client.adapter->Free(rig.client.device, made[freed]).ok());
    }
    rig.client.Allocate(Segment::kVisible, 300000);
    const ConstByteSpan vram = rig.vram();
    return std::vector<uint8_t>(vram.begin(), vram.end());
  };
  CHECK(run(false) == run(true));
}

TEST_CASE("small pages are written by tables, not one by one") {
  Rig rig;
  const AllocationHandle first = rig.client.Allocate(Segment::kVisible, 1 << 20);
  int before = rig.machine.function->block_writes;
  const AllocationHandle made = rig.client.Allocate(Segment::kVisible, 1 << 20);
  // A write of zeros, the entries of 256 pages in one table or two, a new table and its entry.
  CHECK(rig.machine.function->block_writes - before <= 6);
  before = rig.machine.function->block_writes;
  REQUIRE(rig.client.adapter->Free(rig.client.device, made).ok());
  CHECK(rig.machine.function->block_writes - before <= 2);
  REQUIRE(rig.client.adapter->Free(rig.client.device, first).ok());
}

TEST_CASE("blocks of a BAR that is mapped go through the map, and stay inside") {
  FakeFunction function;
  const uint64_t word = 0x1122334455667788;
  CHECK(function.BarWriteBlock(2, 64, &word, sizeof(word)) == abi::PciError::kNone);
  CHECK(LoadLe<uint64_t>(function.vram() + 64) == word);
  uint8_t bytes[3] = {};
  CHECK(function.BarReadBlock(2, 65, bytes, 3) == abi::PciError::kNone);
  CHECK(bytes[0] == 0x77);
  CHECK(function.BarWriteBlock(2, FakeFunction::kVramBytes - 3, bytes, 3) == abi::PciError::kNone);
  CHECK(function.BarWriteBlock(2, FakeFunction::kVramBytes - 2, bytes, 3) ==
        abi::PciError::kBadArgument);
  CHECK(function.BarReadBlock(2, ~uint64_t{0}, bytes, 3) == abi::PciError::kBadArgument);
  CHECK(function.BarReadBlock(0, 0, bytes, 3) == abi::PciError::kUnsupported);
}

}  // namespace
}  // namespace ward::kmd
