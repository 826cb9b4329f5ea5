#include "emulator/cli/bench/kernel_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "emulator/cli/bench/gone.h"
#include "emulator/cli/bench/patience.h"
#include "emulator/cli/bench/submission_text.h"

namespace ward::emulator {
namespace {

using abi::PciError;

constexpr int kBar = abi::kRegisterBar;
constexpr uint32_t kFaultSource = 16;
constexpr uint32_t kFirmwareReady = 1;
constexpr uint32_t kFirmwareFailed = 2;
constexpr uint32_t kStateIdle = 1;
constexpr uint32_t kStateFaulted = 4;

uint32_t Upper(uint64_t value) { return static_cast<uint32_t>(value >> 32); }
uint32_t Lower(uint64_t value) { return static_cast<uint32_t>(value); }

uint64_t LoadFence(const abi::DmaBuffer& page) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(page.cpu))
      .load(std::memory_order_acquire);
}

CommandText MakeFence(uint64_t value) {
  abi::FenceCommand fence = {};
  fence.opcode = abi::FenceCommand::kOpcode;
  fence.flags = abi::FenceCommand::kFlagInterrupt;
  fence.length = abi::FenceCommand::kSizeBytes;
  fence.value = value;
  CommandText text;
  text.info = abi::FindCommand(abi::FenceCommand::kOpcode);
  text.bytes.resize(sizeof(fence));
  std::memcpy(text.bytes.data(), &fence, sizeof(fence));
  return text;
}

}  // namespace

KernelQueue::~KernelQueue() {
  if (is_up_) {
    function_->BarWrite32(kBar, abi::kRegQueueControl, abi::kQueueControlResetMask);
    (void)function_->EnableInterrupts(0);
    (void)function_->SetBusMaster(false);
  }
  for (const abi::DmaBuffer* buffer : {&ring_, &fence_, &buffer_}) {
    if (buffer->cpu != nullptr) function_->FreeDma(*buffer);
  }
}

uint8_t* KernelQueue::Buffer(std::string* error) {
  return TakeMemory(error) ? buffer_.cpu : nullptr;
}

bool KernelQueue::TakeMemory(std::string* error) {
  if (buffer_.cpu != nullptr) return true;
  for (auto [buffer, size] :
       {std::pair{&ring_, kRingBytes}, {&fence_, abi::kPageSize}, {&buffer_, kBufferBytes}}) {
    if (buffer->cpu != nullptr || function_->AllocateDma(size, buffer) == PciError::kNone) continue;
    *error = fmt::format("no DMA memory: {}", function_->LastErrorText());
    return false;
  }
  return true;
}

bool KernelQueue::WaitForFirmware(uint32_t timeout_ms, std::string* error) {
  Patience patience(function_, timeout_ms);
  for (;;) {
    const uint32_t state =
        function_->BarRead32(kBar, abi::kRegDeviceStatus) & abi::kDeviceStatusFirmwareStateMask;
    if (state == kFirmwareReady) return true;
    if (state == kFirmwareFailed) {
      *error = "the firmware's self tests failed (DEVICE_STATUS.FIRMWARE_STATE is 2)";
      return false;
    }
    if (!patience.Wait()) break;
  }
  *error = fmt::format("the firmware was not ready within {} ms (DEVICE_STATUS is {:#x})",
                       timeout_ms, function_->BarRead32(kBar, abi::kRegDeviceStatus));
  return false;
}

bool KernelQueue::IsOurs(abi::PciFunction* function, std::string* error) {
  constexpr uint32_t kMagic = abi::kRegisters[0].reset_value;
  static_assert(abi::kRegisters[0].offset == abi::kRegDeviceMagic);
  const uint32_t magic = function->BarRead32(kBar, abi::kRegDeviceMagic);
  if (magic != kMagic) {
    const auto gone = WhyGone(function);
    *error = gone ? *gone
                  : fmt::format("this is no WardGPU: DEVICE_MAGIC reads {:#x}, not {:#x}", magic,
                                kMagic);
    return false;
  }
  const uint32_t major =
      function->BarRead32(kBar, abi::kRegAbiVersion) >> abi::kAbiVersionMajorShift;
  if (major == abi::kAbiMajor) return true;
  if (const auto gone = WhyGone(function)) {
    *error = *gone;
    return false;
  }
  *error = fmt::format("the function speaks version {} of the contract, and this tool {}", major,
                       abi::kAbiMajor);
  return false;
}

bool KernelQueue::BringUp(uint32_t timeout_ms, std::string* error) {
  if (is_up_) return true;
  if (!IsOurs(function_, error) || !TakeMemory(error)) return false;
  if (function_->SetBusMaster(true) != PciError::kNone ||
      function_->EnableInterrupts(1) != PciError::kNone) {
    *error = function_->LastErrorText();
    return false;
  }
  function_->BarWrite32(kBar, abi::kRegInterruptVector, 0);
  function_->BarWrite32(kBar, abi::kRegInterruptVector + 4 * kFaultSource, 0);
  const uint32_t sources = abi::kInterruptEnableFaultMask | 1;
  function_->BarWrite32(kBar, abi::kRegInterruptCause, sources);
  function_->BarWrite32(kBar, abi::kRegInterruptEnable, sources);
  is_up_ = WaitForFirmware(timeout_ms, error) && Enable(error);
  return is_up_;
}

