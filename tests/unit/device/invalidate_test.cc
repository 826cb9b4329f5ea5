// INVALIDATE against work in flight: once its fence is there, no page that was unmapped before it
// is read or written for its context any more.
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kPage = abi::kPageSize;
constexpr uint64_t kOperand = 0x3000;  // virtual
constexpr uint64_t kBuffer = 0x4000;   // virtual
constexpr uint64_t kTarget = 0x5000;   // virtual
constexpr uint32_t kMarker = 0x41414141;

void PushInvalidate(GpuRig* rig, uint64_t fence) {
  auto invalidate = MakeCommand<abi::InvalidateCommand>();
  invalidate.context = 1;
  rig->Push(0, invalidate);
  rig->PushFence(0, fence);
  rig->Doorbell(0);
}

abi::WaitCommand Wait(uint64_t address, uint64_t value) {
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = address;
  wait.value = value;
  return wait;
}

abi::FillCommand Fill(uint64_t destination, uint32_t value) {
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = destination;
  fill.value = value;
  fill.row_bytes = 16;
  fill.row_count = 1;
  return fill;
}

void PutCommand(GpuRig* rig, uint64_t bus_address, const auto& command) {
  std::memcpy(rig->ports.bus.At(bus_address, sizeof(command)), &command, sizeof(command));
}

TEST_CASE("an invalidate's fence waits for a message's answer, which is written before it") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, kOperand, GpuRig::kData);
  rig.StartQueue(1, 1);
  const uint8_t payload[48] = {};
  rig.PushMessage(1, abi::kMessageCreateSession, payload, kOperand, 64);
  rig.Doorbell(1);
  rig.gpu->Process(1 << 20);
  rig.MapPage(1, kOperand, 0);
  PushInvalidate(&rig, 77);
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 0);
  CHECK(rig.State(0) == 3);

  rig.Run();
  CHECK(rig.Fence(0) == 77);
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 8) == abi::kMessageCreateSession);
}

// Queue 2's message is in the mailbox, queue 1's before it, with its answer's place translated.
void QueueTwoMessages(GpuRig* rig) {
  for (const uint32_t context : {1, 2}) {
    rig->CreateContext(context);
    rig->MapSystem(context, kOperand, GpuRig::kData + 0x1000 * context);
    rig->StartQueue(context, context);
  }
  const uint8_t payload[48] = {};
  for (const uint32_t queue : {2, 1}) {
    rig->PushMessage(queue, abi::kMessageCreateSession, payload, kOperand, 64);
    rig->Doorbell(queue);
    rig->gpu->Process(1 << 20);
    REQUIRE(rig->State(queue) == 3);
  }
  rig->MapPage(1, kOperand, 0);
  PushInvalidate(rig, 77);
  rig->gpu->Process(1 << 20);
  CHECK(rig->Fence(0) == 0);
}

TEST_CASE("an invalidate's fence waits for a message that the mailbox has not taken yet") {
  GpuRig rig;
  QueueTwoMessages(&rig);
  rig.Run();
  CHECK(rig.Fence(0) == 77);
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 0x1000 + 8) == abi::kMessageCreateSession);
}

TEST_CASE("an invalidate's wait ends when the queue of such a message is disabled") {
  GpuRig rig;
  QueueTwoMessages(&rig);
  rig.WriteQueue(1, abi::kRegQueueControl, 0);
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 77);
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 0x1000 + 8) == 0);
}

TEST_CASE("an invalidate's fence waits for a copy in flight, whose pages are free afterwards") {
  constexpr uint64_t kPages = 64, kTo = 0x10000, kFrom = 0x80000;
  GpuRig rig;
  rig.CreateContext(1);
  for (uint64_t i = 0; i < kPages; ++i) {
    rig.MapSystem(1, kTo + i * kPage, GpuRig::kData + i * kPage);
    rig.MapSystem(1, kFrom + i * kPage, GpuRig::kData + 0x100000 + i * kPage);
  }
  rig.StartQueue(1, 1);
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.destination = kTo;
  copy.source = kFrom;
  copy.row_bytes = kPages * kPage;
  copy.row_count = 1;
  rig.Push(1, copy);
  rig.Doorbell(1);
  rig.gpu->Process(4096);
  REQUIRE(rig.State(1) == 2);

  for (uint64_t i = 0; i < kPages; ++i) rig.MapPage(1, kTo + i * kPage, 0);
  PushInvalidate(&rig, 77);
  for (int slice = 0; slice < 100000 && rig.Fence(0) != 77; ++slice) rig.gpu->Process(256);
  REQUIRE(rig.Fence(0) == 77);
  uint8_t* const last_page = rig.ports.bus.At(GpuRig::kData + (kPages - 1) * kPage, kPage);
  std::memset(last_page, 0xee, kPage);
  rig.Run();
  CHECK(last_page[0] == 0xee);
  CHECK(rig.FaultStatus(1) == 0);
}

