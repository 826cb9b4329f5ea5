#include "emulator/cli/replay/replay_view.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "emulator/cli/replay/register_offsets.h"

namespace ward::emulator {
namespace {

using Kind = BoundaryEventKind;

constexpr uint64_t kBytesALine = 16;

// QUEUE_STATUS.STATE.
const char* QueueStateName(uint32_t status) {
  static constexpr const char* kNames[] = {"disabled", "idle", "running", "waiting", "faulted"};
  const uint32_t state = status & abi::kQueueStatusStateMask;
  return state < std::size(kNames) ? kNames[state] : "?";
}

// Usage bits of device/key_vault.h.
std::string UsageNames(uint32_t usage) {
  static constexpr const char* kNames[] = {"unwrap", "decrypt", "encrypt", "mac"};
  std::string names;
  for (size_t bit = 0; bit < std::size(kNames); ++bit) {
    if ((usage >> bit & 1) == 0) continue;
    if (!names.empty()) names += "+";
    names += kNames[bit];
  }
  return names;
}

// What the chip is made with, and what follows from a display's size.
bool IsFixed(const abi::RegisterInfo& info) {
  const bool changes = info.offset == abi::kRegTimestampLo || info.offset == abi::kRegTimestampHi ||
                       info.offset == abi::kRegKeyEpoch;
  return (info.access == abi::RegisterAccess::kRo && info.offset < abi::kRegDeviceControl &&
          !changes) ||
         info.offset == abi::kRegOutputModeSize || info.offset == abi::kRegOutputEdid;
}

uint32_t OfQueue(uint32_t reg, uint32_t queue) { return reg + queue * abi::kQueueBlockStride; }

}  // namespace

std::string DescribeCall(const RecordedEvent& call) {
  switch (call.kind) {
    case Kind::kRegisterRead:
      return fmt::format("register read {}", TextOfRegister(call.address));
    case Kind::kRegisterWrite:
      return fmt::format("register write {} = {:#x}", TextOfRegister(call.address), call.value);
    case Kind::kConfigRead:
    case Kind::kMsixRead:
      return fmt::format("{} of {} bytes at {:#x}", NameOf(call.kind), call.size_bytes,
                         call.address);
    case Kind::kConfigWrite:
    case Kind::kMsixWrite:
      return fmt::format("{} of {} bytes at {:#x} = {:#x}", NameOf(call.kind), call.size_bytes,
                         call.address, call.value);
    case Kind::kProcess:
      return fmt::format("process, a slice of {} bytes of work", call.address);
    case Kind::kLinkFault:
    case Kind::kAttachDisplay:
      return fmt::format("{} at output {} = {:#x}", NameOf(call.kind), call.address, call.value);
    case Kind::kLoadState:
      return fmt::format("state load of {} bytes", call.data.size());
    default:
      return NameOf(call.kind);
  }
}

std::string ShowRegisters(Replayer* chip, const std::vector<uint32_t>& offsets) {
  const std::vector<uint32_t> values = chip->LookAtRegisters(offsets);
  std::string lines;
  for (size_t i = 0; i < offsets.size(); ++i) {
    lines += fmt::format("{:<28} {:#010x}\n", TextOfRegister(offsets[i]), values[i]);
  }
  return lines;
}

std::string ShowChangedRegisters(Replayer* chip) {
  std::vector<uint32_t> offsets;
  std::vector<uint32_t> usual;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (IsFixed(info)) continue;
    for (uint32_t i = 0; i < info.block_count * info.element_count; ++i) {
      offsets.push_back(info.offset + i / info.element_count * info.block_stride +
                        i % info.element_count * 4);
      usual.push_back(info.reset_value);
    }
  }
  const std::vector<uint32_t> values = chip->LookAtRegisters(offsets);
  std::string lines;
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (values[i] == usual[i]) continue;
    lines += fmt::format("{:<28} {:#010x}\n", TextOfRegister(offsets[i]), values[i]);
  }
  return lines;
}

std::string ShowQueues(Replayer* chip) {
  static constexpr uint32_t kColumns[] = {
      abi::kRegQueueControl, abi::kRegQueueStatus,  abi::kRegQueueContext, abi::kRegRingHead,
      abi::kRegRingTail,     abi::kRegLastFenceLo,  abi::kRegLastFenceHi,  abi::kRegFaultStatus,
      abi::kRegRefusalCount, abi::kRegRefusalStatus};
  std::vector<uint32_t> offsets;
  for (uint32_t queue = 0; queue < abi::kQueueBlockCount; ++queue) {
    for (const uint32_t column : kColumns) offsets.push_back(OfQueue(column, queue));
  }
  const std::vector<uint32_t> values = chip->LookAtRegisters(offsets);
  std::string lines;
  for (uint32_t queue = 0; queue < abi::kQueueBlockCount; ++queue) {
    const uint32_t* at = values.data() + queue * std::size(kColumns);
    const bool is_used = at[0] != 0 || at[4] != 0 || at[5] != 0 || at[7] != 0;
    if (!is_used) continue;
    lines += fmt::format("queue {:<2} {:<8} context {} head {:#x} tail {:#x} fence {}", queue,
                         QueueStateName(at[1]), at[2], at[3], at[4], uint64_t{at[6]} << 32 | at[5]);
    if (at[7] != 0) lines += fmt::format(" fault {}", abi::StatusName(at[7]));
    if (at[8] != 0) lines += fmt::format(" refused {}, last {}", at[8], abi::StatusName(at[9]));
    lines += "\n";
  }
  return lines.empty() ? "no queue was used yet\n" : lines;
}

std::string ShowSlots(const Replayer& chip) {
  std::string lines;
  for (const device::KeySlotInfo& slot : chip.gpu().KeySlots()) {
    lines += fmt::format("slot {:<3} session {} for {}{}{}{}\n", slot.slot, slot.session,
                         UsageNames(slot.usage), slot.filled ? ", filled" : ", empty",
                         slot.locked ? ", locked" : "", slot.damaged ? ", damaged" : "");
  }
  return lines.empty() ? "no slot is taken\n" : lines;
}

std::string ShowMemory(const KnownMemory& memory, uint64_t address, uint64_t size_bytes) {
  std::string lines;
  for (uint64_t at = 0; at < size_bytes; at += kBytesALine) {
    lines += fmt::format("{:012x} ", address + at);
    for (uint64_t i = at; i < std::min(size_bytes, at + kBytesALine); ++i) {
      const std::optional<uint8_t> byte = memory.At(address + i);
      lines += byte ? fmt::format(" {:02x}", *byte) : " --";
    }
    lines += "\n";
  }
  return lines;
}

}  // namespace ward::emulator
