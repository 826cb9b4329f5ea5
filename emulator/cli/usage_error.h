// What is said of a command line that the tool does not understand.
#ifndef WARD_EMULATOR_CLI_USAGE_ERROR_H_
#define WARD_EMULATOR_CLI_USAGE_ERROR_H_

#include <CLI/App.hpp>
#include <string>

namespace ward::emulator {

// For CLI::App::failure_message of the tool's own app: one line that says what is wrong, of which
// command, the near name where there is one, and the help to ask for.
std::string DescribeUsageError(const CLI::App* root, const CLI::Error& error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_USAGE_ERROR_H_
