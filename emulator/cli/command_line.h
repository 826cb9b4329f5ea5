// What commands are declared with. App.hpp alone: whoever includes CLI11's Formatter.hpp or
// Config.hpp, or has it make an App, compiles all that they can do once more.
#ifndef WARD_EMULATOR_CLI_COMMAND_LINE_H_
#define WARD_EMULATOR_CLI_COMMAND_LINE_H_

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <string>
#include <vector>

namespace ward::emulator {

// As App::add_subcommand: a command below `parent`, which keeps it.
CLI::App* AddCommand(CLI::App* parent, const std::string& name, const std::string& summary);

// For Option::check: one of these words, which the help then writes as "fast|realistic". A mistake
// is told as "--latency: slow is none of fast, realistic".
CLI::Validator OneOf(const std::vector<std::string>& words);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_COMMAND_LINE_H_
