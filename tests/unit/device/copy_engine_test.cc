#include "device/copy_engine.h"

#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

constexpr PageOwner kA = 0x10001;
constexpr PageOwner kB = 0x20002;

abi::CopyCommand Copy(uint64_t destination, uint64_t source, uint32_t row_bytes,
                      uint32_t row_count = 1, uint32_t destination_pitch = 0,
                      uint32_t source_pitch = 0) {
  abi::CopyCommand command = {};
  command.opcode = abi::CopyCommand::kOpcode;
  command.length = abi::CopyCommand::kSizeBytes;
  command.destination = destination;
  command.source = source;
  command.row_bytes = row_bytes;
  command.row_count = row_count;
  command.destination_pitch = destination_pitch;
  command.source_pitch = source_pitch;
  return command;
}

abi::FillCommand Fill(uint64_t destination, uint32_t value, uint32_t row_bytes,
                      uint32_t row_count = 1, uint32_t pitch = 0) {
  abi::FillCommand command = {};
  command.opcode = abi::FillCommand::kOpcode;
  command.length = abi::FillCommand::kSizeBytes;
  command.destination = destination;
  command.value = value;
  command.row_bytes = row_bytes;
  command.row_count = row_count;
  command.destination_pitch = pitch;
  return command;
}

struct Bench : ChipMemory {
  Bench() : engine(&memory) {}

  template <typename Command>
  uint32_t Run(const Command& command, uint64_t budget_bytes = 1 << 20, int* steps = nullptr) {
    auto job = engine.Begin(command, Kernel());
    if (!job.ok()) return job.fault().status;
    const auto done = RunJob(&engine, &job.value(), budget_bytes, steps);
    return done.ok() ? abi::kStatusOk : done.fault().status;
  }
  template <typename Command>
  uint32_t BeginStatus(const Command& command, const AddressSpace& space) {
    const auto job = engine.Begin(command, space);
    return job.ok() ? abi::kStatusOk : job.fault().status;
  }

  CopyEngine engine;
};

TEST_CASE("rows are copied at their pitches and the bytes between them stay") {
  struct {
    uint32_t row_bytes, row_count, destination_pitch, source_pitch;
    uint64_t budget;
  } const cases[] = {
      {1, 1, 0, 0, 1},           {5000, 1, 0, 0, 1},          {200000, 1, 0, 0, 1 << 20},
      {100, 7, 100, 100, 1},     {100, 7, 128, 100, 1},       {3, 1000, 5, 9, 1},
      {7680, 40, 8192, 7680, 1}, {70000, 3, 70001, 90000, 1}, {64, 300, 64, 4096, 10000},
      {1, 5, 10000, 1, 1},
  };
  for (const auto& c : cases) {
    INFO(c.row_bytes << " x " << c.row_count << ", " << c.destination_pitch << ", "
                     << c.source_pitch);
    Bench bench;
    const auto source = Noise(1 << 21, 1);
    auto expected = Noise(1 << 21, 2);
    bench.PutSystem(0, source);
    bench.PutVisible(3, expected);
    for (uint64_t row = 0; row < c.row_count; ++row) {
      for (uint64_t x = 0; x < c.row_bytes; ++x) {
        expected[row * c.destination_pitch + x] = source[100 + row * c.source_pitch + x];
      }
    }
    REQUIRE(bench.Run(Copy(ChipMemory::Visible(3), ChipMemory::System(100), c.row_bytes,
                           c.row_count, c.destination_pitch, c.source_pitch),
                      c.budget) == abi::kStatusOk);
    CHECK(bench.ReadVisible(3, 1 << 21) == expected);
  }
}