TEST_CASE("a busy context does not hold an invalidate for ever") {
  GpuRig rig;
  rig.CreateContext(1);
  for (uint64_t i = 0; i < 64; ++i)
    rig.MapSystem(1, 0x10000 + i * kPage, GpuRig::kData + i * kPage);
  for (uint32_t queue : {1u, 2u}) {
    rig.StartQueue(queue, 1);
    auto fill = Fill(0x10000, kMarker);
    fill.row_bytes = 64 * kPage;
    for (int i = 0; i < 60; ++i) rig.Push(queue, fill);
    rig.Doorbell(queue);
  }
  rig.gpu->Process(4096);
  PushInvalidate(&rig, 77);
  for (int slice = 0; slice < 2000 && rig.Fence(0) != 77; ++slice) rig.gpu->Process(4096);
  CHECK(rig.Fence(0) == 77);
  CHECK(rig.State(1) == 2);
  CHECK(rig.State(2) == 2);
}

TEST_CASE("an invalidate does not wait for another context's work") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.CreateContext(2);
  rig.MapSystem(2, kOperand, GpuRig::kData);
  rig.StartQueue(2, 2);
  const uint8_t payload[48] = {};
  rig.PushMessage(2, abi::kMessageCreateSession, payload, kOperand, 64);
  rig.Doorbell(2);
  rig.gpu->Process(1 << 20);
  PushInvalidate(&rig, 77);
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 77);
}

TEST_CASE("a queue reset ends an invalidate's wait for it") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, kOperand, GpuRig::kData);
  rig.StartQueue(1, 1);
  const uint8_t payload[48] = {};
  rig.PushMessage(1, abi::kMessageCreateSession, payload, kOperand, 64);
  rig.Doorbell(1);
  rig.gpu->Process(1 << 20);
  PushInvalidate(&rig, 77);
  rig.gpu->Process(1 << 20);
  REQUIRE(rig.Fence(0) == 0);
  rig.WriteQueue(1, abi::kRegQueueControl, abi::kQueueControlResetMask);
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 77);
}

TEST_CASE("a wait on a page that is unmapped stops the queue with that address") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, kOperand, GpuRig::kData);
  rig.StartQueue(1, 1);
  rig.Push(1, Wait(kOperand + 8, 1));
  rig.RingAndRun(1);
  REQUIRE(rig.State(1) == 3);
  rig.MapPage(1, kOperand, 0);
  PushInvalidate(&rig, 77);
  rig.Run();
  CHECK(rig.Fence(0) == 77);
  rig.ports.bus.Store<uint64_t>(GpuRig::kData + 8, 1);  // whoever has the page now
  rig.Run();
  CHECK(rig.FaultStatus(1) == abi::kStatusPageNotMapped);
  CHECK(rig.ReadQueue(1, abi::kRegFaultAddressLo) == kOperand + 8);
  CHECK(rig.ReadQueue(1, abi::kRegFaultCommand) == abi::WaitCommand::kOpcode);
}

