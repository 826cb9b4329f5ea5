// Vblanks as a driver meets them: counts, causes, flips that wait for one, queues that do.
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/output_rig.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kFrame = 16666667;  // 1/60 s, rounded up
constexpr uint32_t kRed = 0x00ff0000;
constexpr uint32_t kBlue = 0x000000ff;
constexpr uint64_t kFirst = 0;
constexpr uint64_t kSecond = 0x100000;
constexpr uint16_t kAtVblank = abi::FlipCommand::kFlagAtVblank;
constexpr uint16_t kForFlip = abi::WaitVblankCommand::kFlagFlip;
constexpr uint32_t kVblank0 = abi::kInterruptCauseVblank0Mask;
constexpr uint32_t kVblank1 = abi::kInterruptCauseVblank1Mask;

struct VblankRig : OutputRig {
  VblankRig() {
    PaintVisible(kFirst, kRed);
    PaintVisible(kSecond, kBlue);
    Enable(0);
    PushFlip(0, kFirst);
    Ring(0);
    Write(abi::kRegInterruptCause, ~0u);
  }
  uint32_t Causes() { return Read(abi::kRegInterruptCause); }
  uint32_t Count(uint32_t output = 0) { return ReadOutput(output, abi::kRegOutputVblankCount); }
  bool FlipWaits() {
    return (ReadOutput(0, abi::kRegOutputStatus) & abi::kOutputStatusFlipWaitsMask) != 0;
  }
};

TEST_CASE("the vblank count follows virtual time from the switching on, in every mode") {
  VblankRig rig;
  CHECK(rig.ReadOutput(0, abi::kRegOutputRefreshRate) == 60000);
  CHECK(rig.Count() == 0);
  rig.PassTime(kFrame - 1);
  CHECK(rig.Count() == 0);
  rig.PassTime(1);
  CHECK(rig.Count() == 1);
  rig.WriteOutput(0, abi::kRegOutputMode, 5);
  rig.PassTime(1000000000);
  CHECK(rig.Count() == 61);
  CHECK(rig.Count(1) == 0);  // off
  rig.WriteOutput(0, abi::kRegOutputControl, 0);
  rig.PassTime(1000000000);
  CHECK(rig.Count() == 61);
  rig.Enable(0);
  rig.PassTime(kFrame);
  CHECK(rig.Count() == 62);
}

TEST_CASE("nobody is woken for a vblank that nobody waits for") {
  VblankRig rig;
  CHECK(rig.Work().wakeup_ns == 0);
  CHECK(rig.PassTime(3 * kFrame).wakeup_ns == 0);
  CHECK(rig.Causes() == 0);
}

TEST_CASE("a flip at vblank is shown then, and neither before nor without the time") {
  VblankRig rig;
  const uint64_t start = rig.ports.clock.now_ns;
  rig.PassTime(5000000);
  rig.PushFlip(0, kSecond, kAtVblank);
  rig.PushFence(0, 1);
  const device::ProcessResult result = rig.Ring(0);
  CHECK(rig.Fence(0) == 1);  // the queue goes on
  CHECK(result.wakeup_ns == start + kFrame);
  CHECK(rig.FlipWaits());
  CHECK(rig.PixelOf(0) == kRed);
  CHECK(rig.PassTime(kFrame - 5000001).wakeup_ns == start + kFrame);
  CHECK(rig.PixelOf(0) == kRed);
  CHECK(rig.Causes() == 0);
  CHECK(rig.ReadOutput(0, abi::kRegOutputFlipCount) == 1);
  CHECK(rig.PassTime(1).wakeup_ns == 0);
  CHECK_FALSE(rig.FlipWaits());
  CHECK(rig.PixelOf(0) == kBlue);
  CHECK(rig.Causes() == abi::kInterruptCauseFlipMask);
  CHECK(rig.ReadOutput(0, abi::kRegOutputFlipCount) == 2);
}

TEST_CASE("a later flip takes the place of one that waits, at once or at the vblank") {
  VblankRig rig;
  rig.PushFlip(0, kSecond, kAtVblank);
  rig.Ring(0);
  SECTION("at once") {
    rig.PushFlip(0, kFirst);
    rig.Ring(0);
    CHECK_FALSE(rig.FlipWaits());
  }
  SECTION("at the vblank") {
    rig.PushFlip(0, kFirst, kAtVblank);
    rig.Ring(0);
    CHECK(rig.FlipWaits());
  }
  rig.PassTime(2 * kFrame);
  CHECK(rig.PixelOf(0) == kRed);
  CHECK(rig.ReadOutput(0, abi::kRegOutputFlipCount) == 2);
}