TEST_CASE("rows are filled from each row's first byte and the bytes between them stay") {
  struct {
    uint32_t row_bytes, row_count, pitch;
    uint64_t budget;
  } const cases[] = {{1, 1, 0, 1}, {5001, 1, 0, 1},      {200001, 1, 0, 1 << 20}, {7, 9, 7, 1},
                     {7, 9, 8, 1}, {70001, 2, 70001, 1}, {4, 1000, 4, 4096},      {6, 3, 9000, 1}};
  for (const auto& c : cases) {
    INFO(c.row_bytes << " x " << c.row_count << ", " << c.pitch);
    Bench bench;
    const uint8_t pattern[4] = {0x44, 0x33, 0x22, 0x11};
    auto expected = Noise(1 << 18, 2);
    bench.PutVisible(1, expected);
    for (uint64_t row = 0; row < c.row_count; ++row) {
      for (uint64_t x = 0; x < c.row_bytes; ++x) expected[row * c.pitch + x] = pattern[x % 4];
    }
    REQUIRE(bench.Run(Fill(ChipMemory::Visible(1), 0x11223344, c.row_bytes, c.row_count, c.pitch),
                      c.budget) == abi::kStatusOk);
    CHECK(bench.ReadVisible(1, 1 << 18) == expected);
  }
}

