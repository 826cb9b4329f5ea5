// Holds the chip against the contract's register table, every register, block and element.
#include <functional>
#include <map>
#include <set>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/chip.h"
#include "tests/integration/config_space.h"
#include "tests/integration/function_under_test.h"

namespace ward::fakes {
namespace {

using abi::RegisterAccess;
using abi::RegisterInfo;
using test::Inside;
using test::MakeChip;
using test::Need;
using test::NeedsScope;
using test::Offers;

void ForEachRegister(const std::function<void(const RegisterInfo&, uint32_t)>& visit) {
  for (const RegisterInfo& info : abi::kRegisters) {
    for (uint32_t block = 0; block < info.block_count; ++block) {
      for (uint32_t element = 0; element < info.element_count; ++element) {
        visit(info, info.offset + block * info.block_stride + element * 4);
      }
    }
  }
}

// What a write keeps. ENABLE of a queue starts it and locks the rest: it has tests of its own.
uint32_t KeptMask(const RegisterInfo& info) {
  if (info.offset == abi::kRegQueueControl) return info.writable_mask & ~1u;
  return info.writable_mask;
}

// A value outside of the modes is ignored, which is a rule of its own.
bool KeepsEveryValue(const RegisterInfo& info) { return info.offset != abi::kRegOutputMode; }

// Of all state, where it can be seen.
uint64_t HashOf(QueueRig& rig) { return Offers(Need::kInside) ? Inside(rig).gpu->StateHash() : 0; }

TEST_CASE("every register has its reset value, at power-on and after each reset") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  // A reset of the function sets one cause, and power-on none.
  const auto check_all = [&](bool keys_lost) {
    ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
      if (info.reset_is_option) return;
      INFO(info.name << " at " << offset);
      if (info.offset == abi::kRegInterruptCause) {
        CHECK(rig.Read(offset) == (keys_lost ? abi::kInterruptCauseKeysLostMask : 0));
        return;
      }
      CHECK(rig.Read(offset) == info.reset_value);
    });
  };
  const auto disturb = [&] {
    ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
      if (info.access == RegisterAccess::kRw && info.offset != abi::kRegDeviceControl) {
        rig.Write(offset, 0xffffffff);
      }
    });
    // Outputs are on: their vblanks would never let the chip come to rest.
    rig.Write(abi::kRegInterruptEnable,
              ~(abi::kInterruptCauseVblank0Mask | abi::kInterruptCauseVblank1Mask));
    rig.StartQueue(0);
    rig.PushFence(0, 3, abi::FenceCommand::kFlagInterrupt);
    rig.PushFence(0, 3);
    rig.RingAndRun(0);
  };
  check_all(test::ChosenFunction() != nullptr);  // that one was reset
  disturb();
  rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  check_all(true);
  disturb();
  rig.ResetFunction();
  check_all(true);
  if (!Offers(Need::kInside)) return;
  disturb();
  Inside(rig).gpu->Reset(device::ResetKind::kPowerOn);
  check_all(false);
}

TEST_CASE("a read-write register keeps its writable bits and no other") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    if (info.access != RegisterAccess::kRw || info.offset == abi::kRegDeviceControl ||
        !KeepsEveryValue(info)) {
      return;
    }
    const uint32_t mask = KeptMask(info);
    for (uint32_t bit = 0; bit < 32; ++bit) {
      if ((info.action_mask >> bit & 1) != 0 || (info.writable_mask & ~mask) >> bit & 1) continue;
      INFO(info.name << " bit " << bit);
      rig.Write(offset, 1u << bit);
      CHECK(rig.Read(offset) == (1u << bit & mask));
    }
    rig.Write(offset, info.reset_value & mask);
  });
}

