#include "emulator/cli/regs_command.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/reference.h"
#include "abi/generated/status.h"
#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/bench/command_text.h"
#include "emulator/cli/bench/register_place.h"
#include "emulator/cli/command_line.h"

namespace ward::emulator {
namespace {

using abi::RegisterReference;

struct RegsArguments {
  std::string name;
  bool json = false;
};

std::string OffsetText(const RegisterReference& info) {
  std::string text = fmt::format("{:#x}", info.offset);
  if (info.block_count > 1) text += fmt::format(" + {:#x} b", info.block_stride);
  if (info.element_count > 1) text += " + 4 n";
  return text;
}

std::string NameText(const RegisterReference& info) {
  std::string text = info.name;
  if (info.block_count > 1) text += fmt::format("[b<{}]", info.block_count);
  if (info.element_count > 1) text += fmt::format("[n<{}]", info.element_count);
  return text;
}

std::string BitsText(const abi::FieldReference& field) {
  return field.low == field.high ? fmt::format("{}", field.low)
                                 : fmt::format("{}:{}", field.high, field.low);
}

nlohmann::ordered_json ToJson(const RegisterReference& info) {
  nlohmann::ordered_json fields = nlohmann::ordered_json::array();
  for (uint32_t i = 0; i < info.field_count; ++i) {
    const abi::FieldReference& field = info.fields[i];
    fields.push_back({{"name", field.name},
                      {"low", field.low},
                      {"high", field.high},
                      {"access", abi::AccessName(field.access)},
                      {"summary", field.summary}});
  }
  nlohmann::ordered_json document = {{"name", info.name},
                                     {"block", info.block},
                                     {"offset", info.offset},
                                     {"width_bits", info.width_bits},
                                     {"block_count", info.block_count},
                                     {"block_stride", info.block_stride},
                                     {"element_count", info.element_count},
                                     {"access", abi::AccessName(info.access)},
                                     {"reset", nullptr},
                                     {"summary", info.summary},
                                     {"fields", std::move(fields)}};
  if (!info.reset_is_option) document["reset"] = info.reset_value;
  return document;
}

void PrintRegister(const RegisterReference& info) {
  fmt::print("{}  {} bits at {} of BAR0, {}, block {}\n  {}\n", NameText(info), info.width_bits,
             OffsetText(info), abi::AccessName(info.access), info.block, info.summary);
  fmt::print("  After reset: {}\n", info.reset_is_option ? "by the host's options"
                                                         : fmt::format("{:#x}", info.reset_value));
  for (uint32_t i = 0; i < info.field_count; ++i) {
    const abi::FieldReference& field = info.fields[i];
    fmt::print("  {:>6}  {:<20} {:<4} {}\n", BitsText(field), field.name,
               field.access == info.access ? "" : abi::AccessName(field.access), field.summary);
  }
}

void PrintList(std::string_view block) {
  for (const abi::BlockReference& reference : abi::kBlockReferences) {
    if (!block.empty() && block != reference.name) continue;
    fmt::print("{} ({:#x})  {}\n", reference.name, reference.base, reference.summary);
    for (const RegisterReference& info : abi::kRegisterReferences) {
      if (std::string_view(info.block) != reference.name) continue;
      fmt::print("  {:<26} {:<20} {:<4} {}\n", NameText(info), OffsetText(info),
                 abi::AccessName(info.access), info.summary);
    }
  }
}

std::vector<RegisterReference> Select(std::string_view name) {
  std::vector<RegisterReference> selected;
  for (const RegisterReference& info : abi::kRegisterReferences) {
    if (name.empty() || name == info.block) selected.push_back(info);
  }
  return selected;
}

bool IsBlock(std::string_view name) {
  for (const abi::BlockReference& block : abi::kBlockReferences) {
    if (name == block.name) return true;
  }
  return false;
}

// A command or a status has the name; false when none has.
bool PrintOther(const RegsArguments& arguments) {
  if (const auto usage = CommandUsage(arguments.name)) {
    fmt::print("{}", *usage);
    return true;
  }
  for (const abi::StatusInfo& status : abi::kStatuses) {
    if (arguments.name != status.name) continue;
    fmt::print("{}  status {:#06x}\n  {}\n", status.name, status.code, status.summary);
    return true;
  }
  return false;
}

int Regs(const RegsArguments& arguments) {
  if (arguments.name.empty() || IsBlock(arguments.name)) {
    if (!arguments.json) {
      PrintList(arguments.name);
      return 0;
    }
    nlohmann::ordered_json document = nlohmann::ordered_json::array();
    for (const RegisterReference& info : Select(arguments.name)) document.push_back(ToJson(info));
    fmt::print("{}\n", document.dump(2));
    return 0;
  }
  if (!arguments.json && PrintOther(arguments)) return 0;
  TextScanner scanner(arguments.name);
  Mistake mistake;
  const auto place = ScanRegister(&scanner, ArrayUse::kWhole, &mistake);
  if (!place) return Complain(DescribeMistake(mistake));
  if (place->reference == nullptr) return Complain("nothing is described at " + place->name);
  if (arguments.json) {
    fmt::print("{}\n", ToJson(*place->reference).dump(2));
  } else {
    PrintRegister(*place->reference);
  }
  return 0;
}

}  // namespace

void AddRegsCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<RegsArguments>();
  CLI::App* regs = AddCommand(app, "regs", "The reference of registers, commands and statuses");
  regs->add_option("NAME", arguments->name,
                   "A register, an offset, a block, a command or a status; all registers without");
  regs->add_flag("--json", arguments->json, "Print registers as JSON, for scripts");
  regs->footer(
      "No function is needed: this is the contract that the tool was built with. Examples:\n"
      "  ward regs                    all registers, by block\n"
      "  ward regs QUEUE_STATUS       one, with its fields\n"
      "  ward regs 0x1304             whose offset that is\n"
      "  ward regs FILL               the fields and flags of a command\n"
      "  ward regs PAGE_NOT_MAPPED    what a status means");
  regs->callback([arguments, exit_code] { *exit_code = Regs(*arguments); });
}

}  // namespace ward::emulator
