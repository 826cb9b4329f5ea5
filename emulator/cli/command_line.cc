#include "emulator/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

namespace ward::emulator {

CLI::App* AddCommand(CLI::App* parent, const std::string& name, const std::string& summary) {
  return parent->add_subcommand(name, summary);
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& word) {
    const bool is_one = std::find(words.begin(), words.end(), word) != words.end();
    return is_one ? "" : fmt::format("{} is none of {}", word, fmt::join(words, ", "));
  };
  return {check, fmt::format("{{{}}}", fmt::join(words, ","))};
}

}  // namespace ward::emulator
