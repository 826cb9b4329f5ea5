// INTERRUPT_MODERATION: by count, by virtual time, and what is never held back
// (docs/spec/interrupts.md).
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

using Vectors = std::vector<uint32_t>;

constexpr uint32_t kQueueVector = 3, kOtherVector = 4, kFaultVector = 7;
constexpr uint64_t kMicrosecond = 1000;

class ModeratedRig : public GpuRig {
 public:
  ModeratedRig(uint32_t count, uint32_t microseconds) {
    StartQueue(0);
    CreateContext(1);
    StartQueue(1, 1);
    Write(abi::kRegInterruptVector, kQueueVector);
    Write(abi::kRegInterruptVector + 4, kOtherVector);
    Write(abi::kRegInterruptVector + 4 * abi::kInterruptCauseFaultShift, kFaultVector);
    Write(abi::kRegInterruptCause, ~0u);
    Write(abi::kRegInterruptEnable, ~0u);
    Write(abi::kRegInterruptModeration,
          count | microseconds << abi::kInterruptModerationMicrosecondsShift);
  }
  // A fence with its interrupt; time stands still.
  void Fence(uint32_t queue) {
    PushFence(queue, ++fences_[queue], abi::FenceCommand::kFlagInterrupt);
    Doorbell(queue);
    gpu->Process(1 << 20);
  }
  const Vectors& sent() const { return ports.interrupts.vectors; }
  void Advance(uint64_t ns) {
    ports.clock.now_ns += ns;
    gpu->Process(1 << 20);
  }

 private:
  uint64_t fences_[2] = {};
};

TEST_CASE("without moderation every fence sends its vector") {
  // One field alone is no moderation.
  for (const auto& [count, microseconds] :
       {std::pair{0u, 0u}, std::pair{0u, 100u}, std::pair{100u, 0u}}) {
    ModeratedRig rig(count, microseconds);
    for (int i = 0; i < 5; ++i) rig.Fence(0);
    CHECK(rig.sent() == Vectors(5, kQueueVector));
    CHECK(rig.gpu->Process(1 << 20).wakeup_ns == 0);
  }
}

TEST_CASE("by count: after COUNT held interrupts the next one sends the vector") {
  ModeratedRig rig(3, 1000);
  for (int i = 0; i < 3; ++i) rig.Fence(0);
  CHECK(rig.sent().empty());
  // What they tell is there at once: the cause, the register and the memory.
  CHECK(rig.Read(abi::kRegInterruptCause) == 1);
  CHECK(rig.GpuRig::Fence(0) == 3);
  rig.Fence(0);
  CHECK(rig.sent() == Vectors{kQueueVector});
  for (int i = 0; i < 3; ++i) rig.Fence(0);
  CHECK(rig.sent().size() == 1);
  rig.Fence(0);
  CHECK(rig.sent().size() == 2);
}

TEST_CASE("by time: the first held interrupt is sent at its time, and the host is told when") {
  ModeratedRig rig(1000, 50);
  const uint64_t start = rig.ports.clock.now_ns;
  rig.Fence(0);
  CHECK(rig.gpu->Process(1 << 20).wakeup_ns == start + 50 * kMicrosecond);
  rig.Advance(49 * kMicrosecond);
  rig.Fence(0);
  CHECK(rig.gpu->Process(1 << 20).wakeup_ns == start + 50 * kMicrosecond);
  rig.Advance(kMicrosecond - 1);
  CHECK(rig.sent().empty());
  rig.Advance(1);
  CHECK(rig.sent() == Vectors{kQueueVector});
  CHECK(rig.gpu->Process(1 << 20).wakeup_ns == 0);
  rig.Advance(1000 * kMicrosecond);
  CHECK(rig.sent().size() == 1);
}

TEST_CASE("held interrupts of several queues go out together, each vector once") {
  ModeratedRig rig(3, 1000);
  rig.Fence(1);
  rig.Fence(0);
  rig.Fence(1);
  CHECK(rig.sent().empty());
  rig.Fence(0);
  CHECK(rig.sent() == Vectors{kQueueVector, kOtherVector});
}

TEST_CASE("a fault is not held back, and takes along what is") {
  ModeratedRig rig(100, 1000);
  rig.Fence(0);
  rig.PushBytes(1, std::vector<uint8_t>(16, 0xff));
  rig.Doorbell(1);
  rig.gpu->Process(1 << 20);
  CHECK(rig.sent() == Vectors{kQueueVector, kFaultVector});
}

