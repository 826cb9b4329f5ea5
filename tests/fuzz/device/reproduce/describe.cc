#include "tests/fuzz/device/reproduce/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "emulator/boundary/names.h"
#include "tests/fuzz/device/layout.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;
constexpr size_t kHeaderBytes = 8;  // of a command
// More would hide what matters.
constexpr size_t kMostCommands = 6;
constexpr size_t kMostLeaves = 4;

uint64_t LoadField(ConstByteSpan bytes, const abi::FieldInfo& field) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < field.size_bytes && i < 8; ++i) {
    value |= uint64_t{bytes[field.offset + i]} << 8 * i;
  }
  return value;
}

// " session 1 length_bytes 64 destination 0xc0000": what is not zero, but the header.
std::string FieldsText(ConstByteSpan bytes, const abi::FieldInfo* fields, uint32_t count) {
  std::string text;
  for (const abi::FieldInfo& field : std::span(fields, count)) {
    const std::string_view name = field.name;
    if (name == "opcode" || name == "length" || field.kind == abi::FieldKind::kUnread ||
        !RangeFits(field.offset, field.size_bytes, bytes.size())) {
      continue;
    }
    const ConstByteSpan value = bytes.subspan(field.offset, field.size_bytes);
    if (std::all_of(value.begin(), value.end(), [](uint8_t byte) { return byte == 0; })) continue;
    text += fmt::format(" {} ", name);
    if (field.kind == abi::FieldKind::kAddress) {
      text += fmt::format("{:#x}", LoadField(bytes, field));
    } else if (field.kind == abi::FieldKind::kNumber) {
      text += fmt::format("{}", LoadField(bytes, field));
    } else {
      for (const uint8_t byte : value) text += fmt::format("{:02x}", byte);
    }
  }
  return text;
}

std::string MessageText(ConstByteSpan command) {
  using Command = abi::SecurityMessageCommand;
  const auto number = LoadLe<uint32_t>(command.data() + offsetof(Command, message));
  const abi::MessageInfo* const info = abi::FindMessage(number);
  if (info == nullptr) return fmt::format("message {}, which there is not", number);
  const auto payload_bytes = LoadLe<uint32_t>(command.data() + offsetof(Command, payload_bytes));
  const ConstByteSpan rest = command.subspan(Command::kSizeBytes);
  const ConstByteSpan payload = rest.first(std::min<size_t>(rest.size(), payload_bytes));
  return fmt::format("message {}{}, answer to {:#x}", info->name,
                     FieldsText(payload, info->request_fields, info->request_field_count),
                     LoadLe<uint64_t>(command.data() + offsetof(Command, response_address)));
}

std::string CommandText(ConstByteSpan command) {
  const auto opcode = LoadLe<uint16_t>(command.data());
  const abi::CommandInfo* const info = abi::FindCommand(opcode);
  if (info == nullptr) return fmt::format("opcode {:#x}, which there is not", opcode);
  if (opcode == abi::SecurityMessageCommand::kOpcode &&
      command.size() >= abi::SecurityMessageCommand::kSizeBytes) {
    return MessageText(command);
  }
  return info->name + FieldsText(command, info->fields, info->field_count);
}

// One behind another, as their lengths say.
std::string CommandsText(ConstByteSpan bytes) {
  std::string text;
  for (size_t count = 0; bytes.size() >= kHeaderBytes; ++count) {
    if (!text.empty()) text += "; ";
    if (count == kMostCommands) return text + "...";
    const auto length = LoadLe<uint32_t>(bytes.data() + 4);
    const bool has_length = length >= kHeaderBytes && length <= bytes.size();
    text += CommandText(has_length ? bytes.first(length) : bytes);
    if (!has_length) {
      // The NOOP at a ring's end reaches further than what is written.
      return LoadLe<uint16_t>(bytes.data()) == abi::NoopCommand::kOpcode
                 ? text + fmt::format(" of {} bytes", length)
                 : text + fmt::format(", whose length says {}", length);
    }
    bytes = bytes.subspan(length);
    const bool is_rest_zero =
        std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
    if (is_rest_zero) break;
  }
  return text;
}