TEST_CASE("read-only, read-as-zero and write-only registers ignore what is written") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    const bool fixed = info.access == RegisterAccess::kRo || info.access == RegisterAccess::kRaz;
    const bool is_time = info.offset == abi::kRegTimestampLo || info.offset == abi::kRegTimestampHi;
    if (!fixed || is_time) return;
    INFO(info.name << " at " << offset);
    const uint32_t before = rig.Read(offset);
    rig.Write(offset, ~before);
    CHECK(rig.Read(offset) == before);
    if (info.access == RegisterAccess::kRaz) CHECK(before == 0);
  });
}

TEST_CASE("bits that act read zero") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    if (info.action_mask == 0) return;
    INFO(info.name << " at " << offset);
    rig.Write(offset, info.action_mask);
    CHECK((rig.Read(offset) & info.action_mask) == 0);
  });
}

TEST_CASE("a cause is cleared by the one that is written to it, and by nothing else") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  rig.Write(abi::kRegInterruptCause, 0xffffffff);
  rig.StartQueue(0);
  rig.PushFence(0, 1, abi::FenceCommand::kFlagInterrupt);
  rig.PushFence(0, 1);  // a fault
  rig.RingAndRun(0);
  const uint32_t both = 1 | abi::kInterruptCauseFaultMask;
  CHECK(rig.Read(abi::kRegInterruptCause) == both);
  rig.Write(abi::kRegInterruptCause, 0);
  rig.Write(abi::kRegInterruptCause, ~both);
  CHECK(rig.Read(abi::kRegInterruptCause) == both);
  rig.Write(abi::kRegInterruptCause, 1);
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseFaultMask);
  rig.Write(abi::kRegInterruptCause, 0xffffffff);
  CHECK(rig.Read(abi::kRegInterruptCause) == 0);
}

TEST_CASE("no register is another one's alias") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  std::map<uint32_t, uint32_t> expected;
  uint32_t next = 0x9e3779b9;
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    if (info.access != RegisterAccess::kRw || info.offset == abi::kRegDeviceControl ||
        !KeepsEveryValue(info)) {
      return;
    }
    next = next * 1664525 + 1013904223;
    const uint32_t value = next & KeptMask(info);
    rig.Write(offset, value);
    expected[offset] = value;
  });
  for (const auto& [offset, value] : expected) {
    INFO("offset " << offset);
    CHECK(rig.Read(offset) == value);
  }
}

TEST_CASE("an offset that is not described reads zero, ignores writes, and is traced") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  std::set<uint32_t> described;
  ForEachRegister([&](const RegisterInfo&, uint32_t offset) { described.insert(offset); });
  const uint64_t before = HashOf(rig);
  size_t count = 0;
  if (Offers(Need::kInside)) Inside(rig).ports.trace.events.clear();
  bool all_zero = true;
  const auto probe = [&](uint32_t offset) {
    if (described.count(offset) != 0) return;
    rig.Write(offset, 0xffffffff);
    all_zero = all_zero && rig.Read(offset) == 0;
    count += 2;
  };
  for (uint32_t offset = 0; offset < 0x10000; offset += 4) probe(offset);
  for (uint32_t offset = 0x10000; offset < abi::kRegisterBarSize; offset += 0x3fc) probe(offset);
  CHECK(all_zero);
  CHECK(HashOf(rig) == before);
  if (Offers(Need::kInside)) {
    CHECK(Inside(rig).ports.trace.CountOf("unmodelled access") == count);
  }
}

// A driver has no other accesses to make.
TEST_CASE("only aligned accesses of 32 bits reach a register", "[needs-inside]") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  GpuRig& rig = Inside(*chip);
  const uint64_t before = rig.gpu->StateHash();
  bool all_zero = true;
  ForEachRegister([&](const RegisterInfo&, uint32_t offset) {
    for (uint32_t size : {1u, 2u, 8u}) {
      all_zero = all_zero && rig.gpu->ReadRegister(offset, size) == 0;
      rig.gpu->WriteRegister(offset, size, 0xffffffff);
    }
    for (uint32_t skew : {1u, 2u, 3u}) {
      all_zero = all_zero && rig.gpu->ReadRegister(offset + skew, 4) == 0;
      rig.gpu->WriteRegister(offset + skew, 4, 0xffffffff);
    }
  });
  CHECK(all_zero);
  CHECK(rig.gpu->StateHash() == before);
}