TEST_CASE("a flip at vblank is checked when it is fetched") {
  VblankRig rig;
  rig.PushFlip(0, GpuRig::kVisibleBytes, kAtVblank);
  rig.Ring(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusAddressOutOfRange);
  CHECK_FALSE(rig.FlipWaits());
  CHECK(rig.PassTime(kFrame).wakeup_ns == 0);
  CHECK(rig.PixelOf(0) == kRed);
}

TEST_CASE("another size and switching off drop a flip that waits") {
  VblankRig rig;
  rig.PushFlip(0, kSecond, kAtVblank);
  rig.Ring(0);
  SECTION("size") { rig.WriteOutput(0, abi::kRegOutputMode, 1); }
  SECTION("off") { rig.WriteOutput(0, abi::kRegOutputControl, 0); }
  CHECK_FALSE(rig.FlipWaits());
  CHECK(rig.PassTime(kFrame).wakeup_ns == 0);
  CHECK(rig.ReadOutput(0, abi::kRegOutputFlipCount) == 1);
  CHECK((rig.ReadOutput(0, abi::kRegOutputStatus) & abi::kOutputStatusActiveMask) == 0);
}

TEST_CASE("a fence behind WAIT_VBLANK.FLIP is written when the surface is shown") {
  VblankRig rig;
  rig.PushFlip(0, kSecond, kAtVblank);
  rig.PushWait(0, 0, 0, kForFlip);
  rig.PushFence(0, 7);
  const device::ProcessResult result = rig.Ring(0);
  CHECK(rig.State(0) == 3);  // waiting
  CHECK(rig.Fence(0) == 0);
  CHECK(rig.PassTime(result.wakeup_ns - rig.ports.clock.now_ns - 1).wakeup_ns == result.wakeup_ns);
  CHECK(rig.Fence(0) == 0);
  rig.PassTime(1);
  CHECK(rig.Fence(0) == 7);
  CHECK(rig.PixelOf(0) == kBlue);
  // No flip waits: it goes on at once.
  rig.PushWait(0, 0, 0, kForFlip);
  rig.PushFence(0, 8);
  rig.Ring(0);
  CHECK(rig.Fence(0) == 8);
}

TEST_CASE("a user's queue waits for a count, and one that is past is no wait") {
  VblankRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x4000, GpuRig::kData);
  rig.StartQueue(1, 1);
  const uint64_t start = rig.ports.clock.now_ns;
  const uint32_t now = rig.Count();
  rig.PushWait(1, 0, now + 3);
  rig.PushFence(1, 1);
  CHECK(rig.Ring(1).wakeup_ns > start);
  rig.PassTime(2 * kFrame);
  CHECK(rig.Fence(1) == 0);
  rig.PassTime(kFrame);
  CHECK(rig.Fence(1) == 1);
  for (const uint32_t past : {rig.Count(), rig.Count() - 1, rig.Count() - 0x80000000u}) {
    rig.StartQueue(1, 1);
    rig.PushWait(1, 0, past);
    rig.PushFence(1, 2);
    rig.Ring(1);
    CHECK(rig.ReadQueue(1, abi::kRegLastFenceLo) == 2);
  }
  // The kernel's queue and other commands went on meanwhile, and do.
  rig.StartQueue(1, 1);
  rig.PushWait(1, 0, rig.Count() + 0x7fffffff);
  rig.Ring(1);
  rig.PushFence(0, 9);
  rig.Ring(0);
  CHECK(rig.Fence(0) == 9);
  CHECK(rig.State(1) == 3);
}

TEST_CASE("an output that is off, or is switched off, holds up nobody") {
  VblankRig rig;
  rig.PushWait(0, 1, 1000);
  rig.PushFence(0, 1);
  rig.Ring(0);
  CHECK(rig.Fence(0) == 1);
  rig.PushWait(0, 0, rig.Count() + 1000);
  rig.PushFence(0, 2);
  rig.Ring(0);
  CHECK(rig.Fence(0) == 1);
  rig.WriteOutput(0, abi::kRegOutputControl, 0);
  rig.Work();
  CHECK(rig.Fence(0) == 2);
}

