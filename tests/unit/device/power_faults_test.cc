// F15 of docs/security-model.md: the function goes to D3hot in the middle of an access, of ring
// work and of DMA. What a host does whose BARs are switched off is in
// tests/unit/kmd/bar_faults_test.cc.
#include <vector>

#include "tests/unit/device/fault_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kVictim = 1;
constexpr uint64_t kPage = abi::kPageSize;
constexpr uint64_t kJobBytes = 16 * kPage;
constexpr uint64_t kJobSource = 0x20000, kJobDestination = 0x60000;  // of context 1
constexpr uint64_t kJobData = GpuRig::kData + 0x300000;
constexpr uint32_t kAllOnes = 0xffffffff;

class PowerRig : public FaultRig {
 public:
  PowerRig() {
    OpenVictim();
    Write(abi::kRegInterruptEnable, 1u << kVictim);
  }
  void OpenVictim() {
    Open(kVictim);
    for (uint64_t at = 0; at < kJobBytes; at += kPage) {
      MapSystem(kVictim, kJobSource + at, kJobData + at);
      MapSystem(kVictim, kJobDestination + at, kJobData + kJobBytes + at);
    }
  }
  void PowerDown() { gpu->WriteConfig(kPowerControl, 2, kD3Hot); }
  uint64_t Read64(uint32_t low) { return Read(low) | uint64_t{Read(low + 4)} << 32; }
};

TEST_CASE("F15_ D3hot between the halves of a 64-bit register leaves no half behind") {
  PowerRig rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    const uint32_t queue = dice.Between(2, abi::kQueueBlockCount - 1);
    const uint32_t low =
        GpuRig::At(queue, dice.OneOf({abi::kRegRingBaseLo, abi::kRegFenceAddressLo}));
    const bool high_first = dice.Below(2) == 0;
    rig.Write(high_first ? low + 4 : low, high_first ? 0x3 : 0x40000000);
    rig.PowerDown();
    CHECK(rig.Read64(low) == ~uint64_t{0});
    rig.Write(high_first ? low : low + 4, high_first ? 0x40000000 : 0x3);
    rig.PowerUp();
    CHECK(rig.Read64(low) == 0);
    rig.Write(low, 0x40000000);
    rig.Write(low + 4, 0x3);
    CHECK(rig.Read64(low) == 0x340000000);
  }
  CHECK(rig.FreshSessionDecrypts());
}

TEST_CASE("F15_ D3hot between the halves of the time gives no time that never was") {
  PowerRig rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    // Just before the low half wraps, so that a torn pair would be seen.
    rig.ports.clock.now_ns = (uint64_t{seed} + 1) << 32 | (kAllOnes - dice.Below(4));
    CHECK(rig.Read(abi::kRegTimestampLo) == static_cast<uint32_t>(rig.ports.clock.now_ns));
    rig.PowerDown();
    CHECK(rig.Read(abi::kRegTimestampHi) == kAllOnes);
    rig.ports.clock.now_ns += dice.Between(4, 1000);
    rig.PowerUp();
    CHECK(rig.Read(abi::kRegTimestampHi) == 0);  // as after every reset, until the low half is read
    CHECK(rig.Read64(abi::kRegTimestampLo) == rig.ports.clock.now_ns);
  }
}

TEST_CASE("F15_ D3hot amid a ring and its DMA: no access, no vector, no doorbell until D0") {
  PowerRig rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    auto copy = MakeCommand<abi::CopyCommand>();
    copy.destination = kJobDestination;
    copy.source = kJobSource;
    copy.row_bytes = kJobBytes;
    copy.row_count = 1;
    for (int i = 0; i < 3; ++i) rig.Push(kVictim, copy);
    rig.PushFence(kVictim, 1, abi::FenceCommand::kFlagInterrupt);
    rig.Doorbell(kVictim);
    const uint32_t steps = dice.Below(12);
    for (uint32_t i = 0; i < steps; ++i) rig.gpu->Process(dice.Between(1, 16 << 10));
    REQUIRE(rig.State(kVictim) == 2);
    rig.PowerDown();
    rig.ports.bus.ClearLog();
    rig.ports.interrupts.vectors.clear();
    for (uint32_t i = 0; i < 8; ++i) {
      rig.Doorbell(dice.Below(abi::kQueueBlockCount), 16 * dice.Below(64));
      rig.Write(abi::kRegDeviceControl, dice.Below(4));
      CHECK_FALSE(rig.gpu->Process(dice.Between(1, 1 << 20)).more);
      rig.ports.clock.now_ns += dice.Below(1000000);
    }
    CHECK(rig.Read(abi::kRegDeviceMagic) == kAllOnes);
    CHECK(rig.ports.bus.log().empty());
    CHECK(rig.ports.interrupts.vectors.empty());
    rig.gpu->WriteConfig(FaultRig::kPowerControl, 2, FaultRig::kD0);
    // Back from D3hot, nothing of it goes on.
    CHECK(rig.IsQuiet());
    CHECK(rig.State(kVictim) == 0);
    CHECK(rig.Fence(kVictim) == 0);
    rig.PowerUp();
    rig.OpenVictim();
    rig.Write(abi::kRegInterruptCause, ~0u);
  }
  CHECK(rig.FreshSessionDecrypts());
}

}  // namespace
}  // namespace ward::fakes
