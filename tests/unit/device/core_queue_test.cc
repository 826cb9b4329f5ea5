#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kDisabled = 0, kIdle = 1, kRunning = 2, kWaiting = 3, kFaulted = 4;
constexpr uint64_t kPage = abi::kPageSize;

abi::FillCommand Fill(uint64_t destination, uint32_t value, uint32_t bytes) {
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = destination;
  fill.value = value;
  fill.row_bytes = bytes;
  fill.row_count = 1;
  return fill;
}

abi::WaitCommand Wait(uint64_t address, uint64_t value) {
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = address;
  wait.value = value;
  return wait;
}

TEST_CASE("a fence is written after the work before it, with its interrupt cause") {
  GpuRig rig;
  rig.StartQueue(0);
  CHECK(rig.State(0) == kIdle);
  rig.Push(0, Fill(GpuRig::kData, 0xa5a5a5a5, 64));
  rig.PushFence(0, 5, abi::FenceCommand::kFlagInterrupt);
  rig.Doorbell(0);
  CHECK(rig.State(0) == kRunning);
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 60) == 0xa5a5a5a5);
  CHECK(rig.Fence(0) == 5);
  CHECK(rig.ReadQueue(0, abi::kRegLastFenceLo) == 5);
  CHECK(rig.Read(abi::kRegInterruptCause) == 1);
  CHECK(rig.State(0) == kIdle);
  // The store of the fence is atomic and the last thing that the chip did.
  CHECK(rig.ports.bus.log().back().kind == FakeBus::Kind::kAtomic);
}

TEST_CASE("a fence that does not grow stops the queue, and is not written") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.PushFence(0, 5);
  rig.PushFence(0, 5);
  rig.RingAndRun(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusFenceNotMonotonic);
  CHECK(rig.ReadQueue(0, abi::kRegFaultPosition) == 16);
  CHECK(rig.ReadQueue(0, abi::kRegFaultCommand) == abi::FenceCommand::kOpcode);
  CHECK(rig.ReadQueue(0, abi::kRegLastFenceLo) == 5);
  CHECK(rig.State(0) == kFaulted);
  CHECK((rig.Read(abi::kRegInterruptCause) & abi::kInterruptCauseFaultMask) != 0);
}

TEST_CASE("a faulted queue runs nothing until it is reset, and other queues go on") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.StartQueue(1, 1);
  rig.PushBytes(1, std::vector<uint8_t>(16, 0xff));
  rig.PushFence(1, 1);
  rig.RingAndRun(1);
  CHECK(rig.FaultStatus(1) == abi::kStatusOpcodeUnknown);
  CHECK(rig.ReadQueue(1, abi::kRegFaultCommand) == 0);
  rig.Doorbell(1);
  rig.WriteQueue(1, abi::kRegQueueControl, 0);
  rig.WriteQueue(1, abi::kRegQueueControl, abi::kQueueControlEnableMask);
  rig.Run();
  CHECK(rig.State(1) == kFaulted);
  CHECK(rig.ReadQueue(1, abi::kRegQueueControl) == 0);
  CHECK(rig.Fence(1) == 0);
  rig.PushFence(0, 9);
  rig.RingAndRun(0);
  CHECK(rig.Fence(0) == 9);
  rig.StartQueue(1, 1);
  rig.PushFence(1, 1);
  rig.RingAndRun(1);
  CHECK(rig.FaultStatus(1) == 0);
  CHECK(rig.Fence(1) == 1);
}

TEST_CASE("a doorbell outside of the ring or misaligned faults its queue") {
  for (uint32_t tail : {4096u, 8u, 0xfffffff0u, 4097u}) {
    GpuRig rig;
    rig.StartQueue(0);
    rig.Doorbell(0, tail);
    CHECK(rig.FaultStatus(0) == abi::kStatusRingTailInvalid);
  }
}

TEST_CASE("a doorbell of a queue that is off does nothing") {
  GpuRig rig;
  rig.Doorbell(3, 0xffffffff);
  CHECK(rig.FaultStatus(3) == 0);
  CHECK(rig.State(3) == kDisabled);
}

