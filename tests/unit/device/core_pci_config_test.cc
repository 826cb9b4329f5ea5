#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

// Walks the capability list as a driver does; 0 when there is none of that ID.
uint32_t FindCapability(GpuRig& rig, uint32_t id) {
  uint32_t at = rig.gpu->ReadConfig(0x34, 1);
  for (int steps = 0; at != 0 && steps < 48; ++steps) {
    if (rig.gpu->ReadConfig(at, 1) == id) return at;
    at = rig.gpu->ReadConfig(at + 1, 1);
  }
  return 0;
}

TEST_CASE("configuration space says what the function is") {
  GpuRig rig;
  CHECK(rig.gpu->ReadConfig(0, 4) == 0x57471234);
  CHECK(rig.gpu->ReadConfig(8, 4) == 0x03800001);
  CHECK(rig.gpu->ReadConfig(0x0e, 1) == 0);
  CHECK((rig.gpu->ReadConfig(6, 2) & 0x10) != 0);
  CHECK(FindCapability(rig, 0x01) != 0);
  CHECK(FindCapability(rig, 0x11) != 0);
  CHECK(FindCapability(rig, 0x10) != 0);
  CHECK(FindCapability(rig, 0x05) == 0);
  rig.gpu->WriteConfig(0, 4, 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0, 4) == 0x57471234);
}

TEST_CASE("accesses that configuration space does not have read all ones") {
  GpuRig rig;
  CHECK(rig.gpu->ReadConfig(1, 2) == 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0, 8) == 0xffffffff);
  CHECK(rig.gpu->ReadConfig(4096, 4) == 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0xfffffffc, 4) == 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0x100, 4) == 0);
}

TEST_CASE("BARs answer sizing with their sizes and types") {
  GpuRig rig;
  for (uint32_t bar = 0; bar < 6; ++bar) rig.gpu->WriteConfig(0x10 + 4 * bar, 4, 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0x10, 4) == 0xffe00000);
  CHECK(rig.gpu->ReadConfig(0x14, 4) == 0);
  CHECK(rig.gpu->ReadConfig(0x18, 4) == 0xffc0000c);
  CHECK(rig.gpu->ReadConfig(0x1c, 4) == 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0x20, 4) == 0xfffff000);
  CHECK(rig.gpu->ReadConfig(0x24, 4) == 0);
  rig.gpu->WriteConfig(0x30, 4, 0xffffffff);
  CHECK(rig.gpu->ReadConfig(0x30, 4) == 0);
}

TEST_CASE("a function-level reset clears registers and configuration, BARs excepted") {
  GpuRig rig;
  const uint32_t express = FindCapability(rig, 0x10);
  CHECK((rig.gpu->ReadConfig(express + 4, 4) & 1u << 28) != 0);
  rig.gpu->WriteConfig(0x10, 4, 0xfe000000);
  rig.gpu->WriteConfig(4, 2, 6);
  rig.Write(abi::kRegScratch, 1);
  const uint32_t epoch = rig.Read(abi::kRegKeyEpoch);
  rig.gpu->WriteConfig(express + 8, 2, rig.gpu->ReadConfig(express + 8, 2) | 1u << 15);
  CHECK(rig.Read(abi::kRegScratch) == 0);
  CHECK(rig.gpu->ReadConfig(4, 2) == 0);
  CHECK(rig.gpu->ReadConfig(0x10, 4) == 0xfe000000);
  CHECK((rig.gpu->ReadConfig(express + 8, 2) & 1u << 15) == 0);
  CHECK(rig.Read(abi::kRegKeyEpoch) == epoch + 1);
}

TEST_CASE("D3hot stops the function, and coming back resets it") {
  GpuRig rig;
  const uint32_t power = FindCapability(rig, 0x01) + 4;
  rig.Write(abi::kRegScratch, 1);
  rig.StartQueue(0);
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  rig.gpu->WriteConfig(power, 2, 1);  // D1 is not offered
  CHECK((rig.gpu->ReadConfig(power, 2) & 3) == 0);
  rig.gpu->WriteConfig(power, 2, 3);
  CHECK((rig.gpu->ReadConfig(power, 2) & 3) == 3);
  CHECK(rig.Read(abi::kRegScratch) == 0xffffffff);
  rig.Run();
  CHECK(rig.Fence(0) == 0);
  rig.gpu->WriteConfig(power, 2, 0);
  CHECK(rig.Read(abi::kRegScratch) == 0);
  CHECK(rig.State(0) == 0);
}

TEST_CASE("a masked MSI-X vector is pending until it is unmasked") {
  GpuRig rig;
  const uint32_t control = FindCapability(rig, 0x11) + 2;
  CHECK((rig.gpu->ReadConfig(control, 2) & 0x7ff) == abi::kVectorCount - 1);
  rig.Write(abi::kRegInterruptVector, 5);
  rig.Write(abi::kRegInterruptEnable, 1);
  rig.gpu->WriteConfig(control, 2, 0x8000);
  rig.gpu->WriteConfig(4, 2, 6);
  rig.StartQueue(0);
  const auto fence = [&](uint64_t value) {
    rig.PushFence(0, value, abi::FenceCommand::kFlagInterrupt);
    rig.RingAndRun(0);
  };
  fence(1);  // vectors are masked after reset
  CHECK(rig.ports.interrupts.vectors.empty());
  CHECK(rig.gpu->ReadMsix(abi::kMsixPbaOffset, 4) == 1u << 5);
  rig.gpu->WriteMsix(5 * 16 + 12, 4, 0);
  CHECK(rig.ports.interrupts.vectors == std::vector<uint32_t>{5});
  CHECK(rig.gpu->ReadMsix(abi::kMsixPbaOffset, 4) == 0);
  fence(2);
  CHECK(rig.ports.interrupts.vectors.size() == 2);
  rig.gpu->WriteConfig(control, 2, 0xc000);  // function mask
  fence(3);
  rig.gpu->WriteConfig(4, 2, 2);  // bus mastering off
  rig.gpu->WriteConfig(control, 2, 0x8000);
  CHECK(rig.ports.interrupts.vectors.size() == 2);
  rig.gpu->WriteConfig(4, 2, 6);
  CHECK(rig.ports.interrupts.vectors.size() == 3);
}

TEST_CASE("the MSI-X table keeps what is written, and nothing else of BAR4 does") {
  GpuRig rig;
  rig.gpu->WriteMsix(31 * 16, 4, 0xfee00003);
  rig.gpu->WriteMsix(31 * 16 + 8, 4, 0x4041);
  CHECK(rig.gpu->ReadMsix(31 * 16, 4) == 0xfee00000);
  CHECK(rig.gpu->ReadMsix(31 * 16 + 8, 4) == 0x4041);
  CHECK(rig.gpu->ReadMsix(31 * 16 + 12, 4) == 1);
  for (uint64_t offset :
       {uint64_t{0x200}, uint64_t{0x7fc}, uint64_t{0x800}, uint64_t{0xffc}, ~uint64_t{3}}) {
    rig.gpu->WriteMsix(offset, 4, 0xffffffff);
    CHECK(rig.gpu->ReadMsix(offset, 4) == 0);
  }
  CHECK(rig.gpu->ReadMsix(0, 8) == 0);
  CHECK(rig.gpu->ReadMsix(2, 4) == 0);
}

}  // namespace
}  // namespace ward::fakes