bool IsZero(ConstByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

std::string MemoryText(const Operation& operation) {
  const uint64_t at = operation.at;
  const auto contents = [&](const std::string& place) {
    if (IsZero(operation.bytes)) return place + fmt::format(": {} zeros", operation.bytes.size());
    return place + ": " + CommandsText(operation.bytes);
  };
  if (at >= layout::kRings && at < layout::kFences) {
    const uint64_t offset = at - layout::kRings;
    return contents(fmt::format("ring of queue {} at {:#x}", offset / layout::kRingBytes,
                                offset % layout::kRingBytes));
  }
  if (at >= layout::kIndirect && at < layout::kBusEnd) {
    return contents(fmt::format("indirect buffers at {:#x}", at - layout::kIndirect));
  }
  const char* const what = at >= layout::kFences && at < layout::kIndirect ? "fences" : "data";
  return fmt::format("{} bytes of {} in system memory{}", operation.bytes.size(), what,
                     IsZero(operation.bytes) ? ", zeros" : "");
}

std::string EntryText(uint64_t entry) {
  if ((entry & abi::kPteValid) == 0) return "nothing";
  return fmt::format("{} {:#x}{}", (entry & abi::kPteLocal) != 0 ? "VRAM" : "system memory",
                     entry & abi::kPteAddressMask,
                     (entry & abi::kPteWritable) != 0 ? ", writable" : "");
}

std::string VramText(const Operation& operation) {
  const uint64_t end = layout::kTables + 2 * layout::kTableBytes;
  if (operation.at < layout::kTables || operation.at >= end) {
    return fmt::format("{} bytes of VRAM", operation.bytes.size());
  }
  const uint64_t offset = operation.at - layout::kTables;
  const uint64_t context = 1 + offset / layout::kTableBytes;
  if (operation.bytes.size() > kMostLeaves * 8) {
    return fmt::format("page tables of context {}", context);
  }
  const uint64_t within = offset % layout::kTableBytes;
  std::string text = fmt::format("page table of context {}, level {}", context, within / kPage);
  for (size_t at = 0; at + 8 <= operation.bytes.size(); at += 8) {
    text += fmt::format(", entry {}: {}", within % kPage / 8 + at / 8,
                        EntryText(LoadLe<uint64_t>(operation.bytes.data() + at)));
  }
  return text;
}

std::string RegisterText(const Operation& operation) {
  std::string text = emulator::RegisterName(operation.at);
  const bool is_write = operation.kind == OperationKind::kWriteRegister;
  if (operation.size != 4 || operation.at % 4 != 0) {
    return text + (is_write ? ", an access that writes nothing" : ", an access that reads zero");
  }
  const emulator::NamedRegister named = emulator::FindRegister(operation.at);
  if (is_write && named.info != nullptr) {
    text += emulator::DecodeFields(*named.info, static_cast<uint32_t>(operation.value));
  }
  return text;
}

std::string PromiseText(uint64_t promises) {
  std::string text = "what the oracles may hold the chip to:";
  if ((promises & kConfined) != 0) text += " no memory but the windows is named;";
  if ((promises & kAlone) != 0) text += " context 2 does nothing;";
  if ((promises & kOrderly) != 0) text += " commands and tables are where the base has them;";
  if (promises == 0) text += " nothing special;";
  text.pop_back();
  return text;
}

}  // namespace

std::string Describe(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::kReadRegister:
    case OperationKind::kWriteRegister:
      return RegisterText(operation);
    case OperationKind::kReadConfig:
    case OperationKind::kWriteConfig:
      return emulator::ConfigName(static_cast<uint32_t>(operation.at));
    case OperationKind::kReadMsix:
    case OperationKind::kWriteMsix:
      return emulator::MsixName(operation.at);
    case OperationKind::kWriteMemory:
      return MemoryText(operation);
    case OperationKind::kWriteVram:
      return VramText(operation);
    case OperationKind::kProcess:
      return fmt::format("a slice of work, of {} bytes", operation.value);
    case OperationKind::kAdvanceClock:
      return fmt::format("{} us pass", static_cast<double>(operation.value) / 1000);
    case OperationKind::kSetEntropy:
      return operation.value != 0 ? "the host has random bytes" : "the host has no random bytes";
    case OperationKind::kSetBus:
      return operation.value == 0   ? "system memory refuses accesses"
             : operation.value == 2 ? "system memory refuses writes"
                                    : "system memory is there";
    case OperationKind::kAnswerReads:
      return "what the next reads of system memory get instead of what is there";
    case OperationKind::kAttachDisplay:
      if (operation.value == 0) return "pulled";
      return fmt::format("{} x {}", operation.value >> 16 & 0xffff, operation.value & 0xffff);
    case OperationKind::kSetWindows:
      return operation.value != 0 ? "the chip gets the host's memory itself" : "it does not";
    case OperationKind::kPromise:
      return PromiseText(operation.value);
    case OperationKind::kResetFunction:
    case OperationKind::kResetPower:
    case OperationKind::kTearDown:
    case OperationKind::kSnapshot:
    case OperationKind::kSetLinkFault:
    case OperationKind::kReadScanout:
      return {};
  }
  return {};
}

}  // namespace ward::fuzz
