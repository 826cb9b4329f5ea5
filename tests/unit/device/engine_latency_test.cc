// The time that engines take with the realistic preset: the figures are those of
// docs/spec/queues.md.
#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward {
namespace {

using fakes::GpuRig;
using fakes::MakeCommand;

constexpr uint64_t kLocal = abi::kPhysicalLocal;

device::GpuOptions Realistic() {
  device::GpuOptions options = GpuRig::Options();
  options.latency = device::LatencyPreset::kRealistic;
  return options;
}

abi::FillCommand Fill(uint64_t destination, uint32_t bytes) {
  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = destination;
  fill.value = 0x5a5a5a5a;
  fill.row_bytes = bytes;
  fill.row_count = 1;
  return fill;
}

abi::CopyCommand Copy(uint64_t destination, uint64_t source, uint32_t bytes) {
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.destination = destination;
  copy.source = source;
  copy.row_bytes = bytes;
  copy.row_count = 1;
  return copy;
}

// Virtual time from the doorbell to the fence behind the command.
template <typename T>
uint64_t TimeOf(const device::GpuOptions& options, const T& command) {
  GpuRig rig(options);
  rig.StartQueue(0);
  rig.Push(0, command);
  rig.PushFence(0, 1);
  const uint64_t start = rig.ports.clock.now_ns;
  rig.RingAndRun(0);
  REQUIRE(rig.Fence(0) == 1);
  return rig.ports.clock.now_ns - start;
}

TEST_CASE("Engines take the time of their sizes, and none with the fast preset") {
  CHECK(TimeOf(Realistic(), Fill(kLocal | 0x200000, 4096)) == 5000 + 4096 / 16);
  CHECK(TimeOf(Realistic(), Fill(GpuRig::kData, 4096)) == 5000 + 4096 / 16 + 2000 + 4096 / 8);
  CHECK(TimeOf(Realistic(), Copy(kLocal | 0x200000, GpuRig::kData, 65536)) ==
        5000 + 2 * 65536 / 16 + 2000 + 65536 / 8);
  CHECK(TimeOf(GpuRig::Options(), Copy(kLocal | 0x200000, GpuRig::kData, 65536)) == 0);
}

TEST_CASE("Until an engine's time is over its queue runs, and others go on") {
  GpuRig rig(Realistic());
  rig.CreateContext(1);
  rig.WriteQueue(1, abi::kRegQueueTimeout, 1);
  rig.StartQueue(1, 1);
  rig.Push(0, Fill(kLocal | 0x200000, 4096));
  rig.PushFence(0, 100);
  rig.PushFence(1, 1);
  rig.Doorbell(0);
  rig.Doorbell(1);
  const device::ProcessResult result = rig.gpu->Process(1 << 20);
  CHECK_FALSE(result.more);
  CHECK(result.wakeup_ns == rig.ports.clock.now_ns + 5256);
  CHECK(rig.Fence(0) != 100);
  CHECK(rig.Fence(1) == 1);
  CHECK(rig.State(0) == 2);
  rig.ports.clock.now_ns = result.wakeup_ns - 1;
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) != 100);
  // It comes back from a saved state as it was.
  const auto saved = rig.gpu->SaveState({});
  REQUIRE(saved.ok());
  REQUIRE(rig.gpu->LoadState(saved.value(), nullptr).ok());
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) != 100);
  rig.ports.clock.now_ns = result.wakeup_ns;
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 100);
  CHECK((rig.Read(abi::kRegInterruptCause) & abi::kInterruptCauseHangMask) == 0);
}

TEST_CASE("A reset of the engines ends a command whose time is not over") {
  GpuRig rig(Realistic());
  rig.StartQueue(0);
  rig.Push(0, Fill(kLocal | 0x200000, 4096));
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  rig.gpu->Process(1 << 20);
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  CHECK(rig.FaultStatus(0) == abi::kStatusEngineReset);
  rig.ports.clock.now_ns += 1'000'000;
  rig.gpu->Process(1 << 20);
  CHECK(rig.Fence(0) == 0);
}

TEST_CASE("An engine that hangs is counted from power-on, across resets of the function") {
  device::GpuOptions options = GpuRig::Options();
  options.engine_hang_after = 2;
  GpuRig rig(options);
  for (const bool hangs : {false, true, false}) {
    rig.gpu->Reset(device::ResetKind::kFunction);
    rig.StartQueue(0);
    rig.Push(0, Fill(kLocal | 0x200000, 4096));
    rig.PushFence(0, 1);
    rig.ports.bus.Store<uint64_t>(GpuRig::FenceAddress(0), 0);
    rig.RingAndRun(0);
    CHECK((rig.Fence(0) == 0) == hangs);
  }
}

TEST_CASE("Firmware is made slower within bounds only") {
  for (const uint32_t factor : {0u, 1001u}) {
    device::GpuOptions options = GpuRig::Options();
    options.firmware_slowdown = factor;
    fakes::FakePorts ports(GpuRig::kVisibleBytes);
    const auto made = device::Gpu::Create(options, ports.ports());
    REQUIRE_FALSE(made.ok());
    CHECK(made.fault().status == abi::kStatusInvalidArgument);
  }
}

}  // namespace
}  // namespace ward