TEST_CASE("operands outside their documented ranges are OPERAND_INVALID and nothing moves") {
  Bench bench;
  const uint64_t to = ChipMemory::Visible(0);
  const uint64_t from = ChipMemory::System(0);
  const abi::CopyCommand bad[] = {
      Copy(to, from, 0),
      Copy(to, from, 16, 0),
      Copy(to, from, 16, 2, 15, 16),
      Copy(to, from, 16, 2, 16, 15),
      Copy(to, from, (256u << 20) + 1),
      Copy(to, from, 1u << 16, (1u << 12) + 1, 1u << 16, 1u << 16),
      Copy(to, from, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
      Copy(to, from, 1, 0xffffffff, 0xffffffff, 1),
      Copy(to, from, 1, 2, 256u << 20, 1),  // extent one byte past the maximum
      // Ranges that overlap, at two pitches.
      Copy(from + 16, from, 16, 3, 64, 32),
      Copy(from, from, 16, 2, 16, 17),
      Copy(from + 32, from, 16, 3, 64, 80),  // also when no row does
      Copy(from + 160, from, 16, 3, 64, 80),
  };
  for (const auto& command : bad) {
    CHECK(bench.Run(command) == abi::kStatusOperandInvalid);
  }
  const abi::FillCommand bad_fills[] = {Fill(to, 0, 0), Fill(to, 0, 16, 0), Fill(to, 0, 16, 2, 15),
                                        Fill(to, 0, (256u << 20) + 1),
                                        Fill(to, 0, 1, 0xffffffff, 0xffffffff)};
  for (const auto& command : bad_fills) {
    CHECK(bench.Run(command) == abi::kStatusOperandInvalid);
  }
  CHECK(bench.ports.bus.log().empty());
  // The neighbours of the overlapping ones are fine.
  CHECK(bench.Run(Copy(from + 176, from, 16, 3, 64, 80)) == abi::kStatusOk);
  CHECK(bench.Run(Copy(from, from + 144, 16, 3, 64, 80)) == abi::kStatusOk);
}

// What a copy is to do, on plain bytes: reads all of the source, then writes.
std::vector<uint8_t> Moved(const std::vector<uint8_t>& bytes, uint64_t to, uint64_t from,
                           uint32_t row_bytes, uint32_t row_count, uint32_t pitch) {
  std::vector<uint8_t> moved = bytes;
  for (uint64_t row = 0; row < row_count; ++row) {
    for (uint64_t i = 0; i < row_bytes; ++i) {
      moved[to + row * pitch + i] = bytes[from + row * pitch + i];
    }
  }
  return moved;
}

TEST_CASE("ranges that overlap are moved as if all of the source were read first") {
  constexpr uint64_t kBytes = 20 * kPage;
  const struct {
    uint64_t to, from;
    uint32_t row_bytes, row_count, pitch;
  } cases[] = {
      {1, 0, 3 * kPage, 1, 0},  // a byte up
      {0, 1, 3 * kPage, 1, 0},  // a byte down
      {0, 0, 3 * kPage, 1, 0},  // onto itself
      {7000, 100, 9000, 1, 0},  // a part
      {100, 7000, 9000, 1, 0},
      {15, 0, 16, 1, 0},        // the last byte
      {100, 0, 100, 300, 100},  // rows end to end
      {333, 0, 200, 150, 200},
      {0, 333, 200, 150, 200},
      {32, 0, 16, 300, 64},  // rows between rows
      {0, 32, 16, 300, 64},
      {5 * 512 + 40, 0, 300, 60, 512},  // a rectangle down and to the right
      {0, 5 * 512 + 40, 300, 60, 512},
      {40, 5 * 512, 300, 60, 512},  // down and to the left
      {5 * 512, 40, 300, 60, 512},
      {0, 9000, 9000, 3, 12000},  // rows longer than a step
      {9000, 0, 9000, 3, 12000},
  };
  const std::vector<uint8_t> bytes = Noise(kBytes, 7);
  for (const auto& c : cases) {
    const auto expected = Moved(bytes, c.to, c.from, c.row_bytes, c.row_count, c.pitch);
    for (const uint64_t budget : {uint64_t{0}, uint64_t{5000}, uint64_t{1 << 20}}) {
      INFO(c.from << " to " << c.to << ", " << c.row_count << " rows of " << c.row_bytes
                  << ", budget " << budget);
      Bench bench;
      bench.PutVisible(0, bytes);
      REQUIRE(bench.Run(Copy(ChipMemory::Visible(c.to), ChipMemory::Visible(c.from), c.row_bytes,
                             c.row_count, c.pitch, c.pitch),
                        budget) == abi::kStatusOk);
      CHECK(bench.ReadVisible(0, kBytes) == expected);
    }
  }
}

TEST_CASE(
    "P2_ a session's content moves inside protected memory, and nobody's bytes read as zeros") {
  Bench bench;
  const auto content = Noise(2 * kPage, 1);
  bench.PutProtected(0, content, kA);
  bench.PutProtected(2 * kPage, Noise(kPage, 2), kNoOwner);
  // Three pages one page up: the third is nobody's and becomes the session's before it is read.
  REQUIRE(bench.Run(Copy(ChipMemory::Protected(kPage), ChipMemory::Protected(0), 3 * kPage)) ==
          abi::kStatusOk);
  for (uint64_t page = 0; page < 4; ++page) CHECK(bench.OwnerAt(page * kPage) == kA);
  CHECK(bench.ReadProtected(kPage, 2 * kPage) == content);
  CHECK(bench.ReadProtected(3 * kPage, kPage) == std::vector<uint8_t>(kPage, 0));
  // Two owners are refused as ever.
  bench.PutProtected(8 * kPage, content, kA);
  bench.PutProtected(9 * kPage, Noise(kPage, 3), kB);
  CHECK(bench.Run(Copy(ChipMemory::Protected(8 * kPage + 16), ChipMemory::Protected(8 * kPage),
                       kPage + 16)) == abi::kStatusProtectedOwnerMismatch);
}

TEST_CASE("everything between the first and the last byte has to be mapped before a byte moves") {
  Bench bench;
  ContextTables tables(&bench);
  for (uint64_t page = 0; page < 3; ++page) {
    tables.MapSystem(page, ChipMemory::System(page * kPage));
    tables.MapLocal(16 + page, page * kPage);
  }
  bench.PutSystem(0, Noise(3 * kPage, 1));
  const AddressSpace space = tables.Space(1);
  const auto command = Copy(16 * kPage, 0, 16, 3, kPage, kPage);
  CHECK(bench.BeginStatus(command, space) == abi::kStatusOk);
  tables.Unmap(1);
  CHECK(bench.BeginStatus(command, space) == abi::kStatusPageNotMapped);
  tables.MapSystem(1, ChipMemory::System(kPage));
  tables.MapLocal(17, kPage, /*writable=*/false);
  CHECK(bench.BeginStatus(command, space) == abi::kStatusPageNotWritable);
  CHECK(bench.BeginStatus(Copy(1 << 12, 16 * kPage, 16), space) == abi::kStatusOk);
  CHECK(bench.ReadVisible(0, 3 * kPage) == std::vector<uint8_t>(3 * kPage, 0));
}

TEST_CASE("pages scattered over all apertures are copied in the order of the mapping") {
  Bench bench;
  ContextTables tables(&bench);
  const auto noise = Noise(3 * kPage, 4);
  tables.MapLocal(0, 5 * kPage);
  tables.MapSystem(1, ChipMemory::System(9 * kPage));
  tables.MapLocal(2, 2 * kPage);
  bench.PutVisible(5 * kPage, {noise.begin(), noise.begin() + kPage});
  bench.PutSystem(9 * kPage, {noise.begin() + kPage, noise.begin() + 2 * kPage});
  bench.PutVisible(2 * kPage, {noise.begin() + 2 * kPage, noise.end()});
  const uint64_t targets[] = {11, 3, 7, 5};
  for (uint64_t i = 0; i < 4; ++i) {
    tables.MapLocal(8 + i, abi::kProtectedVramLocalBase + targets[i] * kPage);
  }
  auto job = bench.engine.Begin(Copy(8 * kPage + 10, 0, 3 * kPage), tables.Space(1));
  REQUIRE(job.ok());
  REQUIRE(RunJob(&bench.engine, &job.value(), 5000).ok());
  std::vector<uint8_t> found;
  for (const uint64_t target : targets) {
    const auto page = bench.ReadProtected(target * kPage, kPage);
    found.insert(found.end(), page.begin(), page.end());
  }
  CHECK(std::vector<uint8_t>(found.begin() + 10, found.begin() + 10 + 3 * kPage) == noise);
}

TEST_CASE("a step moves what its budget allows, and no more than its budget and one slice") {
  Bench bench;
  int steps = 0;
  REQUIRE(bench.Run(Copy(ChipMemory::Visible(0), ChipMemory::System(0), 1 << 20), 100000, &steps) ==
          abi::kStatusOk);
  CHECK(steps == 11);
  REQUIRE(bench.Run(Copy(ChipMemory::Visible(0), ChipMemory::System(0), 1 << 20), 0, &steps) ==
          abi::kStatusOk);
  CHECK(steps == 256);  // 4096 bytes at least
  REQUIRE(bench.Run(Copy(ChipMemory::Visible(0), ChipMemory::System(0), 1, 1600, 2, 2), 6400,
                    &steps) == abi::kStatusOk);
  CHECK(steps == 64);  // a short row costs 256
  for (const auto& access : bench.ports.bus.log()) REQUIRE(access.size_bytes <= 64 << 10);
}

TEST_CASE("P2_ protected memory is copied to protected memory only, also on the kernel's queue") {
  Bench bench;
  bench.PutProtected(0, Noise(kPage, 1), kA);
  bench.PutProtected(kPage, Noise(kPage, 2), kNoOwner);
  for (const uint64_t source : {ChipMemory::Protected(0), ChipMemory::Protected(kPage)}) {
    CHECK(bench.Run(Copy(ChipMemory::Visible(0), source, 16)) == abi::kStatusProtectedReadRefused);
    CHECK(bench.Run(Copy(ChipMemory::System(0), source, 16)) == abi::kStatusProtectedReadRefused);
  }
  CHECK(bench.ports.bus.log().empty());
  CHECK(bench.ReadVisible(0, 16) == std::vector<uint8_t>(16, 0));
  CHECK(bench.Run(Copy(ChipMemory::Protected(2 * kPage), ChipMemory::Protected(0), kPage)) ==
        abi::kStatusOk);
  CHECK(bench.ReadProtected(2 * kPage, kPage) == Noise(kPage, 1));
  CHECK(bench.OwnerAt(2 * kPage) == kA);
}

TEST_CASE("P8_ content of two sessions is not copied in one command") {
  Bench bench;
  bench.PutProtected(0, Noise(kPage, 1), kA);
  bench.PutProtected(kPage, Noise(kPage, 2), kB);
  CHECK(bench.Run(Copy(ChipMemory::Protected(8 * kPage), ChipMemory::Protected(kPage - 8), 16)) ==
        abi::kStatusProtectedOwnerMismatch);
  CHECK(bench.OwnerAt(8 * kPage) == kNoOwner);
}

TEST_CASE(
    "a copy hands its owner on to every page, the part of a page that nobody owned included") {
  Bench bench;
  bench.PutProtected(0, Noise(kPage, 1), kNoOwner);
  bench.PutProtected(kPage, Noise(kPage, 2), kA);
  bench.PutProtected(8 * kPage, Noise(3 * kPage, 3), kB);
  // Unaligned, in small steps: bytes of nobody and of A share a page of the destination.
  REQUIRE(
      bench.Run(Copy(ChipMemory::Protected(8 * kPage + 100), ChipMemory::Protected(0), 2 * kPage),
                4096) == abi::kStatusOk);
  auto expected = std::vector<uint8_t>(100, 0);  // B's are gone
  const auto nobodys = Noise(kPage, 1);
  const auto of_a = Noise(kPage, 2);
  expected.insert(expected.end(), nobodys.begin(), nobodys.end());
  expected.insert(expected.end(), of_a.begin(), of_a.end());
  expected.resize(3 * kPage, 0);
  CHECK(bench.ReadProtected(8 * kPage, 3 * kPage) == expected);
  for (uint64_t page = 8; page < 11; ++page) CHECK(bench.OwnerAt(page * kPage) == kA);
}

TEST_CASE("data without an owner and fills leave a page's owner and its other bytes") {
  Bench bench;
  bench.PutProtected(0, Noise(kPage, 1), kA);
  bench.PutSystem(0, Noise(16, 2));
  REQUIRE(bench.Run(Copy(ChipMemory::Protected(32), ChipMemory::System(0), 16)) == abi::kStatusOk);
  REQUIRE(bench.Run(Fill(ChipMemory::Protected(64), 0x01010101, 16)) == abi::kStatusOk);
  CHECK(bench.OwnerAt(0) == kA);
  auto expected = Noise(kPage, 1);
  const auto copied = Noise(16, 2);
  std::copy(copied.begin(), copied.end(), expected.begin() + 32);
  std::fill(expected.begin() + 64, expected.begin() + 80, uint8_t{1});
  CHECK(bench.ReadProtected(0, kPage) == expected);
}

TEST_CASE("a fill by the kernel makes nobody's what it covers whole, a user's fill does not") {
  Bench bench;
  bench.PutProtected(0, Noise(4 * kPage, 1), kA);
  // From the middle of page 0 to the middle of page 3.
  REQUIRE(bench.Run(Fill(ChipMemory::Protected(kPage / 2), 0x01010101, 3 * kPage)) ==
          abi::kStatusOk);
  CHECK(bench.OwnerAt(0) == kA);
  CHECK(bench.OwnerAt(kPage) == kNoOwner);
  CHECK(bench.OwnerAt(2 * kPage) == kNoOwner);
  CHECK(bench.OwnerAt(3 * kPage) == kA);
  CHECK(bench.ReadProtected(kPage, kPage) == std::vector<uint8_t>(kPage, 1));
  CHECK(bench.ReadProtected(0, 16) != std::vector<uint8_t>(16, 0));

  bench.PutProtected(8 * kPage, Noise(kPage, 2), kA);
  ContextTables tables(&bench);
  tables.MapLocal(0, abi::kProtectedVramLocalBase + 8 * kPage);
  auto job = bench.engine.Begin(Fill(0, 0, kPage), tables.Space(1));
  REQUIRE(job.ok());
  REQUIRE(RunJob(&bench.engine, &job.value(), 1 << 20).ok());
  CHECK(bench.OwnerAt(8 * kPage) == kA);
}

TEST_CASE("rows of a kernel's fill release the pages that a row covers whole") {
  Bench bench;
  bench.PutProtected(0, Noise(6 * kPage, 1), kA);
  REQUIRE(bench.Run(Fill(ChipMemory::Protected(0), 0, kPage, 3, 2 * kPage)) == abi::kStatusOk);
  for (uint64_t page = 0; page < 6; ++page) {
    CHECK(bench.OwnerAt(page * kPage) == (page % 2 == 0 ? kNoOwner : kA));
  }
}

TEST_CASE("zeros for pages that hold none take no memory") {
  Bench bench;
  const size_t before = bench.memory.Save().pages.size();
  REQUIRE(bench.Run(Fill(ChipMemory::Protected(0), 0, 1 << 20)) == abi::kStatusOk);
  CHECK(bench.memory.Save().pages.size() == before);
  REQUIRE(bench.Run(Fill(ChipMemory::Protected(16), 0x01000000, 4)) == abi::kStatusOk);
  CHECK(bench.memory.Save().pages.size() == before + 1);
  REQUIRE(bench.Run(Fill(ChipMemory::Protected(0), 0, kPage)) == abi::kStatusOk);
  CHECK(bench.memory.Save().pages.size() == before);
}

TEST_CASE("with pitches past a page only pages that rows touch are looked at and change hands") {
  Bench bench;
  bench.PutProtected(0, Noise(16, 1), kA);
  bench.PutProtected(kPage, Noise(16, 1), kB);  // in the gap of the source
  bench.PutProtected(2 * kPage, Noise(16, 2), kA);
  bench.PutProtected(8 * kPage, Noise(9 * kPage, 3), kB);
  REQUIRE(bench.Run(Copy(ChipMemory::Protected(8 * kPage), ChipMemory::Protected(0), 16, 2,
                         4 * kPage, 2 * kPage)) == abi::kStatusOk);
  CHECK(bench.OwnerAt(8 * kPage) == kA);
  CHECK(bench.OwnerAt(12 * kPage) == kA);
  for (const uint64_t page : {9, 10, 11, 13}) CHECK(bench.OwnerAt(page * kPage) == kB);
  CHECK(bench.ReadProtected(12 * kPage, 16) == Noise(16, 2));
  CHECK(bench.ReadProtected(12 * kPage + 16, 16) == std::vector<uint8_t>(16, 0));
}

TEST_CASE(
    "P8_ between two steps the source's session ends: zeros are copied and nobody owns them") {
  Bench bench;
  bench.PutProtected(0, Noise(4 * kPage, 1), kA);
  auto job = bench.engine.Begin(
      Copy(ChipMemory::Protected(8 * kPage), ChipMemory::Protected(0), 4 * kPage), bench.Kernel());
  REQUIRE(job.ok());
  REQUIRE(bench.engine.Step(&job.value(), 4096).ok());
  bench.memory.ReleaseOwner(kA);
  REQUIRE(RunJob(&bench.engine, &job.value(), 4096).ok());
  CHECK(bench.ReadProtected(8 * kPage, 4 * kPage) == std::vector<uint8_t>(4 * kPage, 0));
  for (uint64_t page = 8; page < 12; ++page) CHECK(bench.OwnerAt(page * kPage) == kNoOwner);
}

TEST_CASE("P8_ between two steps the source becomes another session's: the copy stops") {
  Bench bench;
  bench.PutProtected(0, Noise(4 * kPage, 1), kA);
  auto job = bench.engine.Begin(
      Copy(ChipMemory::Protected(8 * kPage), ChipMemory::Protected(0), 4 * kPage), bench.Kernel());
  REQUIRE(job.ok());
  REQUIRE(bench.engine.Step(&job.value(), 4096).ok());
  bench.PutProtected(kPage, Noise(kPage, 2), kB);
  const auto done = RunJob(&bench.engine, &job.value(), 4096);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusProtectedOwnerMismatch);
  CHECK(bench.ReadProtected(9 * kPage, kPage) == std::vector<uint8_t>(kPage, 0));
}

