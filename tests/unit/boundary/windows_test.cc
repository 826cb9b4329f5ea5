// Who listens at the boundary, and whether the chip may use memory that its host shows.
#include <cstdint>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/boundary/observed_chip.h"

namespace ward::test {
namespace {

using emulator::BoundaryEvent;
using emulator::BoundaryEventKind;
using emulator::BoundaryListener;

class Listener final : public BoundaryListener {
 public:
  explicit Listener(bool needs_accesses) : needs_accesses_(needs_accesses) {}
  void OnEvent(const BoundaryEvent& event) override {
    if (event.kind == BoundaryEventKind::kVramRead) ++vram_reads;
  }
  bool NeedsAccesses() const override { return needs_accesses_; }
  uint64_t vram_reads = 0;

 private:
  bool needs_accesses_;
};

// Reads of visible VRAM that its host saw.
size_t ReadsOfCopy(const emulator::ObserverOptions& options, BoundaryListener* listener) {
  ObservedChip observed(options, fakes::GpuRig::Options(), listener);
  observed.ports.bus.shows_windows = observed.ports.vram.shows_windows = true;
  observed.ports.vram.Store<uint32_t>(0x1000, 0x51525354);
  observed.StartQueue();
  auto copy = fakes::MakeCommand<abi::CopyCommand>();
  copy.source = abi::kPhysicalLocal | 0x1000;
  copy.destination = ObservedChip::kData;
  copy.row_bytes = 4096;
  copy.row_count = 1;
  observed.Push(copy);
  observed.PushFence(1);
  observed.Run();
  CHECK(observed.ports.bus.Load<uint64_t>(ObservedChip::kFence) == 1);
  CHECK(observed.ports.bus.Load<uint32_t>(ObservedChip::kData) == 0x51525354);
  return observed.ports.vram.read_count();
}

TEST_CASE("memory that the host shows is used while nobody needs each access") {
  CHECK(ReadsOfCopy({}, nullptr) == 0);
}

TEST_CASE("a report and counts do without the accesses") {
  emulator::ObserverOptions options;
  options.with_report = options.with_counts = true;
  CHECK(ReadsOfCopy(options, nullptr) == 0);
  Listener content(false);
  CHECK(ReadsOfCopy(options, &content) == 0);
  CHECK(content.vram_reads == 0);
}

TEST_CASE("a listener that needs each access hears it, whoever else listens") {
  emulator::ObserverOptions options;
  for (const bool with_report : {false, true}) {
    options.with_report = with_report;
    Listener recorder(true);
    const size_t reads = ReadsOfCopy(options, &recorder);
    CHECK(reads > 0);
    CHECK(recorder.vram_reads == reads);
  }
}

}  // namespace
}  // namespace ward::test