TEST_CASE("enabling a queue with a configuration that it can't have faults it") {
  GpuRig rig;
  struct Case {
    uint32_t queue, base_low, base_high, size, context, control, status;
  };
  for (const Case& c : {
           Case{0, 0x1000, 0, 11, 0, 1, abi::kStatusRingConfigurationInvalid},  // too small
           Case{0, 0x1000, 0, 21, 0, 1, abi::kStatusRingConfigurationInvalid},  // too large
           Case{0, 0x400000, 0, 12, 0, 0x101,
                abi::kStatusRingConfigurationInvalid},  // past visible VRAM
           Case{0, 0, 0x40, 12, 0, 0x101, abi::kStatusRingConfigurationInvalid},  // protected VRAM
           Case{2, 0x1000, 0, 12, 0, 1,
                abi::kStatusContextInvalid},  // the kernel's context on a user's queue
           Case{2, 0x1000, 0, 12, 5, 1, abi::kStatusContextInvalid},       // no such context
           Case{2, 0x1000, 0, 12, 0xffff, 1, abi::kStatusContextInvalid},  // no such context
           Case{0, 0xfffff000, 0xfffff, 13, 0, 1,
                abi::kStatusRingConfigurationInvalid},  // past 52 bits
       }) {
    rig.WriteQueue(c.queue, abi::kRegQueueControl, abi::kQueueControlResetMask);
    rig.WriteQueue(c.queue, abi::kRegRingBaseLo, c.base_low);
    rig.WriteQueue(c.queue, abi::kRegRingBaseHi, c.base_high);
    rig.WriteQueue(c.queue, abi::kRegRingSizeLog2, c.size);
    rig.WriteQueue(c.queue, abi::kRegQueueContext, c.context);
    rig.WriteQueue(c.queue, abi::kRegQueueControl, c.control);
    CHECK(rig.FaultStatus(c.queue) == c.status);
  }
}

TEST_CASE("a ring in visible VRAM and a fence in visible VRAM work") {
  GpuRig rig;
  auto fence = MakeCommand<abi::FenceCommand>();
  fence.value = 3;
  rig.ports.vram.StoreBytes(0x2000, {reinterpret_cast<uint8_t*>(&fence), sizeof(fence)});
  rig.WriteQueue(0, abi::kRegRingBaseLo, 0x2000);
  rig.WriteQueue(0, abi::kRegFenceAddressLo, 0x4008);
  rig.WriteQueue(0, abi::kRegQueueControl, 0x301);
  rig.Doorbell(0, 16);
  rig.Run();
  CHECK(rig.ports.vram.Load<uint64_t>(0x4008) == 3);
}

TEST_CASE("commands fill the ring to its end and go on at its start") {
  GpuRig rig;
  rig.StartQueue(0);
  auto noop = MakeCommand<abi::NoopCommand>();
  noop.length = GpuRig::kRingBytes - 16;
  rig.Push(0, noop);
  rig.Doorbell(0, GpuRig::kRingBytes - 16);
  rig.Run();
  CHECK(rig.ReadQueue(0, abi::kRegRingHead) == GpuRig::kRingBytes - 16);
  auto fence = MakeCommand<abi::FenceCommand>();
  for (uint64_t address : {GpuRig::RingAddress(0) + 4080, GpuRig::RingAddress(0)}) {
    ++fence.value;
    std::memcpy(rig.ports.bus.At(address, 16), &fence, 16);
  }
  rig.Doorbell(0, 16);
  rig.Run();
  CHECK(rig.Fence(0) == 2);
  CHECK(rig.ReadQueue(0, abi::kRegRingHead) == 16);
}

TEST_CASE("a command that runs past the tail or the ring's end is a fault, and is not read") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.Push(0, Wait(GpuRig::kData, 1));
  rig.ports.bus.ClearLog();
  rig.Doorbell(0, 16);
  rig.Run();
  CHECK(rig.FaultStatus(0) == abi::kStatusCommandStraddlesEnd);
  CHECK(rig.ports.bus.ReadsOf(GpuRig::RingAddress(0) + 16) == 0);

  rig.StartQueue(0);
  auto noop = MakeCommand<abi::NoopCommand>();
  noop.length = GpuRig::kRingBytes + 16;
  rig.Push(0, noop);
  rig.Doorbell(0, 32);
  rig.Run();
  CHECK(rig.FaultStatus(0) == abi::kStatusCommandStraddlesEnd);
}