TEST_CASE("P2_ between begin and first step the source becomes a session's: nothing leaves") {
  Bench bench;
  bench.PutProtected(0, Noise(kPage, 1), kNoOwner);
  auto job = bench.engine.Begin(
      Copy(ChipMemory::Protected(8 * kPage), ChipMemory::Protected(0), 16), bench.Kernel());
  REQUIRE(job.ok());
  bench.PutProtected(0, Noise(kPage, 2), kB);
  const auto done = RunJob(&bench.engine, &job.value(), 4096);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusProtectedOwnerMismatch);
  CHECK(bench.ReadProtected(8 * kPage, 16) == std::vector<uint8_t>(16, 0));
}

TEST_CASE("a bus that goes away in the middle is a BUS_ERROR with its address") {
  Bench bench;
  auto job = bench.engine.Begin(Copy(ChipMemory::Visible(0), ChipMemory::System(0), 3 * kPage),
                                bench.Kernel());
  REQUIRE(job.ok());
  REQUIRE(bench.engine.Step(&job.value(), kPage).ok());
  bench.ports.bus.Unmap(ChipMemory::kBusBase);
  const auto done = RunJob(&bench.engine, &job.value(), kPage);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusBusError);
  CHECK(done.fault().address == ChipMemory::System(kPage));
}

}  // namespace
}  // namespace ward::device
