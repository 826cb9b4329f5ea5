// The `ward` tool. Exit codes: 0 done, 1 could not be done, 2 wrong usage.
#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "emulator/cli/identity_command.h"

namespace {

constexpr int kWrongUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  CLI::App app("WardGPU: a virtual GPU whose content protection really works", "ward");
  app.require_subcommand(1);
  app.footer("Help for one command: ward COMMAND --help");
  ward::emulator::AddIdentityCommand(&app, &exit_code);
  app.add_subcommand("version", "Print the version")->callback([] {
    fmt::print("ward {}\n", WARD_VERSION);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return exit_code;
}
