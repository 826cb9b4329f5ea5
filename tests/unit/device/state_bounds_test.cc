// F10: what a saved state may say of displays and of turns. Each alteration by itself is refused;
// without the check it would be looked up, waited for or counted with.
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/display.h"
#include "device/queue_execution.h"
#include "device/queue_scheduler.h"
#include "device/state_archive.h"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

// Output 0 is on, shows one surface, waits for a vblank with another, and has a cursor.
struct BusyDisplay : ChipMemory {
  BusyDisplay() : grants(4), display(&memory, &grants, &ports.clock) {
    display.WriteRegister(0, 0, 1);  // OUTPUT_CONTROL.ENABLE
    abi::FlipCommand flip = {};
    flip.address = Visible(0);
    flip.pitch = 2560;
    flip.width = 640;
    flip.height = 360;
    REQUIRE(display.Flip(flip, Kernel()).ok());
    flip.address = Visible(1 << 20);
    flip.flags = abi::FlipCommand::kFlagAtVblank;
    REQUIRE(display.Flip(flip, Kernel()).ok());
    abi::CursorCommand cursor = {};
    cursor.flags = abi::CursorCommand::kFlagVisible;
    cursor.address = Visible(2 << 20);
    REQUIRE(display.SetCursor(cursor, Kernel()).ok());
  }

  GrantTable grants;
  Display display;
};

// A part with a field of its saved form replaced.
template <typename T, typename Part>
Part Altered(const Part& part, size_t offset, T value) {
  StateWriter writer;
  WalkState(writer, part);
  std::vector<uint8_t> bytes = writer.bytes();
  StoreLe<T>(bytes.data() + offset, value);
  StateReader reader(bytes);
  Part altered;
  WalkState(reader, altered);
  REQUIRE(reader.AtEnd());
  return altered;
}

TEST_CASE("F10_a saved display is one that this chip could be in") {
  BusyDisplay chip;
  const Display::State good = chip.display.Save();
  REQUIRE(chip.display.CanLoad(good));
  constexpr size_t kImage = 1, kHotSpotX = 9, kHotSpotY = 13;  // of a saved cursor
  using Output = Display::Output;
  const std::vector<std::pair<std::string, std::function<void(Output*)>>> alterations = {
      {"a mode that there is not", [](Output* o) { o->mode = kModeCount; }},
      {"a size that no display has", [](Output* o) { o->size = {8192, 8192}; }},
      {"a display that is too small", [](Output* o) { o->display.width = 1; }},
      {"a pitch below a row", [](Output* o) { o->surface.pitch = 4; }},
      {"a crooked pitch", [](Output* o) { o->surface.pitch = 2561; }},
      {"a surface out of memory", [](Output* o) { o->surface.local_address = ~uint64_t{0}; }},
      {"a next surface out of memory",
       [](Output* o) { o->next_surface.local_address = uint64_t{1} << 40; }},
      {"a flip for a vblank that was", [](Output* o) { o->flip_vblank = 0; }},
      {"a flip for a vblank that never comes", [](Output* o) { o->flip_vblank = ~uint64_t{0}; }},
      {"vblanks told that never were", [](Output* o) { o->told_vblank = ~uint64_t{0}; }},
      {"a clock that runs while the output is off", [](Output* o) { o->enabled = false; }},
      {"a clock that stands while it is on", [](Output* o) { o->vblank = VblankClock(); }},
      {"a clock that starts too late for its times to fit",
       [](Output* o) { o->vblank = Altered<uint64_t>(o->vblank, 1, (uint64_t{1} << 62) + 1); }},
      {"a hot spot beside the cursor",
       [](Output* o) { o->cursor = Altered<uint32_t>(o->cursor, kHotSpotX, 64); }},
      {"a hot spot below the cursor",
       [](Output* o) { o->cursor = Altered<uint32_t>(o->cursor, kHotSpotY, 0xffffffff); }},
      {"a cursor of protected memory",
       [](Output* o) {
         o->cursor = Altered<uint64_t>(o->cursor, kImage, abi::kProtectedVramLocalBase);
       }},
  };
  for (const auto& [name, alter] : alterations) {
    fakes::BeginFaultTry();
    INFO(name);
    Display::State state = good;
    alter(&state.outputs[0]);
    CHECK_FALSE(chip.display.CanLoad(state));
  }
}

// A chip that took it would raise sources that there are not, and save what it then refuses.
TEST_CASE("F10_a saved display has causes of displays to tell, and no others") {
  BusyDisplay chip;
  Display::State state = chip.display.Save();
  for (const uint32_t source : {0, 16, 18, 24, 30, 31}) {
    INFO(source);
    state.causes = 1u << source;
    CHECK_FALSE(chip.display.CanLoad(state));
  }
  state.causes = abi::kInterruptCauseHotplugMask;
  CHECK(chip.display.CanLoad(state));
}

TEST_CASE("F10_saved indirect buffers are nested as they may be, and have a command left") {
  QueueExecution execution;
  CHECK(execution.CanResumeIndirect());
  execution.EnterIndirect({0x1000, 64, 16, 0});
  execution.EnterIndirect({0x2000, 32, 16, 0});
  const QueueExecution good = execution;
  REQUIRE(good.CanResumeIndirect());
  for (const uint32_t depth : {abi::kMaximumIndirectDepth + 1, 0x10000000u, 0xffffffffu}) {
    execution.indirect_depth = depth;
    CHECK_FALSE(execution.CanResumeIndirect());
  }
  execution = good;
  execution.indirect[0].bytes = abi::kMaximumIndirectBytes + 16;
  CHECK_FALSE(execution.CanResumeIndirect());
  execution = good;
  execution.indirect[0].next = 80;
  CHECK_FALSE(execution.CanResumeIndirect());
  execution = good;
  execution.indirect[1].next = 32;
  CHECK_FALSE(execution.CanResumeIndirect());
  execution.phase = QueueExecution::Phase::kJob;
  CHECK(execution.CanResumeIndirect());
}

TEST_CASE("F10_saved turns are those of queues that exist, with debts that can be") {
  const QueueScheduler::State good;
  REQUIRE(QueueScheduler::CanLoad(good));
  QueueScheduler::State state = good;
  state.next[1] = QueueScheduler::kQueueCount;
  CHECK_FALSE(QueueScheduler::CanLoad(state));
  for (const int64_t budget : {int64_t{1} << 20, INT64_MAX, INT64_MIN}) {
    state = good;
    state.budget[3] = budget;
    CHECK_FALSE(QueueScheduler::CanLoad(state));
  }
}

}  // namespace
}  // namespace ward::device