TEST_CASE(
    "P6_each byte of a command is fetched once, and what another processor writes later is not "
    "seen") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.Push(0, Fill(GpuRig::kData, 0x11111111, 64));
  rig.PushFence(0, 1);
  rig.ports.bus.ClearLog();
  rig.ports.bus.after_read = [&](uint64_t address, uint64_t size_bytes) {
    if (address >= GpuRig::kData) return;
    std::memset(rig.ports.bus.At(address, size_bytes), 0xff, size_bytes);
  };
  rig.RingAndRun(0);
  CHECK(rig.Fence(0) == 1);
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData) == 0x11111111);
  for (uint64_t offset = 0; offset < 64; ++offset) {
    CHECK(rig.ports.bus.ReadsOf(GpuRig::RingAddress(0) + offset) == 1);
  }
}

TEST_CASE("a wait goes on in the same run when another queue writes its fence") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x5000, GpuRig::kFences);
  rig.StartQueue(1, 1);
  rig.Push(1, Wait(0x5000, 77));  // queue 0's fence
  rig.PushFence(1, 1);
  rig.Doorbell(1);
  rig.Run();
  CHECK(rig.State(1) == kWaiting);
  CHECK(rig.Fence(1) == 0);
  rig.PushFence(0, 76);
  rig.RingAndRun(0);
  CHECK(rig.Fence(1) == 0);
  rig.PushFence(0, 78);
  rig.Doorbell(0);
  while (rig.gpu->Process(1).more) {
  }
  CHECK(rig.Fence(1) == 1);
}

TEST_CASE("a wait that nothing satisfies leaves no work, and another call polls again") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.Push(0, Wait(GpuRig::kData, 1));
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  rig.Run();
  CHECK_FALSE(rig.gpu->Process(1 << 20).more);
  rig.ports.bus.Store<uint64_t>(GpuRig::kData, 1);
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 1);
}

TEST_CASE("an indirect buffer runs its commands, and a fault in it says where") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x8000, GpuRig::kData);
  rig.MapSystem(1, 0x9000, GpuRig::kData + kPage);
  rig.StartQueue(1, 1);
  auto fill = Fill(0x9000, 0x22222222, 16);
  std::memcpy(rig.ports.bus.At(GpuRig::kData, 48), &fill, 48);
  auto bad = MakeCommand<abi::FenceCommand>();  // may not stand in one
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = 0x8000;
  indirect.length_bytes = 48;
  rig.PushFence(1, 1);
  rig.Push(1, indirect);
  rig.PushFence(1, 2);
  rig.RingAndRun(1);
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + kPage + 12) == 0x22222222);
  CHECK(rig.Fence(1) == 2);

  std::memcpy(rig.ports.bus.At(GpuRig::kData + 48, 16), &bad, 16);
  indirect.length_bytes = 64;
  rig.Push(1, indirect);
  rig.PushFence(1, 3);
  rig.RingAndRun(1);
  CHECK(rig.FaultStatus(1) == abi::kStatusCommandNotPermitted);
  CHECK(rig.ReadQueue(1, abi::kRegFaultPosition) == 64);
  CHECK(rig.ReadQueue(1, abi::kRegFaultIndirectOffset) == 48);
  CHECK(rig.ReadQueue(1, abi::kRegFaultCommand) ==
        (abi::FenceCommand::kOpcode | abi::kFaultCommandInIndirectMask));
  CHECK(rig.Fence(1) == 2);
}

TEST_CASE("a refused command is counted, and the queue goes on") {
  GpuRig rig;
  rig.StartQueue(0);
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.source = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  copy.destination = GpuRig::kData;
  copy.row_bytes = 64;
  copy.row_count = 1;
  rig.Push(0, copy);
  rig.PushFence(0, 1);
  rig.RingAndRun(0);
  CHECK(rig.ReadQueue(0, abi::kRegRefusalCount) == 1);
  CHECK(rig.ReadQueue(0, abi::kRegRefusalStatus) == abi::kStatusProtectedReadRefused);
  CHECK((rig.Read(abi::kRegInterruptCause) & abi::kInterruptCauseRefusalMask) != 0);
  CHECK(rig.Fence(0) == 1);
}