TEST_CASE("loss of keys, a hang and a change of a link are not held back") {
  ModeratedRig rig(100, 1000);
  rig.gpu->TearDown();
  CHECK(rig.sent().size() == 1);
  rig.WriteQueue(1, abi::kRegQueueControl, abi::kQueueControlResetMask);
  rig.WriteQueue(1, abi::kRegQueueTimeout, 10);
  rig.StartQueue(1, 1);
  rig.MapSystem(1, 0x1000, GpuRig::kData);
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = 0x1000;
  wait.value = 1;
  rig.Push(1, wait);
  rig.Doorbell(1);
  rig.gpu->Process(1 << 20);
  rig.Advance(10 * kMicrosecond);
  CHECK(rig.sent().size() == 2);
}

TEST_CASE("refusals are held back too: an application can cause them as often as it likes") {
  ModeratedRig rig(50, 1000);
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.source = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  copy.destination = GpuRig::kData;
  copy.row_bytes = 64;
  copy.row_count = 1;
  for (int i = 0; i < 51; ++i) rig.Push(0, copy);
  rig.Doorbell(0);
  rig.gpu->Process(1 << 20);
  REQUIRE(rig.ReadQueue(0, abi::kRegRefusalCount) == 51);
  CHECK(rig.sent().size() == 1);
}

TEST_CASE("what the driver acknowledged or disabled meanwhile is not sent") {
  ModeratedRig rig(100, 50);
  rig.Fence(0);
  rig.Fence(1);
  rig.Write(abi::kRegInterruptCause, 1);
  rig.Advance(50 * kMicrosecond);
  CHECK(rig.sent() == Vectors{kOtherVector});
  rig.Fence(0);
  rig.Write(abi::kRegInterruptEnable, ~1u);
  rig.Advance(50 * kMicrosecond);
  CHECK(rig.sent() == Vectors{kOtherVector});
}

TEST_CASE("a fence behind an acknowledgement is told again") {
  ModeratedRig rig(100, 50);
  rig.Fence(0);
  rig.Write(abi::kRegInterruptCause, 1);
  rig.Fence(0);
  rig.Advance(50 * kMicrosecond);
  CHECK(rig.sent() == Vectors{kQueueVector});
}

TEST_CASE("a write of INTERRUPT_MODERATION sends what is held") {
  for (const uint32_t value : {0u, 5u | 7u << 16}) {
    ModeratedRig rig(100, 1000);
    rig.Fence(0);
    rig.Write(abi::kRegInterruptModeration, value);
    CHECK(rig.sent() == Vectors{kQueueVector});
  }
}

TEST_CASE("a source that becomes enabled with its cause set sends at once") {
  ModeratedRig rig(100, 1000);
  rig.Write(abi::kRegInterruptEnable, 0);
  rig.Fence(0);
  rig.Write(abi::kRegInterruptEnable, 1);
  CHECK(rig.sent() == Vectors{kQueueVector});
}

TEST_CASE("a reset forgets what is held") {
  for (const bool by_register : {false, true}) {
    ModeratedRig rig(100, 50);
    rig.Fence(0);
    if (by_register) {
      rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
    } else {
      rig.gpu->Reset(device::ResetKind::kFunction);
    }
    CHECK(rig.gpu->Process(1 << 20).wakeup_ns == 0);
    rig.Advance(1000 * kMicrosecond);
    CHECK(rig.sent().empty());
  }
}

TEST_CASE("what is held is part of the state") {
  ModeratedRig rig(100, 50);
  const uint64_t idle = rig.gpu->StateHash();
  rig.Fence(0);
  CHECK(rig.gpu->StateHash() != idle);
  const auto snapshot = rig.gpu->TakeSnapshot();
  rig.gpu->Reset(device::ResetKind::kPowerOn);
  rig.gpu->Restore(snapshot);
  rig.Advance(50 * kMicrosecond);
  CHECK(rig.sent() == Vectors{kQueueVector});
}

TEST_CASE("a clock at its end holds nothing for ever that a count would send") {
  ModeratedRig rig(1, 0xffff);
  rig.ports.clock.now_ns = UINT64_MAX - 5;
  rig.Fence(0);
  rig.Fence(0);
  CHECK(rig.sent() == Vectors{kQueueVector});
  rig.Fence(0);
  rig.ports.clock.now_ns = UINT64_MAX;
  rig.gpu->Process(1 << 20);
  CHECK(rig.sent().size() == 2);
}

}  // namespace
}  // namespace ward::fakes
