#include "emulator/cli/top_command.h"

#include <fmt/format.h>

#include <CLI/Validators.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/top/screen.h"
#include "emulator/cli/top/status_rates.h"
#include "emulator/cli/top/status_reader.h"
#include "emulator/cli/top/status_text.h"

namespace ward::emulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kWrongUsage = 2;
constexpr double kLongestInterval = 3600;  // seconds

struct TopArguments {
  std::string path;
  bool once = false;
  bool json = false;
  double interval = 1;  // seconds
};

// False when the standard output does not take it.
bool Show(const TopArguments& arguments, const Json& document, Screen* screen) {
  if (!arguments.json) return screen->Draw(StatusLines(document));
  fmt::print("{}\n", document.dump());
  return std::fflush(stdout) == 0;
}

// Shows one document after another until the user or the server ends, or the output can't be
// written, which main() tells.
int Watch(const TopArguments& arguments, std::string* error) {
  std::optional<Json> before = ReadStatus(arguments.path, error);
  if (!before) return 1;
  const int milliseconds = static_cast<int>(arguments.interval * 1000);
  Screen screen(!arguments.json);
  if (!Show(arguments, *before, &screen)) return 1;
  while (screen.Wait(milliseconds)) {
    std::optional<Json> now = ReadStatus(arguments.path, error);
    if (!now) return 1;
    Json shown = *now;
    AddRates(*before, &shown);
    if (!Show(arguments, shown, &screen)) return 1;
    before = std::move(now);
  }
  return 0;
}

int ShowOnce(const TopArguments& arguments, std::string* error) {
  std::optional<Json> document = ReadStatus(arguments.path, error);
  if (!document) return 1;
  if (arguments.interval > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(arguments.interval));
    const Json before = std::move(*document);
    document = ReadStatus(arguments.path, error);
    if (!document) return 1;
    AddRates(before, &*document);
  }
  if (arguments.json) {
    fmt::print("{}\n", document->dump(2));
  } else {
    for (const std::string& line : StatusLines(*document)) fmt::print("{}\n", line);
  }
  return 0;
}

int Top(const TopArguments& arguments) {
  if (!arguments.once && arguments.interval <= 0) {
    Complain("--interval 0 is for --once: there are no rates then");
    return kWrongUsage;
  }
  std::string error;
  const int code = arguments.once ? ShowOnce(arguments, &error) : Watch(arguments, &error);
  return error.empty() ? code : Complain(error);
}

}  // namespace

void AddTopCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<TopArguments>();
  CLI::App* top = AddCommand(app, "top", "Watch the devices of a server");
  top->add_option("PATH", arguments->path, "Socket that `ward serve` got with --status")
      ->required();
  top->add_flag("--once", arguments->once, "Show it once and end");
  top->add_flag("--json", arguments->json, "Print JSON, for scripts; a line each time");
  top->add_option("--interval", arguments->interval,
                  "Seconds between two looks, from which rates are made; with --once 0 is none")
      ->check(CLI::Range(0.0, kLongestInterval))
      ->capture_default_str();
  top->footer(
      "q or Ctrl-C ends it. Where the output is no terminal, tables follow each other. A device\n"
      "that is busy or stuck is shown as it stood when it last answered, and STALE. Work is what\n"
      "the scheduler charges the queue, in bytes read and written. Examples:\n"
      "  ward serve --socket /tmp/gpu.sock --status /tmp/gpu.status\n"
      "  ward top /tmp/gpu.status\n"
      "  ward top /tmp/gpu.status --once --interval 0 --json | jq .devices[0].sessions\n"
      "Exit code 0: done; 1: the server is not there, or went.");
  top->callback([arguments, exit_code] { *exit_code = Top(*arguments); });
}

}  // namespace ward::emulator
