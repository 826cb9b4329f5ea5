#include "tests/bench/attachments/bench_queue.h"

#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "kmd/command.h"
#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr int kBar = abi::kRegisterBar;
constexpr uint32_t kStateIdle = 1;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr uint32_t kSpinsBetweenLooks = 1 << 14;

uint32_t Lower(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t Upper(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

}  // namespace

BenchQueue::BenchQueue(abi::PciFunction* function, uint32_t queue, uint32_t context)
    : function_(function), queue_(queue) {
  if (function->AllocateDma(kRingBytes + abi::kPageSize, &memory_) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("no ring: ") + function->LastErrorText());
  }
  Enable(context);
}

BenchQueue::~BenchQueue() {
  WriteQueue(abi::kRegQueueControl, abi::kQueueControlResetMask);
  function_->FreeDma(memory_);
}

void BenchQueue::Enable(uint32_t context) {
  const uint64_t fence = memory_.bus_address + kRingBytes;
  function_->BarWrite32(kBar, abi::kRegInterruptVector + 4 * queue_, 0);
  ClearCause();
  function_->BarWrite32(kBar, abi::kRegInterruptEnable,
                        function_->BarRead32(kBar, abi::kRegInterruptEnable) | 1u << queue_);
  const std::pair<uint32_t, uint32_t> kWrites[] = {
      {abi::kRegQueueControl, abi::kQueueControlResetMask},
      {abi::kRegRingBaseLo, Lower(memory_.bus_address)},
      {abi::kRegRingBaseHi, Upper(memory_.bus_address)},
      {abi::kRegRingSizeLog2, static_cast<uint32_t>(std::countr_zero(kRingBytes))},
      {abi::kRegQueueContext, context},
      {abi::kRegFenceAddressLo, Lower(fence)},
      {abi::kRegFenceAddressHi, Upper(fence)},
      {abi::kRegQueueControl, abi::kQueueControlEnableMask},
  };
  for (const auto& [offset, value] : kWrites) WriteQueue(offset, value);
  if ((ReadQueue(abi::kRegQueueStatus) & abi::kQueueStatusStateMask) != kStateIdle) {
    throw std::runtime_error("the queue is not idle when it was enabled");
  }
}

void BenchQueue::WriteQueue(uint32_t offset, uint32_t value) {
  function_->BarWrite32(kBar, offset + queue_ * abi::kQueueBlockStride, value);
}

uint32_t BenchQueue::ReadQueue(uint32_t offset) const {
  return function_->BarRead32(kBar, offset + queue_ * abi::kQueueBlockStride);
}

void BenchQueue::AppendFence(Fence fence) {
  auto command = kmd::MakeCommand<abi::FenceCommand>();
  command.value = ++last_fence_;
  if (fence == Fence::kInterrupts) command.flags = abi::FenceCommand::kFlagInterrupt;
  Append(kmd::BytesOf(command));
}

void BenchQueue::Append(ConstByteSpan bytes) {
  if (tail_ + bytes.size() >= kRingBytes) {
    auto padding = kmd::MakeCommand<abi::NoopCommand>();
    padding.length = kRingBytes - tail_;
    std::memcpy(memory_.cpu + tail_, &padding, sizeof(padding));
    tail_ = 0;
  }
  std::memcpy(memory_.cpu + tail_, bytes.data(), bytes.size());
  tail_ += static_cast<uint32_t>(bytes.size());
}

void BenchQueue::RingDoorbell() {
  function_->BarWrite32(kBar, abi::kRegDoorbell + queue_ * abi::kDoorbellBlockStride, tail_);
}

void BenchQueue::SpinUntilFence() const {
  const auto end = Clock::now() + kPatience;
  for (uint32_t spins = 1; LoadFence() != last_fence_; ++spins) {
    if (spins % kSpinsBetweenLooks == 0 && Clock::now() > end) {
      throw std::runtime_error("the fence does not come; FAULT_STATUS is " +
                               std::to_string(ReadQueue(abi::kRegFaultStatus)));
    }
  }
}

void BenchQueue::ClearCause() {
  function_->BarWrite32(kBar, abi::kRegInterruptCause, 1u << queue_);
}

uint32_t BenchQueue::Refusals() const { return ReadQueue(abi::kRegRefusalCount); }

uint64_t BenchQueue::LoadFence() const {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(memory_.cpu + kRingBytes))
      .load(std::memory_order_acquire);
}

}  // namespace ward::bench
