#include "emulator/cli/ring_command.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/bench/command_text.h"
#include "emulator/cli/bench/kernel_queue.h"
#include "emulator/cli/bench/submission_text.h"
#include "emulator/cli/command_line.h"

namespace ward::emulator {
namespace {

constexpr int kWrongUsage = 2;
constexpr uint32_t kLongestTimeout = 600'000;

struct RingArguments {
  std::string function;
  std::vector<std::string> commands;
  uint32_t timeout_ms = 10'000;
  bool json = false;
};

std::optional<std::vector<CommandText>> Parse(const std::vector<std::string>& texts) {
  std::vector<CommandText> commands;
  for (const std::string& text : texts) {
    TextScanner scanner(text);
    Mistake mistake;
    auto command = ScanCommand(&scanner, &mistake);
    if (command && !scanner.AtEnd()) {
      mistake = scanner.Expected("field=value or a flag; another command is another argument");
      command.reset();
    }
    if (!command) {
      Complain(fmt::format("\"{}\": {}", text, DescribeMistake(mistake)));
      return std::nullopt;
    }
    commands.push_back(std::move(*command));
  }
  return commands;
}

int Ring(const RingArguments& arguments) {
  const auto commands = Parse(arguments.commands);
  if (!commands) return kWrongUsage;
  std::string error;
  const auto function = Attach(arguments.function, &error);
  if (function == nullptr) return Complain(error);
  KernelQueue queue(function.get());
  SubmissionResult result;
  if (!queue.Submit(*commands, arguments.timeout_ms, &result, &error)) return Complain(error);
  if (arguments.json) {
    fmt::print("{}\n", SubmissionJson(*commands, result).dump(2));
  } else {
    fmt::print("{}\n", DescribeSubmission(*commands, result));
  }
  return IsDone(result) ? 0 : 1;
}

}  // namespace

void AddRingCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<RingArguments>();
  CLI::App* ring = AddCommand(app, "ring", "Execute commands on the kernel's queue");
  ring->add_option("COMMAND", arguments->commands,
                   "\"NAME field=value... FLAG...\", in quotes; several are done in order")
      ->required();
  AddFunctionOption(ring, &arguments->function);
  ring->add_option("--timeout", arguments->timeout_ms, "Milliseconds to wait for the end")
      ->check(CLI::Range(1u, kLongestTimeout))
      ->capture_default_str();
  ring->add_flag("--json", arguments->json, "Print JSON, for scripts");
  ring->footer(
      "The queue is reset and brought up, the commands go into its ring with a fence behind them,\n"
      "and what became of them is said by name. Addresses are physical: vram:OFFSET is visible\n"
      "VRAM, dma:OFFSET a zeroed buffer of 1 MiB in system memory that the tool brings. The queue\n"
      "is reset again at the end. Commands and their fields: ward regs FILL. Examples:\n"
      "  ward ring \"FILL destination=vram:0x1000 value=7 row_bytes=64 row_count=1\"\n"
      "  ward ring \"FILL destination=0x1000 value=0 row_bytes=4 row_count=1\"   faults: "
      "BUS_ERROR\n"
      "  ward ring \"FENCE INTERRUPT value=1\" -f vfio-user:/tmp/gpu.sock --json\n"
      "Exit code 0: all were done; 1: one faulted, was refused or did not end.");
  ring->callback([arguments, exit_code] { *exit_code = Ring(*arguments); });
}

}  // namespace ward::emulator
