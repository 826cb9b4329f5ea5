// What one slice does is bounded by its budget, also when a guest chooses the worst operands.
// Counted in accesses to visible VRAM, where the page tables are: no wall time.
#include <algorithm>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kSliceBytes = 16384;
// A slice may exceed its budget by one command's beginning: three operands of 256 MiB, a table for
// each 2 MiB and its directory entry, and room for the commands before it.
constexpr uint64_t kMaximumReads = 3 * 2 * 128 + 3 * 2 + kSliceBytes / 64;

// 1 GiB of context 1: every 2 MiB through one leaf table, whose pages are no neighbours.
void MapScattered(GpuRig* rig) {
  rig->CreateContext(1);
  const uint64_t root = GpuRig::TableRoot(1);
  for (uint64_t i = 0; i < 512; ++i) {
    rig->ports.vram.Store<uint64_t>(root + 0x2000 + i * 8,
                                    (root + 0x3000) | abi::kPteValid | abi::kPteLocal);
    rig->ports.vram.Store<uint64_t>(root + 0x3000 + i * 8, (GpuRig::kData + (i % 2) * 8192) |
                                                               abi::kPteValid | abi::kPteWritable);
  }
  rig->StartQueue(1, 1);
}

uint64_t MostReadsOfSlice(GpuRig* rig, int slices) {
  uint64_t most = 0;
  for (int i = 0; i < slices; ++i) {
    rig->ports.vram.ClearLog();
    const bool more = rig->gpu->Process(kSliceBytes).more;
    most = std::max<uint64_t>(most, rig->ports.vram.read_count());
    if (!more) break;
  }
  return most;
}

abi::CopyCommand LargeCopy() {
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.source = uint64_t{512} << 20;
  copy.row_bytes = 2000;
  copy.row_count = 65000;
  copy.destination_pitch = 4112;
  copy.source_pitch = 4112;
  return copy;
}

TEST_CASE("a slice translates for one large copy, not for many") {
  GpuRig rig;
  MapScattered(&rig);
  for (int i = 0; i < 40; ++i) rig.Push(1, LargeCopy());
  rig.Doorbell(1);
  CHECK(MostReadsOfSlice(&rig, 4) <= kMaximumReads);
  CHECK(rig.FaultStatus(1) == 0);
}

TEST_CASE("refused commands cost what they translated") {
  GpuRig rig;
  MapScattered(&rig);
  // One protected page among the sources, and a destination that is not all protected.
  rig.ports.vram.Store<uint64_t>(
      GpuRig::TableRoot(1) + 0x3000 + 511 * 8,
      abi::kProtectedVramLocalBase | abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
  for (int i = 0; i < 40; ++i) rig.Push(1, LargeCopy());
  rig.Doorbell(1);
  CHECK(MostReadsOfSlice(&rig, 1) <= kMaximumReads);
  CHECK(rig.ReadQueue(1, abi::kRegRefusalCount) == 1);
  rig.Run();
  CHECK(rig.ReadQueue(1, abi::kRegRefusalCount) == 40);
  CHECK(rig.ReadQueue(1, abi::kRegRefusalStatus) == abi::kStatusProtectedReadRefused);
}

TEST_CASE("a video blt costs its sources, however small its destination is") {
  GpuRig rig;
  MapScattered(&rig);
  for (int i = 0; i < 40; ++i) {
    auto blt = MakeCommand<abi::VideoBltCommand>();
    blt.destination_pitch = 4;
    blt.source_width = 2;
    blt.source_height = 4096;
    blt.source_pitch = 65528;
    blt.destination_width = 1;
    blt.destination_height = 1;
    rig.Push(1, blt);
  }
  rig.Doorbell(1);
  CHECK(MostReadsOfSlice(&rig, 4) <= kMaximumReads);
  CHECK(rig.FaultStatus(1) == 0);
}

TEST_CASE("a copy's slice is charged for what it reads and what it writes") {
  GpuRig rig;
  rig.CreateContext(1);
  for (uint64_t i = 0; i < 256; ++i) rig.MapSystem(1, i * 4096, GpuRig::kData + i * 4096);
  rig.StartQueue(1, 1);
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.source = 128 * 4096;
  copy.row_bytes = 64 * 4096;
  copy.row_count = 1;
  for (int i = 0; i < 8; ++i) rig.Push(1, copy);
  rig.Doorbell(1);
  rig.ports.bus.ClearLog();
  rig.gpu->Process(1 << 20);
  uint64_t bytes = 0;
  for (const auto& access : rig.ports.bus.log()) bytes += access.size_bytes;
  CHECK(bytes <= (1 << 20) + 2 * (64 << 10));
  CHECK(bytes >= (1 << 20) / 2);
}

}  // namespace
}  // namespace ward::fakes
