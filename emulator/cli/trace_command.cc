#include "emulator/cli/trace_command.h"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>

#include "emulator/boundary/trace_timeline.h"
#include "emulator/cli/command_line.h"

namespace ward::emulator {
namespace {

struct TraceArguments {
  std::string trace;
  std::string output;
};

int Complain(const std::string& error) {
  fmt::print(stderr, "ward: {}\n", error);
  return 1;
}

int Convert(const TraceArguments& arguments) {
  std::ifstream trace(arguments.trace);
  if (!trace) return Complain(arguments.trace + " can't be read");
  std::error_code unknown;
  if (std::filesystem::equivalent(arguments.trace, arguments.output, unknown)) {
    return Complain(arguments.output + " is the trace itself: name another file with -o");
  }
  // Nothing is written for what is no trace, over an older timeline least of all.
  std::ostringstream timeline;
  std::string error;
  if (!ConvertTrace(trace, timeline, &error)) {
    return Complain(arguments.trace + ": " + error +
                    "; give a file that the device wrote with trace=FILE");
  }
  std::ofstream file;
  if (!arguments.output.empty()) {
    file.open(arguments.output, std::ios::trunc);
    if (!file) return Complain(arguments.output + " can't be written");
  }
  std::ostream& output = arguments.output.empty() ? std::cout : file;
  if (!(output << timeline.view()).flush()) {
    return Complain("the timeline could not be written whole");
  }
  return 0;
}

}  // namespace

void AddTraceCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<TraceArguments>();
  CLI::App* trace = AddCommand(app, "trace", "Work with the device's traces");
  trace->require_subcommand(1);

  CLI::App* convert =
      AddCommand(trace, "convert", "Make a timeline for ui.perfetto.dev of a text trace");
  convert->add_option("FILE", arguments->trace, "What trace=FILE wrote, in either form")
      ->required();
  convert->add_option("-o,--output", arguments->output,
                      "Where the JSON goes; the standard output without it");
  convert->footer("Example: ward trace convert trace.log -o timeline.json");
  convert->callback([arguments, exit_code] { *exit_code = Convert(*arguments); });
}

}  // namespace ward::emulator