bool KernelQueue::Enable(std::string* error) {
  std::memset(fence_.cpu, 0, fence_.size_bytes);
  const std::pair<uint32_t, uint32_t> kWrites[] = {
      {abi::kRegQueueControl, abi::kQueueControlResetMask},
      {abi::kRegRingBaseLo, Lower(ring_.bus_address)},
      {abi::kRegRingBaseHi, Upper(ring_.bus_address)},
      {abi::kRegRingSizeLog2, static_cast<uint32_t>(std::countr_zero(kRingBytes))},
      {abi::kRegQueueContext, abi::kKernelContext},
      {abi::kRegFenceAddressLo, Lower(fence_.bus_address)},
      {abi::kRegFenceAddressHi, Upper(fence_.bus_address)},
      {abi::kRegQueueControl, abi::kQueueControlEnableMask},
  };
  for (const auto& [offset, value] : kWrites) function_->BarWrite32(kBar, offset, value);
  refusals_ = 0;
  const uint32_t status = function_->BarRead32(kBar, abi::kRegQueueStatus);
  if ((status & abi::kQueueStatusStateMask) == kStateIdle) return true;
  *error = fmt::format("queue 0 did not become idle when it was enabled (QUEUE_STATUS is {:#x})",
                       status);
  return false;
}

bool KernelQueue::Submit(const std::vector<CommandText>& commands, uint32_t timeout_ms,
                         SubmissionResult* result, std::string* error) {
  const bool is_submitted = Execute(commands, timeout_ms, result, error);
  // All ones are a fault and refusals, so what ended well was read of a function that is there.
  if (is_submitted && IsDone(*result)) return true;
  const auto gone = WhyGone(function_);
  if (gone) *error = *gone;
  return is_submitted && !gone;
}

bool KernelQueue::Execute(const std::vector<CommandText>& commands, uint32_t timeout_ms,
                          SubmissionResult* result, std::string* error) {
  // A queue of its own for each submission: it starts at the ring's first byte, with no fence.
  const bool was_up = is_up_;
  if (!BringUp(timeout_ms, error) || (was_up && !Enable(error))) return false;
  uint64_t fence = 0;
  for (const CommandText& command : commands) {
    if (command.info->opcode == abi::FenceCommand::kOpcode) {
      fence = std::max(fence, command.Field("value"));
    }
  }
  std::vector<CommandText> all = commands;
  all.push_back(MakeFence(++fence));
  uint32_t tail = 0;
  std::vector<uint32_t> starts;
  for (CommandText& command : all) {
    for (const uint32_t place : command.buffer_addresses) {
      uint8_t* at = command.bytes.data() + place;
      StoreLe<uint64_t>(at, LoadLe<uint64_t>(at) + buffer_.bus_address);
    }
    if (tail + command.bytes.size() >= kRingBytes) {
      *error = fmt::format("the commands do not fit the ring of {} bytes", kRingBytes);
      return false;
    }
    std::memcpy(ring_.cpu + tail, command.bytes.data(), command.bytes.size());
    starts.push_back(tail);
    tail += static_cast<uint32_t>(command.bytes.size());
  }
  function_->BarWrite32(kBar, abi::kRegDoorbell, tail);
  *result = {};
  WaitForEnd(fence, timeout_ms, result);
  ReadFault(starts, result);
  return true;
}

void KernelQueue::WaitForEnd(uint64_t fence, uint32_t timeout_ms, SubmissionResult* result) {
  Patience patience(function_, timeout_ms);
  for (;;) {
    // The state first: what it wrote before it faulted is then there.
    const uint32_t status = function_->BarRead32(kBar, abi::kRegQueueStatus);
    result->fence = LoadFence(fence_);
    if (result->fence == fence || (status & abi::kQueueStatusStateMask) == kStateFaulted) break;
    if (!patience.Wait()) {
      result->timed_out = true;
      break;
    }
  }
  function_->BarWrite32(kBar, abi::kRegInterruptCause, abi::kInterruptCauseFaultMask | 1);
}

void KernelQueue::ReadFault(const std::vector<uint32_t>& starts, SubmissionResult* result) {
  result->refusal_count = function_->BarRead32(kBar, abi::kRegRefusalCount) - refusals_;
  if (result->refusal_count != 0) {
    result->refusal_status = function_->BarRead32(kBar, abi::kRegRefusalStatus);
  }
  result->fault_status = function_->BarRead32(kBar, abi::kRegFaultStatus);
  if (result->fault_status == 0) return;
  result->fault_address = function_->BarRead32(kBar, abi::kRegFaultAddressLo) |
                          static_cast<uint64_t>(function_->BarRead32(kBar, abi::kRegFaultAddressHi))
                              << 32;
  const uint32_t position = function_->BarRead32(kBar, abi::kRegFaultPosition);
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    if (starts[i] == position) result->fault_command = static_cast<int>(i);
  }
}

}  // namespace ward::emulator
