#include "tests/integration/raw_driver.h"

#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"

namespace ward::test {
namespace {

// QUEUE_STATUS.STATE.
constexpr uint32_t kRunning = 2;
constexpr uint32_t kWaiting = 3;

}  // namespace

RawDriver::RawDriver(abi::PciFunction* function, uint32_t queue, uint32_t context)
    : function_(function), queue_(queue), context_(context) {
  if (function->AllocateDma(kRingBytes + abi::kPageSize, &memory_) != abi::PciError::kNone) {
    throw std::runtime_error("no DMA memory");
  }
  function->SetBusMaster(true);
  Restart();
}

RawDriver::~RawDriver() { function_->FreeDma(memory_); }

void RawDriver::Restart() {
  const auto write = [&](uint32_t offset, uint64_t value) {
    function_->BarWrite32(0, offset + queue_ * abi::kQueueBlockStride,
                          static_cast<uint32_t>(value));
  };
  const uint64_t fence_address = memory_.bus_address + kRingBytes;
  std::memset(memory_.cpu, 0, memory_.size_bytes);
  write(abi::kRegQueueControl, abi::kQueueControlResetMask);
  write(abi::kRegRingBaseLo, memory_.bus_address);
  write(abi::kRegRingBaseHi, memory_.bus_address >> 32);
  write(abi::kRegRingSizeLog2, 12);
  write(abi::kRegQueueContext, context_);
  write(abi::kRegFenceAddressLo, fence_address);
  write(abi::kRegFenceAddressHi, fence_address >> 32);
  write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
  tail_ = 0;
  next_fence_ = 1;
}

void RawDriver::AppendBytes(ConstByteSpan bytes) {
  if (tail_ + bytes.size() > kRingBytes) throw std::runtime_error("the test's ring is full");
  std::memcpy(memory_.cpu + tail_, bytes.data(), bytes.size());
  tail_ += static_cast<uint32_t>(bytes.size());
}

void RawDriver::Submit() {
  function_->BarWrite32(0, abi::kRegDoorbell + queue_ * abi::kDoorbellBlockStride, tail_);
}

bool RawDriver::RunFence() {
  auto command = kmd::MakeCommand<abi::FenceCommand>();
  command.value = next_fence_++;
  Append(command);
  Submit();
  WaitUntilStill();
  return fence() == command.value;
}

// Another process takes its time; in this one the work is done already.
void RawDriver::WaitUntilStill() const {
  constexpr int kMaximumReads = 1 << 20;
  for (int i = 0; i < kMaximumReads; ++i) {
    const uint32_t state = Read(abi::kRegQueueStatus) & abi::kQueueStatusStateMask;
    if (state != kRunning && state != kWaiting) return;
    std::this_thread::yield();
  }
}

uint32_t RawDriver::Read(uint32_t queue_register) const {
  return function_->BarRead32(0, queue_register + queue_ * abi::kQueueBlockStride);
}

uint64_t RawDriver::fence() const { return LoadLe<uint64_t>(memory_.cpu + kRingBytes); }

void WritePageTables(abi::PciFunction* function, uint64_t offset, uint64_t entry) {
  std::vector<uint8_t> tables(4 * abi::kPageSize);
  for (uint64_t level = 0; level < 3; ++level) {
    StoreLe<uint64_t>(tables.data() + level * abi::kPageSize,
                      (offset + (level + 1) * abi::kPageSize) | abi::kPteValid | abi::kPteLocal);
  }
  StoreLe<uint64_t>(tables.data() + 3 * abi::kPageSize + 8, entry);
  if (function->BarWriteBlock(abi::kVramBar, offset, tables.data(), tables.size()) !=
      abi::PciError::kNone) {
    throw std::runtime_error("visible VRAM can't be written");
  }
}

}  // namespace ward::test
