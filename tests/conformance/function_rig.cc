#include "tests/conformance/function_rig.h"

#include <chrono>
#include <cstring>
#include <functional>
#include <vector>

#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

// Tables of the contexts that tests make.
constexpr uint32_t kContexts = 3;
constexpr uint32_t kTableBytes = 0x4000;
// QUEUE_STATUS.STATE.
constexpr uint32_t kRunning = 2;
constexpr uint32_t kWaiting = 3;  // for WAIT or firmware
constexpr uint32_t kFaulted = 4;
// Bounds a run that went wrong; none that goes right comes near.
constexpr auto kPatience = std::chrono::seconds(20);

void PollUntil(const std::function<bool()>& is_over) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!is_over()) {
    if (std::chrono::steady_clock::now() > deadline) FAIL("a queue does not come to its end");
  }
}

}  // namespace

FunctionRig::FunctionRig(abi::PciFunction* function, const abi::DmaBuffer& memory)
    : QueueRig(memory.bus_address), function_(function), memory_(memory) {
  // Whoever was here before may have left it without memory decoding, which a reset gives back.
  if (Read(abi::kRegQueueCount) != abi::kQueueBlockCount) ResetFunction();
  REQUIRE(function_->SetBusMaster(true) == abi::PciError::kNone);
  config_.emplace(function_);
  Write(abi::kRegDeviceControl, abi::kDeviceControlResetFunctionMask);
  std::memset(memory_.cpu, 0, memory_.size_bytes);
  const std::vector<uint8_t> zeros(kTableBytes);
  for (uint32_t context = 0; context < kContexts; ++context) {
    REQUIRE(function_->BarWriteBlock(abi::kVramBar, TableRoot(context), zeros.data(),
                                     zeros.size()) == abi::PciError::kNone);
  }
}

uint32_t FunctionRig::Read(uint64_t offset) {
  return function_->BarRead32(abi::kRegisterBar, offset);
}

void FunctionRig::Write(uint64_t offset, uint32_t value) {
  constexpr uint64_t kEnd = abi::kRegDoorbell + abi::kQueueBlockCount * abi::kDoorbellBlockStride;
  if (offset >= abi::kRegDoorbell && offset < kEnd) {
    rung_.set((offset - abi::kRegDoorbell) / abi::kDoorbellBlockStride);
  }
  function_->BarWrite32(abi::kRegisterBar, offset, value);
}

uint32_t FunctionRig::ReadConfig(uint32_t offset, uint32_t size_bytes) {
  return function_->ConfigRead(offset, size_bytes);
}

void FunctionRig::WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  function_->ConfigWrite(offset, size_bytes, value);
  config_->Restore();
}

void FunctionRig::ResetFunction() {
  REQUIRE(function_->ResetFunction() == abi::PciError::kNone);
  REQUIRE(function_->SetBusMaster(true) == abi::PciError::kNone);
}

uint8_t* FunctionRig::Memory(uint64_t bus_address, uint64_t size_bytes) {
  REQUIRE(bus_address >= bus());
  REQUIRE(RangeFits(bus_address - bus(), size_bytes, memory_.size_bytes));
  return memory_.cpu + (bus_address - bus());
}

void FunctionRig::StoreVram(uint64_t offset, uint64_t value) {
  REQUIRE(function_->BarWriteBlock(abi::kVramBar, offset, &value, sizeof(value)) ==
          abi::PciError::kNone);
}

void FunctionRig::Run(uint64_t) {
  for (uint32_t queue = 0; queue < abi::kQueueBlockCount; ++queue) {
    if (!rung_[queue]) continue;
    PollUntil([&] {
      const uint32_t state = StateOf(queue);
      return state != kRunning && state != kWaiting;
    });
  }
  rung_.reset();
}

void FunctionRig::RunIntoWait(uint32_t queue) {
  PollUntil([&] { return StateOf(queue) == kWaiting; });
  rung_.reset(queue);
}

void FunctionRig::AwaitFault(uint32_t queue) {
  PollUntil([&] { return StateOf(queue) == kFaulted; });
}

}  // namespace ward::test
