#include "emulator/cli/usage_error.h"

#include <fmt/format.h>

#include <regex>
#include <vector>

#include "emulator/cli/bench/text_scanner.h"

namespace ward::emulator {
namespace {

// The command that the mistake is of: the outermost that was given what it has no place for, else
// the innermost.
struct Place {
  const CLI::App* app;
  std::string path;  // "ward dma read"
};

Place FindPlace(const CLI::App* root) {
  Place place = {root, root->get_name()};
  while (place.app->remaining().empty() && !place.app->get_subcommands().empty()) {
    place.app = place.app->get_subcommands().back();
    place.path += " " + place.app->get_name();
  }
  return place;
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(child->get_name());
  }
  return names;
}

std::vector<std::string> OptionsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string DescribeExtra(const Place& place, const std::string& word) {
  if (word.size() > 1 && word[0] == '-') {
    const std::string name = word.substr(0, word.find('='));
    return fmt::format("`{}` has no option {}{}", place.path, Quote(name),
                       DidYouMean(name, OptionsOf(*place.app)));
  }
  const std::vector<std::string> commands = CommandsOf(*place.app);
  if (!commands.empty()) {
    return fmt::format("`{}` has no command {}{}", place.path, Quote(word),
                       DidYouMean(word, commands));
  }
  return fmt::format("`{}` takes nothing more, and {} was given", place.path, Quote(word));
}

// The library's words for what an option can't be, as this program puts it. What is not among them
// stays.
std::string Reword(const std::string& text) {
  static const std::regex kNumber("^Could not convert: (.+) = (.*)$");
  static const std::regex kRange(R"(Value (\S+) not in range \[?(\S+) (?:to|-) ([^\]\s]+)\]?)");
  return std::regex_replace(std::regex_replace(text, kNumber, "$1: $2 is no number that it takes"),
                            kRange, "$1 is not from $2 to $3");
}

std::string Describe(const Place& place, const CLI::Error& error) {
  const std::vector<std::string> extra = place.app->remaining();
  if (!extra.empty()) return DescribeExtra(place, extra.front());
  const bool lacks_command =
      place.app->get_require_subcommand_min() > 0 && place.app->get_subcommands().empty();
  if (lacks_command && error.get_name() == "RequiredError") {
    return fmt::format("`{}` needs a command: {}", place.path,
                       fmt::join(CommandsOf(*place.app), ", "));
  }
  return fmt::format("`{}`: {}", place.path, Reword(error.what()));
}

}  // namespace

std::string DescribeUsageError(const CLI::App* root, const CLI::Error& error) {
  const Place place = FindPlace(root);
  return fmt::format("ward: {}; see `{} --help`\n", Describe(place, error), place.path);
}

}  // namespace ward::emulator
