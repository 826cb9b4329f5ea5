#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

TEST_CASE("the identity registers name the device and its limits") {
  GpuRig rig;
  CHECK(rig.Read(abi::kRegDeviceMagic) == 0x44524157);
  CHECK(rig.Read(abi::kRegAbiVersion) == 0x00010003);
  CHECK(rig.Read(abi::kRegVisibleVramSizeLo) == GpuRig::kVisibleBytes);
  CHECK(rig.Read(abi::kRegProtectedVramSizeLo) == GpuRig::kProtectedBytes);
  CHECK(rig.Read(abi::kRegDeviceStatus) == 1);
}

TEST_CASE("an access that is not an aligned 32-bit one reads zero and writes nothing") {
  GpuRig rig;
  rig.Write(abi::kRegScratch, 0x12345678);
  for (uint32_t size : {0u, 1u, 2u, 3u, 8u, 0xffffffffu}) {
    CHECK(rig.gpu->ReadRegister(abi::kRegScratch, size) == 0);
    rig.gpu->WriteRegister(abi::kRegScratch, size, 0xffffffff);
  }
  CHECK(rig.gpu->ReadRegister(abi::kRegScratch + 2, 4) == 0);
  rig.gpu->WriteRegister(abi::kRegScratch + 1, 4, 0xffffffff);
  CHECK(rig.Read(abi::kRegScratch) == 0x12345678);
}

TEST_CASE("an offset that no register has reads zero and leaves a trace") {
  GpuRig rig;
  rig.ports.trace.events.clear();
  CHECK(rig.Read(0x60) == 0);
  rig.Write(0xfffc, 1);
  CHECK(rig.Read(uint64_t{1} << 40) == 0);
  CHECK(rig.ports.trace.CountOf("unmodelled access") == 3);
}

TEST_CASE("a read of the timestamp's low half holds the high half still") {
  GpuRig rig;
  rig.ports.clock.now_ns = 0x1fffffff0;
  CHECK(rig.Read(abi::kRegTimestampLo) == 0xfffffff0);
  rig.ports.clock.now_ns = 0x200000010;
  CHECK(rig.Read(abi::kRegTimestampHi) == 1);
  CHECK(rig.Read(abi::kRegTimestampLo) == 0x10);
  CHECK(rig.Read(abi::kRegTimestampHi) == 2);
}

TEST_CASE("a queue's configuration is locked while the queue is enabled") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.WriteQueue(0, abi::kRegRingBaseLo, 0xabc000);
  rig.WriteQueue(0, abi::kRegFenceAddressHi, 1);
  rig.WriteQueue(0, abi::kRegQueueControl,
                 abi::kQueueControlEnableMask | abi::kQueueControlRingLocalMask);
  CHECK(rig.ReadQueue(0, abi::kRegRingBaseLo) == GpuRig::RingAddress(0));
  CHECK(rig.ReadQueue(0, abi::kRegFenceAddressHi) == 0);
  CHECK(rig.ReadQueue(0, abi::kRegQueueControl) == abi::kQueueControlEnableMask);
}

TEST_CASE("an enabled cause sends its vector, and one that was pending sends it when enabled") {
  GpuRig rig;
  rig.StartQueue(0);
  rig.Write(abi::kRegInterruptVector, 7);
  rig.PushFence(0, 1, abi::FenceCommand::kFlagInterrupt);
  rig.RingAndRun(0);
  CHECK(rig.Read(abi::kRegInterruptCause) == 1);
  CHECK(rig.ports.interrupts.vectors.empty());
  rig.Write(abi::kRegInterruptEnable, 1);
  CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{7});
  rig.PushFence(0, 2, abi::FenceCommand::kFlagInterrupt);
  rig.RingAndRun(0);
  CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{7, 7});
  rig.Write(abi::kRegInterruptCause, 1);
  CHECK(rig.Read(abi::kRegInterruptCause) == 0);
}

TEST_CASE("a vector that is pending when the function is reset is never sent") {
  GpuRig rig;
  rig.gpu->WriteConfig(4, 2, 6);          // memory, bus mastering
  rig.gpu->WriteConfig(0x52, 2, 0x8000);  // MSI-X on, its vectors masked
  rig.Write(abi::kRegInterruptEnable, 0xffffffff);
  rig.StartQueue(0);
  auto unknown = MakeCommand<abi::NoopCommand>();
  unknown.opcode = 0x7777;
  rig.Push(0, unknown);
  rig.RingAndRun(0);
  REQUIRE(rig.gpu->ReadMsix(abi::kMsixPbaOffset, 4) != 0);
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  CHECK(rig.gpu->ReadMsix(abi::kMsixPbaOffset, 4) == 0);
  rig.gpu->WriteMsix(12, 4, 0);
  CHECK(rig.ports.interrupts.vectors.empty());
}

TEST_CASE("KEYS_LOST is set by each reset of the function, and not at power-on") {
  GpuRig rig;
  CHECK(rig.Read(abi::kRegInterruptCause) == 0);
  rig.gpu->Reset(device::ResetKind::kFunction);
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseKeysLostMask);
  rig.Write(abi::kRegInterruptEnable, abi::kInterruptEnableKeysLostMask);
  CHECK(rig.ports.interrupts.vectors.size() == 1);
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseKeysLostMask);
  CHECK(rig.ports.interrupts.vectors.size() == 1);
  rig.gpu->Reset(device::ResetKind::kPowerOn);
  CHECK(rig.Read(abi::kRegInterruptCause) == 0);
}

TEST_CASE("Create refuses memory sizes that the contract does not have") {
  FakePorts ports;
  for (auto [visible, hidden] : {std::pair<uint64_t, uint64_t>{0, 1 << 20},
                                 {3 << 20, 1 << 20},
                                 {1 << 19, 1 << 20},
                                 {uint64_t{16} << 30, 1 << 20},
                                 {1 << 20, 0},
                                 {1 << 20, 4097},
                                 {1 << 20, uint64_t{9} << 30}}) {
    device::GpuOptions options = GpuRig::Options();
    options.visible_vram_bytes = visible;
    options.protected_vram_bytes = hidden;
    CHECK_FALSE(device::Gpu::Create(options, ports.ports()).ok());
  }
}

}  // namespace
}  // namespace ward::fakes
