// The `ward` tool. Exit codes: 0 done, 1 could not be done, 2 wrong usage.
#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <system_error>

#include "emulator/cli/completion_command.h"
#include "emulator/cli/dma_command.h"
#include "emulator/cli/doctor_command.h"
#include "emulator/cli/help_form.h"
#include "emulator/cli/identity_command.h"
#include "emulator/cli/info_command.h"
#include "emulator/cli/man_command.h"
#include "emulator/cli/peek_command.h"
#include "emulator/cli/regs_command.h"
#include "emulator/cli/replay_command.h"
#include "emulator/cli/ring_command.h"
#include "emulator/cli/script_command.h"
#include "emulator/cli/serve_command.h"
#include "emulator/cli/top_command.h"
#include "emulator/cli/trace_command.h"
#include "emulator/cli/usage_error.h"

namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
constexpr char kVersionLine[] = "ward " WARD_VERSION;

int Run(int argc, char** argv) {
  int exit_code = 0;
  CLI::App app("WardGPU: a virtual GPU whose content protection really works", "ward");
  app.formatter(std::make_shared<ward::emulator::HelpForm>());  // the commands inherit it
  app.failure_message(ward::emulator::DescribeUsageError);
  app.require_subcommand(1);
  app.footer("Help for one command: ward COMMAND --help");
  app.set_version_flag("--version", kVersionLine, "Print the version");
  ward::emulator::AddInfoCommand(&app, &exit_code);
  ward::emulator::AddRegsCommand(&app, &exit_code);
  ward::emulator::AddPeekCommand(&app, &exit_code);
  ward::emulator::AddPokeCommand(&app, &exit_code);
  ward::emulator::AddRingCommand(&app, &exit_code);
  ward::emulator::AddDmaCommand(&app, &exit_code);
  ward::emulator::AddScriptCommand(&app, &exit_code);
  ward::emulator::AddIdentityCommand(&app, &exit_code);
  ward::emulator::AddServeCommand(&app, &exit_code);
  ward::emulator::AddTopCommand(&app, &exit_code);
  ward::emulator::AddReplayCommand(&app, &exit_code);
  ward::emulator::AddTraceCommand(&app, &exit_code);
  ward::emulator::AddDoctorCommand(&app, &exit_code);
  ward::emulator::AddCompletionCommand(&app, &exit_code);
  ward::emulator::AddManCommand(&app, &exit_code);
  app.add_subcommand("version", "Print the version")->callback([] {
    fmt::print("{}\n", kVersionLine);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = kFailure;
  // A script must not take a half-written answer for a whole one.
  bool is_written = false;
  try {
    exit_code = Run(argc, argv);
    // A write that failed before may have left nothing to flush.
    is_written = static_cast<bool>(std::cout.flush()) && std::fflush(stdout) == 0 &&
                 std::ferror(stdout) == 0;
  } catch (const std::system_error&) {
    // fmt's, of an answer that is longer than stdout's buffer.
  } catch (const std::exception& error) {
    // A library's, of what no command has foreseen: an end with a word, not an abort.
    fmt::print(stderr, "ward: {}\n", error.what());
    return kFailure;
  }
  if (is_written) return exit_code;
  fmt::print(stderr, "ward: the answer could not be written to the standard output\n");
  return kFailure;
}
