#include "emulator/cli/script_command.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/bench/input_file.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/script/script.h"
#include "emulator/cli/script/script_runner.h"

namespace ward::emulator {
namespace {

constexpr int kWrongUsage = 2;
constexpr size_t kLongestScript = 16 << 20;  // bytes

struct ScriptArguments {
  std::string function;
  std::string file;
  bool check = false;
  bool verbose = false;
  bool json = false;
};

int TellMistakes(const ScriptArguments& arguments, const Script& script) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [line, mistake] : script.mistakes) {
    fmt::print(stderr, "{}:{}:{}: found {}, expected {}\n", arguments.file, line, mistake.column,
               mistake.found, mistake.expected);
    list.push_back({{"line", line},
                    {"column", mistake.column},
                    {"found", mistake.found},
                    {"expected", mistake.expected}});
  }
  if (arguments.json) {
    const nlohmann::ordered_json document = {
        {"file", arguments.file}, {"passed", false}, {"mistakes", std::move(list)}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return kWrongUsage;
}

int RunScript(const ScriptArguments& arguments, const Script& script) {
  std::string error;
  const auto function = Attach(arguments.function, &error);
  if (function == nullptr) return Complain(error);
  nlohmann::ordered_json printed = nlohmann::ordered_json::array();
  ScriptRunner runner(function.get(), [&](const std::string& line) {
    printed.push_back(line);
    if (!arguments.json) fmt::print("{}\n", line);
  });
  nlohmann::ordered_json document = {{"file", arguments.file},
                                     {"function", arguments.function},
                                     {"passed", true},
                                     {"steps", script.steps.size()},
                                     {"done", 0}};
  for (const Step& step : script.steps) {
    if (arguments.verbose && !arguments.json) fmt::print("{:>4}  {}\n", step.line, step.text);
    auto wrong = runner.Do(step);
    if (!wrong && &step == &script.steps.back()) wrong = runner.End();
    if (wrong) {
      document["passed"] = false;
      document["failure"] = {{"line", step.line}, {"statement", step.text}, {"reason", *wrong}};
      std::fflush(stdout);
      fmt::print(stderr, "{}:{}: {}: {}\n", arguments.file, step.line, step.text, *wrong);
      break;
    }
    document["done"] = document["done"].get<size_t>() + 1;
  }
  document["printed"] = std::move(printed);
  const bool passed = document["passed"].get<bool>();
  if (arguments.json) {
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (passed) {
    fmt::print("{}: {} steps, all as they should be\n", arguments.file, script.steps.size());
  }
  return passed ? 0 : 1;
}

int RunCommand(const ScriptArguments& arguments) {
  std::string error;
  const auto text = ReadInputFile(arguments.file, kLongestScript, &error);
  if (!text) return Complain(error);
  const Script script = ParseScript(*text);
  if (!script.mistakes.empty()) return TellMistakes(arguments, script);
  if (!arguments.check) return RunScript(arguments, script);
  if (arguments.json) {
    const nlohmann::ordered_json document = {{"file", arguments.file},
                                             {"passed", true},
                                             {"steps", script.steps.size()},
                                             {"mistakes", nlohmann::ordered_json::array()}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}: {} steps, no mistake\n", arguments.file, script.steps.size());
  }
  return 0;
}

}  // namespace

void AddScriptCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<ScriptArguments>();
  CLI::App* script = AddCommand(app, "script", "Run a bring-up script");
  script->add_option("FILE", arguments->file, "The script; - is the standard input")->required();
  AddFunctionOption(script, &arguments->function);
  script->add_flag("--check", arguments->check, "Look for mistakes only; no function is opened");
  script->add_flag("-v,--verbose", arguments->verbose, "Print each statement before it is done");
  script->add_flag("--json", arguments->json, "Print the result as JSON, for scripts");
  script->footer(
      "A line is a statement; # begins a remark. The whole file is read before anything is done.\n"
      "  poke NAME[.FIELD] = VALUE              write a register\n"
      "  expect NAME[.FIELD] == VALUE           read it and compare; != too\n"
      "  wait-for NAME[.FIELD] == VALUE within 100ms\n"
      "  ring COMMAND field=value...            on the kernel's queue; ; puts several in one go\n"
      "  ring COMMAND ... faults STATUS         or refused STATUS: it is to go wrong so\n"
      "  vram write|expect OFFSET BYTES         visible VRAM, through BAR2\n"
      "  dma write|expect OFFSET BYTES          system memory; dma:OFFSET in commands\n"
      "  config read|write|expect NAME          NAME, or OFFSET/SIZE; then = or == VALUE\n"
      "  reset                                  function-level reset\n"
      "  print \"text\"                           or print NAME: a register with its fields\n"
      "Exit code 0: all was as the script says; 1: something was not; 2: the script has mistakes.\n"
      "Example: ward script docs/guide/scripts/first-fill.ward -f vfio-user:/tmp/gpu.sock");
  script->callback([arguments, exit_code] { *exit_code = RunCommand(*arguments); });
}

}  // namespace ward::emulator