TEST_CASE("a queue that is disabled in the middle of a job stops at the command's end") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.Push(0, Fill(GpuRig::kData, 0x33333333, 1 << 20));
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  CHECK(rig.gpu->Process(4096).more);
  rig.WriteQueue(0, abi::kRegQueueControl, 0);
  CHECK(rig.State(0) == kRunning);
  rig.Run();
  CHECK(rig.State(0) == kDisabled);
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + (1 << 20) - 4) == 0x33333333);
  CHECK(rig.Fence(0) == 0);
}

TEST_CASE("a queue that is disabled inside an indirect buffer leaves the rest of it for good") {
  GpuRig rig;
  rig.StartQueue(0);
  auto long_fill = Fill(GpuRig::kData + 0x10000, 0x88888888, 1 << 20);
  auto later_fill = Fill(GpuRig::kData + 0x1000, 0x99999999, 16);
  std::memcpy(rig.ports.bus.At(GpuRig::kData, 48), &long_fill, 48);
  std::memcpy(rig.ports.bus.At(GpuRig::kData + 48, 48), &later_fill, 48);
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = GpuRig::kData;
  indirect.length_bytes = 96;
  rig.Push(0, indirect);
  rig.Doorbell(0);
  rig.gpu->Process(4096);
  rig.WriteQueue(0, abi::kRegQueueControl, 0);
  rig.Run();
  rig.WriteQueue(0, abi::kRegQueueControl, abi::kQueueControlEnableMask);
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 0x1000) == 0);
  CHECK(rig.State(0) == kIdle);
}

TEST_CASE("enabling a queue starts its fences anew") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.PushFence(0, 5);
  rig.RingAndRun(0);
  rig.WriteQueue(0, abi::kRegQueueControl, 0);
  CHECK(rig.ReadQueue(0, abi::kRegLastFenceLo) == 5);
  rig.StartQueue(0);
  CHECK(rig.ReadQueue(0, abi::kRegLastFenceLo) == 0);
  rig.PushFence(0, 1);
  rig.RingAndRun(0);
  CHECK(rig.Fence(0) == 1);
}

TEST_CASE("a queue reset drops the job and writes no fence of it") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.Push(0, Fill(GpuRig::kData, 0x44444444, 1 << 20));
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  rig.gpu->Process(4096);
  rig.WriteQueue(0, abi::kRegQueueControl, abi::kQueueControlResetMask);
  CHECK(rig.State(0) == kDisabled);
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + (1 << 20) - 4) == 0);
  CHECK(rig.Fence(0) == 0);
}

TEST_CASE("an engine reset ends the commands in flight with its status") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.MapSystem(1, 0x5000, GpuRig::kData);
  rig.StartQueue(1, 1);
  rig.StartQueue(2, 1);
  rig.Push(0, Fill(GpuRig::kData, 0x55555555, 1 << 20));
  rig.Doorbell(0);
  rig.Push(1, Wait(0x5000, uint64_t{1} << 63));
  rig.Doorbell(1);
  rig.gpu->Process(80 << 10);
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  CHECK(rig.FaultStatus(0) == abi::kStatusEngineReset);
  CHECK(rig.FaultStatus(1) == abi::kStatusEngineReset);
  CHECK(rig.State(2) == kIdle);
}

TEST_CASE("every slice is bounded by its budget") {
  GpuRig rig;
  rig.StartQueue(0);
  for (int i = 0; i < 200; ++i) rig.Push(0, MakeCommand<abi::NoopCommand>());
  rig.Doorbell(0);
  rig.gpu->Process(10 * 256);
  CHECK(rig.ReadQueue(0, abi::kRegRingHead) == 160);
}

TEST_CASE("queues take turns") {
  GpuRig rig;
  rig.CreateContext(1);
  rig.StartQueue(1, 1);
  for (int i = 0; i < 100; ++i) rig.Push(0, MakeCommand<abi::NoopCommand>());
  rig.PushFence(1, 1);
  rig.Doorbell(0);
  rig.Doorbell(1);
  rig.gpu->Process(20 * 256);
  CHECK(rig.Fence(1) == 1);
}

TEST_CASE("a register access from inside a DMA access finds the chip busy") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  uint32_t seen = 1;
  rig.ports.bus.after_read = [&](uint64_t, uint64_t) {
    seen = rig.Read(abi::kRegDeviceMagic);
    rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
    rig.gpu->Process(1 << 20);
  };
  rig.Run();
  CHECK(seen == 0);
  CHECK(rig.Fence(0) == 1);
}

}  // namespace
}  // namespace ward::fakes
