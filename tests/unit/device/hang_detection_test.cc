// QUEUE_TIMEOUT: which queue is reported, when, and what counts as progress
// (docs/spec/queues.md, hangs).
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kMicrosecond = 1000;
constexpr uint32_t kTimeoutUs = 100;
constexpr uint64_t kWord = GpuRig::kData;  // what the WAITs look at, at 0x1000 of context 1
constexpr uint32_t kWaiting = 3, kFaulted = 4;
constexpr uint32_t kHung = abi::kQueueStatusHungMask;

class HangRig : public GpuRig {
 public:
  HangRig() {
    CreateContext(1);
    MapSystem(1, 0x1000, kWord);
    MapSystem(1, 0x2000, kWord + 0x1000);
    Write(abi::kRegInterruptCause, ~0u);
    Write(abi::kRegInterruptVector + 4 * abi::kInterruptCauseHangShift, 9);
    Write(abi::kRegInterruptEnable, abi::kInterruptCauseHangMask);
  }
  void Open(uint32_t queue, uint32_t timeout_us = kTimeoutUs) {
    WriteQueue(queue, abi::kRegQueueControl, abi::kQueueControlResetMask);
    WriteQueue(queue, abi::kRegQueueTimeout, timeout_us);
    StartQueue(queue, 1);
  }
  void PushWait(uint32_t queue, uint64_t value) {
    auto wait = MakeCommand<abi::WaitCommand>();
    wait.address = 0x1000;
    wait.value = value;
    Push(queue, wait);
  }
  void Go(uint32_t queue) {
    Doorbell(queue);
    gpu->Process(1 << 20);
  }
  device::ProcessResult Advance(uint64_t ns) {
    ports.clock.now_ns += ns;
    return gpu->Process(1 << 20);
  }
  bool IsHung(uint32_t queue) { return (State(queue) & kHung) != 0; }
  bool CauseIsSet() { return (Read(abi::kRegInterruptCause) & abi::kInterruptCauseHangMask) != 0; }
  size_t vectors() const { return ports.interrupts.vectors.size(); }
};

TEST_CASE("a WAIT that never ends is reported once, at its time, and nothing stops") {
  HangRig rig;
  rig.Open(1);
  rig.PushFence(1, 1);
  rig.PushWait(1, 5);
  rig.PushFence(1, 2);
  const uint64_t start = rig.ports.clock.now_ns;
  rig.Go(1);
  CHECK(rig.gpu->Process(1 << 20).wakeup_ns == start + kTimeoutUs * kMicrosecond);
  rig.Advance(kTimeoutUs * kMicrosecond - 1);
  CHECK_FALSE(rig.IsHung(1));
  CHECK(rig.State(1) == kWaiting);
  CHECK(rig.Advance(1).wakeup_ns == 0);
  CHECK(rig.State(1) == (kWaiting | kHung));
  CHECK(rig.CauseIsSet());
  CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{9});
  CHECK(rig.FaultStatus(1) == 0);
  CHECK(rig.ports.trace.CountOf("hang") == 1);
  rig.Write(abi::kRegInterruptCause, abi::kInterruptCauseHangMask);
  rig.Advance(1000 * kTimeoutUs * kMicrosecond);
  CHECK_FALSE(rig.CauseIsSet());
  CHECK(rig.vectors() == 1);
  CHECK(rig.IsHung(1));
  // It may still get there.
  rig.ports.bus.Store<uint64_t>(kWord, 5);
  rig.gpu->Process(1 << 20);
  CHECK_FALSE(rig.IsHung(1));
  CHECK(rig.Fence(1) == 2);
}

TEST_CASE("a queue without a time-out waits for ever and is not reported") {
  HangRig rig;
  rig.Open(1, 0);
  rig.PushWait(1, 5);
  rig.Go(1);
  CHECK(rig.Advance(uint64_t{1} << 60).wakeup_ns == 0);
  CHECK_FALSE(rig.IsHung(1));
  CHECK_FALSE(rig.CauseIsSet());
}

TEST_CASE("a WAIT that is satisfied by its time is progress, and the next one has its own time") {
  HangRig rig;
  rig.Open(1);
  rig.PushWait(1, 1);
  rig.PushWait(1, 2);
  rig.Go(1);
  // Not looked at in between: the value came in time, the chip looks late.
  rig.ports.bus.Store<uint64_t>(kWord, 1);
  const uint64_t late = 10 * kTimeoutUs * kMicrosecond;
  const device::ProcessResult result = rig.Advance(late);
  CHECK_FALSE(rig.CauseIsSet());
  CHECK(result.wakeup_ns == rig.ports.clock.now_ns + kTimeoutUs * kMicrosecond);
  rig.Advance(kTimeoutUs * kMicrosecond);
  CHECK(rig.IsHung(1));
}