TEST_CASE("commands are not fetched from an indirect buffer that is unmapped") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, kOperand, GpuRig::kData);
  rig.MapSystem(1, kBuffer, GpuRig::kData + kPage);
  rig.MapSystem(1, kTarget, GpuRig::kData + 2 * kPage);
  rig.StartQueue(1, 1);
  const auto wait = Wait(kOperand, 1);
  const auto fill = Fill(kTarget, kMarker);
  PutCommand(&rig, GpuRig::kData + kPage, wait);
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = kBuffer;
  indirect.length_bytes = sizeof(wait) + sizeof(fill);
  rig.Push(1, indirect);
  rig.RingAndRun(1);
  rig.MapPage(1, kBuffer, 0);
  PushInvalidate(&rig, 77);
  rig.Run();
  REQUIRE(rig.Fence(0) == 77);

  PutCommand(&rig, GpuRig::kData + kPage + sizeof(wait), fill);
  rig.ports.bus.Store<uint64_t>(GpuRig::kData, 1);
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 2 * kPage) == 0);
  CHECK(rig.FaultStatus(1) == abi::kStatusPageNotMapped);
  CHECK(rig.ReadQueue(1, abi::kRegFaultAddressLo) == kBuffer + sizeof(wait));
  CHECK(rig.ReadQueue(1, abi::kRegFaultIndirectOffset) == sizeof(wait));
}

// Context 1 sees visible VRAM's first 2 MiB by one large leaf, and fills there before the leaf is
// zeroed by the kernel's queue and afterwards. Nobody comes between: it is one slice.
struct LeafBench {
  static constexpr uint64_t kFirst = 0x3000, kSecond = 0x5000, kFlag = 0x9000;  // virtual and local

  LeafBench() {
    rig.CreateContext(1);
    rig.StoreVram(Leaf(), abi::kPteValid | abi::kPteLocal | abi::kPteWritable | abi::kPteLarge);
    rig.StartQueue(1, 1);
  }
  static uint64_t Leaf() { return GpuRig::TableRoot(1) + 0x2000; }
  static uint64_t Physical(uint64_t local) { return abi::kPhysicalLocal | local; }

  void Push(bool invalidates) {
    // Queues take turns, command by command: the kernel's is through before the second fill.
    rig.Push(0, Wait(Physical(kFlag), 1));
    rig.Push(0, Fill(Physical(Leaf()), 0));
    if (invalidates) {
      auto invalidate = MakeCommand<abi::InvalidateCommand>();
      invalidate.context = 1;
      rig.Push(0, invalidate);
    }
    rig.PushFence(0, 77);
    rig.Push(1, Fill(kFirst, kMarker));
    rig.Push(1, Fill(kFlag, 1));
    for (int i = 0; i < 16; ++i) rig.Push(1, MakeCommand<abi::NoopCommand>());
    rig.Push(1, Fill(kSecond, kMarker));
    rig.Doorbell(0);
    rig.Doorbell(1);
    rig.gpu->Process(1 << 20);
    REQUIRE(rig.Fence(0) == 77);
    REQUIRE(rig.ports.vram.Load<uint32_t>(kFirst) == kMarker);
  }

  GpuRig rig;
};

TEST_CASE("an invalidate forgets the leaf that the same slice has used") {
  LeafBench bench;
  bench.Push(true);
  CHECK(bench.rig.FaultStatus(1) == abi::kStatusPageNotMapped);
  CHECK(bench.rig.ports.vram.Load<uint32_t>(LeafBench::kSecond) == 0);
}

TEST_CASE("a leaf that was changed without an invalidate is not known to the next slice") {
  LeafBench bench;
  bench.Push(false);
  bench.rig.StartQueue(1, 1);  // it may have stopped
  bench.rig.ports.vram.Store<uint32_t>(LeafBench::kSecond, 0);
  bench.rig.Push(1, Fill(LeafBench::kSecond, kMarker));
  bench.rig.Doorbell(1);
  bench.rig.gpu->Process(1 << 20);
  CHECK(bench.rig.FaultStatus(1) == abi::kStatusPageNotMapped);
  CHECK(bench.rig.ports.vram.Load<uint32_t>(LeafBench::kSecond) == 0);
}

TEST_CASE("a snapshot's queues go on where those of the chip that takes it were at rest") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.PushFence(0, 5);
  rig.Doorbell(0);
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot();
  rig.gpu->Process(1 << 20);
  REQUIRE(rig.Fence(0) == 5);
  rig.gpu->Process(1 << 20);
  rig.Store<uint64_t>(rig.fence_address(0), 0);
  rig.gpu->Restore(snapshot);
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 5);
}

}  // namespace
}  // namespace ward::fakes