TEST_CASE("a wait that means nothing is a fault") {
  VblankRig rig;
  SECTION("no such output") {
    rig.PushWait(0, 2, 0);
    rig.Ring(0);
    CHECK(rig.FaultStatus(0) == abi::kStatusOutputInvalid);
  }
  SECTION("a count for a flip") {
    rig.PushWait(0, 0, 1, kForFlip);
    rig.Ring(0);
    CHECK(rig.FaultStatus(0) == abi::kStatusOperandInvalid);
  }
}

TEST_CASE("vblanks set a cause while it is enabled, each output its own, each vblank once") {
  VblankRig rig;
  rig.Enable(1);
  rig.PassTime(kFrame / 2);
  rig.Write(abi::kRegInterruptVector + 4 * abi::kInterruptCauseVblank0Shift, 5);
  rig.Write(abi::kRegInterruptEnable, kVblank0);
  CHECK(rig.Work().wakeup_ns > rig.ports.clock.now_ns);
  CHECK(rig.Causes() == 0);  // those before do not count
  for (int i = 0; i < 4; ++i) {
    const device::ProcessResult result = rig.PassTime(kFrame);
    CHECK(rig.Causes() == kVblank0);
    CHECK(result.wakeup_ns > rig.ports.clock.now_ns);
    CHECK(result.wakeup_ns <= rig.ports.clock.now_ns + kFrame);
    rig.Write(abi::kRegInterruptCause, kVblank0);
    rig.Work();
    CHECK(rig.Causes() == 0);
  }
  rig.Write(abi::kRegInterruptEnable, kVblank1);
  rig.PassTime(kFrame);
  CHECK(rig.Causes() == kVblank1);
  rig.Write(abi::kRegInterruptCause, ~0u);
  rig.Write(abi::kRegInterruptEnable, 0);
  CHECK(rig.PassTime(kFrame).wakeup_ns == 0);
  CHECK(rig.Causes() == 0);
}

TEST_CASE("an output that is off has no vblanks to tell, and tells none of before") {
  VblankRig rig;
  rig.PassTime(10 * kFrame);
  rig.Write(abi::kRegInterruptEnable, kVblank1);
  CHECK(rig.PassTime(kFrame).wakeup_ns == 0);
  rig.Enable(1);
  const device::ProcessResult result = rig.Work();
  CHECK(result.wakeup_ns == rig.ports.clock.now_ns + kFrame);
  CHECK(rig.Causes() == 0);
  rig.PassTime(kFrame);
  CHECK(rig.Causes() == kVblank1);
}

TEST_CASE("a snapshot amid a wait goes on as the original does; a reset waits for nothing") {
  VblankRig rig;
  rig.PushFlip(0, kSecond, kAtVblank);
  rig.PushWait(0, 0, 0, kForFlip);
  rig.PushFence(0, 3);
  rig.Ring(0);
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot();
  const uint64_t before = rig.gpu->StateHash();
  rig.PassTime(kFrame);
  const uint64_t after = rig.gpu->StateHash();
  CHECK(after != before);
  rig.ports.clock.now_ns -= kFrame;
  rig.gpu->Restore(snapshot);
  CHECK(rig.gpu->StateHash() == before);
  rig.PassTime(kFrame);
  CHECK(rig.gpu->StateHash() == after);
  CHECK(rig.PixelOf(0) == kBlue);

  rig.ports.clock.now_ns -= kFrame;
  rig.gpu->Restore(snapshot);
  rig.gpu->Reset(device::ResetKind::kFunction);
  rig.Run();
  CHECK(rig.PassTime(kFrame).wakeup_ns == 0);
  CHECK(rig.Count() == 0);
  CHECK(rig.ReadOutput(0, abi::kRegOutputFlipCount) == 0);
}

TEST_CASE("a reset of the engines ends a wait for a vblank, and the flip is shown all the same") {
  VblankRig rig;
  rig.PushFlip(0, kSecond, kAtVblank);
  rig.PushWait(0, 0, 0, kForFlip);
  rig.Ring(0);
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  CHECK(rig.FaultStatus(0) == abi::kStatusEngineReset);
  rig.PassTime(kFrame);
  CHECK(rig.PixelOf(0) == kBlue);
}

}  // namespace
}  // namespace ward::fakes
