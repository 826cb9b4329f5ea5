// The tool's own commands and options, as data: what completion and manual pages are made of.
#ifndef WARD_EMULATOR_CLI_COMMAND_TREE_H_
#define WARD_EMULATOR_CLI_COMMAND_TREE_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace ward::emulator {

struct OptionEntry {
  std::vector<std::string> names;  // "-f", "--function"; empty for a positional one
  std::string positional;          // its name, else empty
  std::string summary;
  std::string default_text;  // empty: none is to be told
  bool takes_value = false;
  bool is_required = false;
  bool is_list = false;
};

struct CommandEntry {
  std::vector<std::string> path;  // {"ward", "identity", "create"}
  std::string summary;
  std::string footer;
  std::vector<OptionEntry> options;
  std::vector<std::string> children;  // names of the commands below it
};

// `root` and all below it, parents first, in the order of the help.
std::vector<CommandEntry> ListCommandTree(const CLI::App& root);
// "ward identity create", or with another sign between the names.
std::string PathText(const CommandEntry& command, const char* between = " ");

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_COMMAND_TREE_H_
