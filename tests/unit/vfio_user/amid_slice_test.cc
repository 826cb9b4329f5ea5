// What registers say, and what becomes of writes to them, while the chip waits for memory that its
// client gives by messages. As QEMU's, these clients answer no DMA before their own access is
// answered.
#include <chrono>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/waiting_chip.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr uint32_t kIdle = 1, kRunning = 2, kWaiting = 3;  // of QUEUE_STATUS

// A chip that has fence 2 in memory and has asked for what the WAIT behind it looks at, but not got
// it. Fence 1 is an earlier slice's: by then the server knows that its memory is reached by
// messages.
struct BehindFence : WaitingChip {
  static constexpr uint64_t kFlag = 0x3000;

  explicit BehindFence(bool interrupts = false)
      : WaitingChip({}, {.fences = {1}, .interrupts = interrupts}) {
    AnswerAll();
    REQUIRE(driver.AwaitFence(1));
    client.SetRegister(abi::kRegInterruptCause, 1);
    driver.PushFence(2, interrupts);
    auto wait = fakes::MakeCommand<abi::WaitCommand>();  // for zero, which is there
    wait.address = ram.bus() + kFlag;
    driver.Push(wait);
    driver.PushFence(3, interrupts);
    Begin();
    AnswerUntilFence();
    AnswerOne();
  }
};

uint32_t StateOf(WireClient* client) {
  return client->Register(abi::kRegQueueStatus) & abi::kQueueStatusStateMask;
}

TEST_CASE("who sees a fence in his memory reads registers that are as far, amid a slice too") {
  BehindFence chip(true);
  REQUIRE(chip.ram.Load<uint64_t>(chip.ram.bus() + TestDriver::kFence) == 2);
  REQUIRE(chip.asked.header.command == Command::kDmaRead);
  CHECK(chip.client.Register(abi::kRegLastFenceLo) == 2);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 1);
  CHECK(chip.client.Register(abi::kRegRingHead) ==
        2 * abi::FenceCommand::kSizeBytes + abi::WaitCommand::kSizeBytes);
  CHECK(StateOf(&chip.client) == kWaiting);
  chip.AnswerAll();
  CHECK(chip.driver.AwaitFence(3));
}

TEST_CASE("a queue is not idle and its fence not written while the fence is on its way") {
  WaitingChip chip({}, {.interrupts = true});
  chip.AnswerUntilFence();
  CHECK(StateOf(&chip.client) == kRunning);
  CHECK(chip.client.Register(abi::kRegLastFenceLo) == 0);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 0);
  chip.AnswerAll();
  CHECK(chip.driver.AwaitFence(7));
  CHECK(StateOf(&chip.client) == kIdle);
}

TEST_CASE("a cause that comes after the answer to its clearing stays") {
  WaitingChip chip({}, {.interrupts = true});  // nothing has happened yet
  chip.client.SetRegister(abi::kRegInterruptCause, 0xffffffff);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(7));
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 1);
}

TEST_CASE("a cause that was there, and comes again after the answer to its clearing, stays") {
  BehindFence chip(true);
  chip.client.SetRegister(abi::kRegInterruptCause, 1);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 0);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(3));
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 1);
}

TEST_CASE("a cause that does not come again is cleared when the slice is over") {
  WaitingChip chip({}, {.fences = {1}, .interrupts = true});
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(1));
  REQUIRE(chip.client.Register(abi::kRegInterruptCause) == 1);
  chip.driver.PushFence(2);  // does not interrupt
  chip.Begin();
  chip.client.SetRegister(abi::kRegInterruptCause, 1);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 0);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(2));
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 0);
}

TEST_CASE("while vectors are held back, no cause is cleared amid a slice") {
  WaitingChip chip({}, {.fences = {1}, .interrupts = true});
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(1));
  REQUIRE(chip.client.Register(abi::kRegInterruptCause) == 1);
  chip.client.SetRegister(abi::kRegInterruptModeration,
                          8u | 60'000u << abi::kInterruptModerationMicrosecondsShift);
  chip.driver.PushFence(2, true);
  chip.Begin();
  chip.client.SetRegister(abi::kRegInterruptCause, 1);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 1);
  chip.AnswerAll();
  REQUIRE(chip.driver.AwaitFence(2));
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 1);
}

TEST_CASE("what a reset causes is cleared by a write behind it, amid a slice too") {
  WaitingChip chip;
  chip.client.SetRegister(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  chip.client.SetRegister(abi::kRegInterruptCause, abi::kInterruptCauseKeysLostMask);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 0);
}

// A command that waits for memory which is being read when the engines are reset.
struct AmidWait : WaitingChip {
  static constexpr uint64_t kFlag = 0x3000;

  AmidWait() : WaitingChip({}, {.fences = {1}}) {
    AnswerAll();
    REQUIRE(driver.AwaitFence(1));
    auto wait = fakes::MakeCommand<abi::WaitCommand>();
    wait.address = ram.bus() + kFlag;
    wait.value = 1;
    driver.Push(wait);
    Begin();
    while (asked.As<wire::DmaAccess>().address != ram.bus() + kFlag) AnswerOne();
  }
  void AwaitFault() {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (driver.Fault() == 0) REQUIRE(std::chrono::steady_clock::now() < limit);
  }
};

TEST_CASE("a command that an engine reset ends was not refused its memory, amid a slice too") {
  AmidWait chip;
  chip.client.SetRegister(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  chip.AnswerAll();
  chip.AwaitFault();
  CHECK(chip.driver.Fault() == abi::kStatusEngineReset);
  CHECK(chip.client.Register(abi::kRegInterruptCause) == abi::kInterruptCauseFaultMask);
}

TEST_CASE("what an engine reset causes is cleared by a write behind it, amid a slice too") {
  AmidWait chip;
  chip.client.SetRegister(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  chip.client.SetRegister(abi::kRegInterruptCause, abi::kInterruptCauseFaultMask);
  chip.AnswerAll();
  chip.AwaitFault();
  CHECK(chip.client.Register(abi::kRegInterruptCause) == 0);
}

TEST_CASE("an engine reset amid a slice that has nothing in flight changes nothing") {
  WaitingChip chip;  // waits for the ring's bytes
  chip.client.SetRegister(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  chip.AnswerAll();
  CHECK(chip.driver.AwaitFence(7));
  CHECK(chip.driver.Fault() == 0);
}

TEST_CASE("an enabled queue's configuration does not change amid a slice either") {
  WaitingChip chip;
  chip.client.SetRegister(abi::kRegRingSizeLog2, 13);
  CHECK(chip.client.Register(abi::kRegRingSizeLog2) == 12);
  chip.client.SetRegister(abi::kRegQueueControl, 0);
  CHECK(StateOf(&chip.client) == 0);
  chip.client.SetRegister(abi::kRegRingSizeLog2, 13);
  CHECK(chip.client.Register(abi::kRegRingSizeLog2) == 13);
  chip.AnswerAll();
}

}  // namespace
}  // namespace ward::test