TEST_CASE("a firmware message has its latency, and is no hang") {
  device::GpuOptions options = GpuRig::Options();
  options.latency = device::LatencyPreset::kRealistic;
  GpuRig rig(options);
  rig.CreateContext(1);
  rig.MapSystem(1, 0x1000, kWord);
  const std::vector<uint8_t> payload(8);
  // Three queues that wait for one mailbox, each for longer than its time-out.
  for (const uint32_t queue : {1u, 2u, 3u}) {
    rig.WriteQueue(queue, abi::kRegQueueTimeout, 1);
    rig.StartQueue(queue, 1);
    rig.PushMessage(queue, abi::kMessageRunSelfTest, payload, 0x1000, 64);
    rig.PushFence(queue, 1);
    rig.Doorbell(queue);
  }
  const uint64_t start = rig.ports.clock.now_ns;
  rig.Run();
  CHECK(rig.ports.clock.now_ns > start + 3 * kMicrosecond);
  for (const uint32_t queue : {1u, 2u, 3u}) CHECK(rig.Fence(queue) == 1);
  CHECK((rig.Read(abi::kRegInterruptCause) & abi::kInterruptCauseHangMask) == 0);
}

TEST_CASE("a transfer, and a queue that waits for its turn, are no hang however late it is") {
  HangRig rig;
  rig.Open(1, 1);
  rig.Open(2, 1);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = 0x2000;
  fill.row_bytes = 4096;
  fill.row_count = 1;
  for (int i = 0; i < 8; ++i) rig.Push(1, fill);
  rig.PushFence(1, 1);
  rig.PushFence(2, 1);
  rig.Doorbell(1);
  rig.Doorbell(2);
  for (int slice = 0; slice < 100; ++slice) {
    rig.ports.clock.now_ns += 100 * kMicrosecond;
    rig.gpu->Process(256);
  }
  CHECK(rig.Fence(1) == 1);
  CHECK(rig.Fence(2) == 1);
  CHECK_FALSE(rig.CauseIsSet());
}

constexpr uint64_t kFrame = 16666667;  // 1/60 s, rounded up

void PushVblankWait(HangRig* rig, uint32_t queue, uint32_t count, uint16_t flags = 0) {
  auto wait = MakeCommand<abi::WaitVblankCommand>(flags);
  wait.count = count;
  rig->Push(queue, wait);
}

TEST_CASE("a WAIT_VBLANK for a count further ahead than the time-out is reported, once") {
  HangRig rig;
  const auto timeout_us = static_cast<uint32_t>(10 * kFrame / kMicrosecond);
  rig.Write(abi::kRegOutputControl, 1);
  rig.Open(1, timeout_us);
  PushVblankWait(&rig, 1, 0x7fffffff);
  rig.PushFence(1, 1);
  const uint64_t start = rig.ports.clock.now_ns;
  rig.Go(1);
  CHECK(rig.gpu->Process(1 << 20).wakeup_ns == start + timeout_us * kMicrosecond);
  rig.Advance(timeout_us * kMicrosecond - 1);
  CHECK_FALSE(rig.IsHung(1));
  // Reported; its vblank is still something to wake up for.
  CHECK(rig.Advance(1).wakeup_ns > rig.ports.clock.now_ns);
  CHECK(rig.State(1) == (kWaiting | kHung));
  CHECK(rig.CauseIsSet());
  CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{9});
  rig.Advance(100 * kFrame);
  CHECK(rig.vectors() == 1);
  // What ends the wait ends the hang.
  rig.Write(abi::kRegOutputControl, 0);
  rig.gpu->Process(1 << 20);
  CHECK_FALSE(rig.IsHung(1));
  CHECK(rig.Fence(1) == 1);
}

TEST_CASE("a WAIT_VBLANK that ends by its time is no hang, however late it is looked at") {
  HangRig rig;
  const auto timeout_us = static_cast<uint32_t>(3 * kFrame / kMicrosecond);
  rig.Write(abi::kRegOutputControl, 1);
  rig.Open(1, timeout_us);
  for (uint32_t count = 1; count <= 6; ++count) PushVblankWait(&rig, 1, 2 * count);
  rig.PushFence(1, 1);
  rig.Go(1);
  for (int frame = 0; frame < 12; ++frame) rig.Advance(kFrame);
  CHECK(rig.Fence(1) == 1);
  PushVblankWait(&rig, 1, rig.Read(abi::kRegOutputVblankCount) + 2);
  rig.PushFence(1, 2);
  rig.Go(1);
  rig.Advance(60 * kFrame);  // nobody looked in between
  CHECK(rig.Fence(1) == 2);
  CHECK_FALSE(rig.CauseIsSet());
}