constexpr uint32_t kD0 = 0, kD1 = 1, kD2 = 2, kD3Hot = 3;

// PCI Express Base 4.0, 7.5.2.2: PMCSR of the power management capability.
uint32_t PowerControl(QueueRig& rig) {
  const uint32_t capability = test::FindCapability(
      test::kPowerManagementCapability,
      [&](uint32_t offset, uint32_t size) { return rig.ReadConfig(offset, size); });
  REQUIRE(capability != 0);
  return capability + 4;
}

TEST_CASE("in D3hot every register reads all ones and ignores writes, whatever the access",
          "[needs-power]") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  NeedsScope::Use(Need::kPower);
  rig.StartQueue(0);
  rig.WriteConfig(PowerControl(rig), 2, kD3Hot);
  const uint64_t before = HashOf(rig);
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    INFO(info.name << " at " << offset);
    CHECK(rig.Read(offset) == 0xffffffff);
    for (const uint32_t value : {0u, 1u, 0xffffffffu}) rig.Write(offset, value);
    if (!Offers(Need::kInside)) return;
    for (const uint32_t size : {1u, 2u, 8u}) {
      CHECK(Inside(rig).gpu->ReadRegister(offset, size) == 0xffffffff);
      Inside(rig).gpu->WriteRegister(offset, size, 0xffffffff);
    }
  });
  CHECK(rig.Read(abi::kRegisterBarSize - 4) == 0xffffffff);
  CHECK(HashOf(rig) == before);
  if (Offers(Need::kInside)) CHECK_FALSE(Inside(rig).gpu->Process(1 << 20).more);
  CHECK(HashOf(rig) == before);
  rig.WriteConfig(PowerControl(rig), 2, kD0);
}

TEST_CASE("back in D0 every register has its reset value and keeps what is written again",
          "[needs-power]") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  NeedsScope::Use(Need::kPower);
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    if (info.access == RegisterAccess::kRw && info.offset != abi::kRegDeviceControl) {
      rig.Write(offset, 0xffffffff);
    }
  });
  rig.WriteConfig(PowerControl(rig), 2, kD3Hot);
  rig.WriteConfig(PowerControl(rig), 2, kD0);
  ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
    if (info.reset_is_option) return;
    INFO(info.name << " at " << offset);
    const bool is_cause = info.offset == abi::kRegInterruptCause;
    CHECK(rig.Read(offset) == (is_cause ? abi::kInterruptCauseKeysLostMask : info.reset_value));
    if (info.access != RegisterAccess::kRw || info.offset == abi::kRegDeviceControl) return;
    const uint32_t mask = KeepsEveryValue(info) ? KeptMask(info) : 0;
    rig.Write(offset, mask);
    CHECK(rig.Read(offset) == mask);
    rig.Write(offset, info.reset_value & mask);
  });
}

TEST_CASE("D1 and D2 are not offered: registers stay what they are", "[needs-power]") {
  const NeedsScope needs;
  const auto chip = MakeChip();
  QueueRig& rig = *chip;
  NeedsScope::Use(Need::kPower);
  rig.Write(abi::kRegInterruptCause, 0xffffffff);
  rig.Write(abi::kRegScratch, 0x12345678);
  for (const uint32_t state : {kD1, kD2}) {
    rig.WriteConfig(PowerControl(rig), 2, state);
    CHECK(rig.ReadConfig(PowerControl(rig), 2) == kD0);
    ForEachRegister([&](const RegisterInfo& info, uint32_t offset) {
      if (info.reset_is_option) return;
      INFO(info.name);
      CHECK(rig.Read(offset) == (info.offset == abi::kRegScratch ? 0x12345678 : info.reset_value));
    });
  }
}

}  // namespace
}  // namespace ward::fakes
