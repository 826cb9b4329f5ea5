#include "emulator/cli/bench/command_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "abi/generated/pci.h"
#include "abi/generated/reference.h"
#include "base/bytes.h"

namespace ward::emulator {
namespace {

using abi::CommandInfo;
using abi::FieldInfo;
using abi::FieldKind;

constexpr char kTail[] = "tail";
constexpr std::string_view kVram = "vram:";
constexpr std::string_view kBuffer = "dma:";

const abi::CommandReference& ReferenceOf(const CommandInfo& info) {
  return *std::find_if(
      std::begin(abi::kCommandReferences), std::end(abi::kCommandReferences),
      [&](const abi::CommandReference& other) { return other.opcode == info.opcode; });
}

bool IsWritable(const FieldInfo& field) {
  return field.kind != FieldKind::kReserved && field.kind != FieldKind::kUnread;
}

const FieldInfo* FindField(const CommandInfo& info, std::string_view name) {
  for (uint32_t i = 0; i < info.field_count; ++i) {
    if (IsWritable(info.fields[i]) && name == info.fields[i].name) return &info.fields[i];
  }
  return nullptr;
}

std::vector<std::string> NamesIn(const CommandInfo& info) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < info.field_count; ++i) {
    if (IsWritable(info.fields[i])) names.push_back(info.fields[i].name);
  }
  if (info.variable) names.push_back(kTail);
  const abi::CommandReference& reference = ReferenceOf(info);
  for (uint32_t i = 0; i < reference.flag_count; ++i) {
    names.push_back(reference.flags[i].name);
  }
  return names;
}

void StoreNumber(uint8_t* place, uint32_t size_bytes, uint64_t value) {
  for (uint32_t i = 0; i < size_bytes; ++i) place[i] = static_cast<uint8_t>(value >> (8 * i));
}

// What a field takes, for a mistake.
std::string Wish(const FieldInfo& field) {
  if (field.kind == FieldKind::kBytes) {
    return fmt::format("{} bytes in hexadecimal for {}", field.size_bytes, field.name);
  }
  if (field.kind == FieldKind::kAddress) {
    return fmt::format("an address for {}: a number, vram:OFFSET or dma:OFFSET", field.name);
  }
  return fmt::format("a number of {} bits for {}", field.size_bytes * 8, field.name);
}

bool StoreField(const FieldInfo& field, std::string_view word, CommandText* command) {
  uint8_t* place = command->bytes.data() + field.offset;
  if (field.kind == FieldKind::kBytes) {
    const auto bytes = ParseHexBytes(word);
    if (!bytes || bytes->size() != field.size_bytes) return false;
    std::copy(bytes->begin(), bytes->end(), place);
    return true;
  }
  uint64_t base = 0;
  if (field.kind == FieldKind::kAddress) {
    if (word.starts_with(kVram)) {
      base = abi::kPhysicalLocal;
      word.remove_prefix(kVram.size());
    } else if (word.starts_with(kBuffer)) {
      command->buffer_addresses.push_back(field.offset);
      word.remove_prefix(kBuffer.size());
    }
  }
  const std::optional<uint64_t> number = ParseNumber(word);
  if (!number || (field.size_bytes < 8 && *number >> (8 * field.size_bytes) != 0)) return false;
  StoreNumber(place, field.size_bytes, *number | base);
  return true;
}

bool SetFlag(std::string_view word, CommandText* command) {
  const abi::CommandReference& reference = ReferenceOf(*command->info);
  for (uint32_t i = 0; i < reference.flag_count; ++i) {
    if (word != reference.flags[i].name) continue;
    uint8_t* flags = command->bytes.data() + offsetof(abi::CommandHeader, flags);
    StoreLe<uint16_t>(flags,
                      static_cast<uint16_t>(LoadLe<uint16_t>(flags) | reference.flags[i].mask));
    return true;
  }
  return false;
}

// "tail=HEX": whole multiples of the command's alignment, padded with zeros.
bool AppendTail(std::string_view word, CommandText* command) {
  const auto bytes = ParseHexBytes(word);
  if (!bytes || command->bytes.size() + bytes->size() > abi::kMaximumCommandBytes) return false;
  command->bytes.insert(command->bytes.end(), bytes->begin(), bytes->end());
  while (command->bytes.size() % abi::kCommandAlignment != 0) command->bytes.push_back(0);
  StoreLe<uint32_t>(command->bytes.data() + offsetof(abi::CommandHeader, length),
                    static_cast<uint32_t>(command->bytes.size()));
  return true;
}

