#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "kmd/ports/vfio_user/vfio_user_function.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/device/reproduce/outcome.h"
#include "tests/fuzz/device/reproduce/writers.h"

namespace ward::fuzz {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kPause = std::chrono::microseconds(200);
constexpr auto kMostWork = std::chrono::seconds(5);
// Who waits for an answer of the firmware has it by then; who waits for memory may do so for ever.
constexpr auto kMostWaiting = milliseconds(100);
constexpr uint32_t kQueueIsRunning = 2;
constexpr uint32_t kQueueIsWaiting = 3;

class ServedChip {
 public:
  bool Open(const std::string& where, std::string* error) {
    if (kmd::VfioUserFunction::Open(where, &function_, error) != abi::PciError::kNone) return false;
    // Buffers get the lowest addresses that are free: one that nothing is in goes before ours.
    abi::DmaBuffer first;
    if (function_->AllocateDma(abi::kPageSize, &first) != abi::PciError::kNone) return Fail(error);
    function_->FreeDma(first);
    if (first.bus_address < layout::kBus) {
      abi::DmaBuffer below;
      if (function_->AllocateDma(layout::kBus - first.bus_address, &below) !=
          abi::PciError::kNone) {
        return Fail(error);
      }
    }
    if (function_->AllocateDma(layout::kBusBytes, &memory_) != abi::PciError::kNone) {
      return Fail(error);
    }
    if (memory_.bus_address != layout::kBus) {
      *error = fmt::format("{}: memory lies at {:#x} of the bus, not at {:#x}", where,
                           memory_.bus_address, layout::kBus);
      return false;
    }
    if (function_->BarSize(abi::kVramBar) != layout::kVisibleBytes) {
      *error = where + ": the device has other memory; serve it with --vram 16M --protected 16M";
      return false;
    }
    return true;
  }

  // False: no client can do it.
  bool Do(const Operation& operation) {
    switch (operation.kind) {
      case OperationKind::kReadRegister:
      case OperationKind::kWriteRegister:
        return Access(operation, abi::kRegisterBar, abi::kRegisterBarSize);
      case OperationKind::kReadMsix:
      case OperationKind::kWriteMsix:
        return Access(operation, abi::kMsixBar, abi::kMsixBarSize);
      case OperationKind::kReadConfig:
      case OperationKind::kWriteConfig:
        return AccessConfig(operation);
      case OperationKind::kWriteMemory:
        return WriteMemory(operation);
      case OperationKind::kWriteVram:
        return function_->BarWriteBlock(abi::kVramBar, operation.at, operation.bytes.data(),
                                        operation.bytes.size()) == abi::PciError::kNone;
      case OperationKind::kProcess:
      case OperationKind::kPromise:
        Rest();
        return true;
      case OperationKind::kAdvanceClock:
        std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(
            std::chrono::nanoseconds(operation.value), milliseconds(50)));
        Rest();
        return true;
      case OperationKind::kResetFunction:
        return function_->ResetFunction() == abi::PciError::kNone;
      default:
        return false;
    }
  }

  // Until no queue works, or only such as wait.
  void Rest() {
    const auto begin = Clock::now();
    auto last_change = begin;
    std::vector<uint32_t> seen;
    while (Clock::now() - begin < kMostWork) {
      std::vector<uint32_t> now;
      bool is_running = false;
      bool is_waiting = false;
      for (uint64_t queue = 0; queue < layout::kQueues; ++queue) {
        const uint64_t block = queue * abi::kQueueBlockStride;
        now.push_back(Read(abi::kRegQueueStatus + block));
        now.push_back(Read(abi::kRegRingHead + block));
        const uint32_t state = now[now.size() - 2] & abi::kQueueStatusStateMask;
        is_running = is_running || state == kQueueIsRunning;
        is_waiting = is_waiting || state == kQueueIsWaiting;
      }
      if (now != seen) last_change = Clock::now();
      seen = now;
      if (!is_running && !is_waiting) return;
      if (!is_running && Clock::now() - last_change > kMostWaiting) return;
      std::this_thread::sleep_for(kPause);
    }
  }

  uint32_t Read(uint64_t offset) { return function_->BarRead32(abi::kRegisterBar, offset); }
  const char* trouble() const { return function_->LastErrorText(); }

 private:
  bool Fail(std::string* error) {
    *error = function_->LastErrorText();
    return false;
  }

  bool Access(const Operation& operation, int bar, uint64_t bar_bytes) {
    if (operation.size != 4 || operation.at % 4 != 0 ||
        !RangeFits(operation.at, operation.size, bar_bytes)) {
      return false;
    }
    const bool is_write = operation.kind == OperationKind::kWriteRegister ||
                          operation.kind == OperationKind::kWriteMsix;
    if (is_write) {
      function_->BarWrite32(bar, operation.at, static_cast<uint32_t>(operation.value));
    } else {
      function_->BarRead32(bar, operation.at);
    }
    return true;
  }

  bool AccessConfig(const Operation& operation) {
    const uint32_t size = operation.size;
    const auto offset = static_cast<uint32_t>(operation.at);
    if ((size != 1 && size != 2 && size != 4) || offset % size != 0) return false;
    if (operation.kind == OperationKind::kReadConfig) {
      function_->ConfigRead(offset, size);
      return true;
    }
    const auto value = static_cast<uint32_t>(operation.value);
    // This end refuses the server its memory, too, while bus mastering is off.
    constexpr uint32_t kCommand = 4;
    constexpr uint32_t kBusMaster = 4;
    if (offset == kCommand) function_->SetBusMaster((value & kBusMaster) != 0);
    function_->ConfigWrite(offset, size, value);
    return true;
  }

  bool WriteMemory(const Operation& operation) {
    const uint64_t offset = operation.at - layout::kBus;
    if (!RangeFits(offset, operation.bytes.size(), layout::kBusBytes)) return true;
    std::memcpy(memory_.cpu + offset, operation.bytes.data(), operation.bytes.size());
    return true;
  }

  std::unique_ptr<kmd::VfioUserFunction> function_;
  abi::DmaBuffer memory_;
};

}  // namespace

std::optional<std::string> PlayServed(const Story& story, const std::string& where,
                                      size_t* left_out, std::string* error) {
  ServedChip chip;
  if (!chip.Open(where, error)) return std::nullopt;
  *left_out = 0;
  const uint32_t first_epoch = chip.Read(abi::kRegKeyEpoch);
  for (const Step& step : story.steps) {
    const Operation operation = step.operation();
    *left_out += WhyNoGuest(operation) != nullptr || !chip.Do(operation);
  }
  chip.Rest();
  const std::string outcome =
      ReadOutcome(first_epoch, [&chip](uint64_t offset) { return chip.Read(offset); });
  // All ones come from a device that is gone.
  if (chip.Read(abi::kRegDeviceMagic) == UINT32_MAX) {
    *error = fmt::format("{}: the device is gone: {}", where, chip.trouble());
    return std::nullopt;
  }
  return outcome;
}

}  // namespace ward::fuzz