TEST_CASE("a WAIT_VBLANK on an output that is off, or with no flip to wait for, is no hang") {
  HangRig rig;
  rig.Open(1);
  PushVblankWait(&rig, 1, 0x7fffffff);
  PushVblankWait(&rig, 1, 0, abi::WaitVblankCommand::kFlagFlip);
  rig.PushFence(1, 1);
  rig.Go(1);
  rig.Advance(10 * kTimeoutUs * kMicrosecond);
  CHECK(rig.Fence(1) == 1);
  CHECK_FALSE(rig.CauseIsSet());
}

TEST_CASE("two queues that wait for each other are both reported, and others go on") {
  HangRig rig;
  rig.Open(1);
  rig.Open(2, 2 * kTimeoutUs);
  rig.Open(3);
  rig.PushWait(1, 1);
  rig.PushWait(2, 1);
  rig.Go(1);
  rig.Go(2);
  rig.Advance(kTimeoutUs * kMicrosecond);
  CHECK(rig.IsHung(1));
  CHECK_FALSE(rig.IsHung(2));
  rig.Advance(kTimeoutUs * kMicrosecond);
  CHECK(rig.IsHung(2));
  CHECK(rig.vectors() == 2);
  rig.PushFence(3, 4);
  rig.Go(3);
  CHECK(rig.Fence(3) == 4);
}

TEST_CASE("a reset of the queue, or of the engines, ends the hang") {
  for (const bool engines : {false, true}) {
    HangRig rig;
    rig.Open(1);
    rig.PushWait(1, 5);
    rig.PushFence(1, 1);
    rig.Go(1);
    rig.Advance(kTimeoutUs * kMicrosecond);
    REQUIRE(rig.IsHung(1));
    if (engines) {
      rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
      CHECK(rig.State(1) == kFaulted);
      CHECK(rig.FaultStatus(1) == abi::kStatusEngineReset);
    } else {
      rig.WriteQueue(1, abi::kRegQueueControl, abi::kQueueControlResetMask);
      CHECK(rig.State(1) == 0);
    }
    CHECK(rig.Fence(1) == 0);
    // What it waited for comes too late.
    rig.ports.bus.Store<uint64_t>(kWord, 5);
    rig.Run();
    CHECK(rig.Fence(1) == 0);
    rig.Open(1);
    rig.PushFence(1, 1);
    rig.Go(1);
    CHECK(rig.Fence(1) == 1);
  }
}

TEST_CASE("disabling a queue ends its hang, and a WAIT in an indirect buffer hangs too") {
  HangRig rig;
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = 0x1000;
  wait.value = 3;
  std::memcpy(rig.ports.bus.At(kWord + 0x1000, sizeof(wait)), &wait, sizeof(wait));
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = 0x2000;
  indirect.length_bytes = sizeof(wait);
  rig.Open(1);
  rig.Push(1, indirect);
  rig.Go(1);
  rig.Advance(kTimeoutUs * kMicrosecond);
  CHECK(rig.IsHung(1));
  rig.WriteQueue(1, abi::kRegQueueControl, 0);
  CHECK(rig.State(1) == 0);
}

TEST_CASE("no time of the clock makes a hang of nothing, or asks to be called in the past") {
  for (const uint64_t now : {uint64_t{1} << 63, UINT64_MAX - 5, UINT64_MAX}) {
    HangRig rig;
    rig.ports.clock.now_ns = now;
    rig.Open(1);
    rig.Open(2);
    rig.PushWait(1, 5);
    rig.Go(1);
    const device::ProcessResult result = rig.gpu->Process(1 << 20);
    CHECK((result.wakeup_ns == 0 || result.wakeup_ns > now));
    CHECK_FALSE(rig.IsHung(2));
  }
}

TEST_CASE("the time of a hang is part of the state") {
  HangRig rig;
  rig.Open(1);
  rig.PushWait(1, 5);
  rig.Go(1);
  const auto snapshot = rig.gpu->TakeSnapshot();
  const uint64_t hash = rig.gpu->StateHash();
  rig.Advance(kTimeoutUs * kMicrosecond);
  REQUIRE(rig.IsHung(1));
  const uint64_t hung_hash = rig.gpu->StateHash();
  CHECK(hung_hash != hash);
  rig.gpu->Restore(snapshot);
  CHECK(rig.gpu->StateHash() == hash);
  rig.gpu->Process(1 << 20);
  CHECK(rig.IsHung(1));
  CHECK(rig.gpu->StateHash() == hung_hash);
}

}  // namespace
}  // namespace ward::fakes