// "name=value" or "FLAG", which begins at `column`.
bool ScanArgument(TextScanner* scanner, size_t column, CommandText* command, Mistake* mistake) {
  const CommandInfo& info = *command->info;
  const std::string_view name = scanner->TakeName();
  if (!scanner->TakeTight("=")) {
    if (SetFlag(name, command)) return true;
    const std::vector<std::string> names = NamesIn(info);
    *mistake =
        TextScanner::ExpectedAt(column, name.empty() ? scanner->PeekWord(";") : name,
                                fmt::format("a field=value or a flag of {}: {}{}", info.name,
                                            fmt::join(names, ", "), DidYouMean(name, names)));
    return false;
  }
  const size_t value_column = scanner->Column();
  if (name == kTail && info.variable) {
    const std::string_view word = scanner->TakeWord(";");
    if (AppendTail(word, command)) return true;
    *mistake = TextScanner::ExpectedAt(value_column, word, "bytes in hexadecimal for tail");
    return false;
  }
  const FieldInfo* field = FindField(info, name);
  if (field == nullptr) {
    const std::vector<std::string> names = NamesIn(info);
    *mistake =
        TextScanner::ExpectedAt(column, name,
                                fmt::format("a field of {}: {}{}", info.name,
                                            fmt::join(names, ", "), DidYouMean(name, names)));
    return false;
  }
  const std::string_view word = scanner->TakeWord(";");
  if (StoreField(*field, word, command)) return true;
  *mistake = TextScanner::ExpectedAt(value_column, word, Wish(*field));
  return false;
}

std::vector<std::string> CommandNames() {
  std::vector<std::string> names;
  for (const CommandInfo& info : abi::kCommands) names.push_back(info.name);
  return names;
}

const CommandInfo* FindByName(std::string_view name) {
  const auto found = std::find_if(std::begin(abi::kCommands), std::end(abi::kCommands),
                                  [&](const CommandInfo& info) { return name == info.name; });
  return found == std::end(abi::kCommands) ? nullptr : found;
}

// The line goes on with something that is not the command's.
bool IsOver(TextScanner* scanner) {
  if (scanner->AtEnd()) return true;
  const std::string_view word = scanner->PeekWord(";");
  return word.empty() || (std::islower(static_cast<unsigned char>(word[0])) != 0 &&
                          word.find('=') == std::string_view::npos);
}

}  // namespace

uint64_t CommandText::Field(const std::string& name) const {
  const FieldInfo* field = FindField(*info, name);
  uint64_t value = 0;
  if (field == nullptr || field->kind == FieldKind::kBytes) return 0;
  for (uint32_t i = 0; i < field->size_bytes; ++i) {
    value |= static_cast<uint64_t>(bytes[field->offset + i]) << (8 * i);
  }
  return value;
}

std::optional<CommandText> ScanCommand(TextScanner* scanner, Mistake* mistake) {
  const size_t column = scanner->Column();
  const std::string_view name = scanner->TakeName();
  CommandText command;
  command.info = FindByName(name);
  if (command.info == nullptr) {
    *mistake = TextScanner::ExpectedAt(
        column, name.empty() ? scanner->PeekWord(";") : name,
        fmt::format("a command: {}{}", ListCommands(), DidYouMean(name, CommandNames())));
    return std::nullopt;
  }
  command.bytes.resize(command.info->size_bytes);
  StoreLe<uint16_t>(command.bytes.data() + offsetof(abi::CommandHeader, opcode),
                    command.info->opcode);
  StoreLe<uint32_t>(command.bytes.data() + offsetof(abi::CommandHeader, length),
                    command.info->size_bytes);
  while (!IsOver(scanner)) {
    if (!ScanArgument(scanner, scanner->Column(), &command, mistake)) return std::nullopt;
  }
  return command;
}

std::optional<std::string> CommandUsage(const std::string& name) {
  const CommandInfo* info = FindByName(name);
  if (info == nullptr) return std::nullopt;
  const abi::CommandReference& reference = ReferenceOf(*info);
  std::string text =
      fmt::format("{}  opcode {:#06x}, {}{} bytes{}\n{}\n", info->name, info->opcode,
                  info->variable ? "at least " : "", info->size_bytes,
                  info->privileged ? ", the kernel's queue only" : "", reference.summary);
  for (uint32_t i = 0; i < reference.flag_count; ++i) {
    text += fmt::format("  {:<28} {}\n", reference.flags[i].name, reference.flags[i].summary);
  }
  for (uint32_t i = 0; i < info->field_count; ++i) {
    if (!IsWritable(info->fields[i])) continue;
    text += fmt::format("  {:<28} {}\n", std::string(info->fields[i].name) + "=",
                        reference.field_summaries[i]);
  }
  return text;
}

std::string ListCommands() { return fmt::format("{}", fmt::join(CommandNames(), ", ")); }

}  // namespace ward::emulator
