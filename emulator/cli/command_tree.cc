#include "emulator/cli/command_tree.h"

#include <fmt/format.h>

namespace ward::emulator {
namespace {

OptionEntry Describe(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  if (entry.names.empty()) entry.positional = option.get_name();
  entry.summary = option.get_description();
  entry.default_text = option.get_default_str();
  entry.takes_value = option.get_items_expected_max() > 0;
  entry.is_required = option.get_required();
  entry.is_list = option.get_items_expected_max() > 1;
  return entry;
}

void Walk(const CLI::App& app, std::vector<std::string> path, std::vector<CommandEntry>* list) {
  path.push_back(app.get_name());
  CommandEntry entry;
  entry.path = path;
  entry.summary = app.get_description();
  entry.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options([](const CLI::Option* one) {
         return !one->get_group().empty();  // an empty group is hidden from the help
       })) {
    entry.options.push_back(Describe(*option));
  }
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) entry.children.push_back(child->get_name());
  list->push_back(std::move(entry));
  for (const CLI::App* child : children) Walk(*child, path, list);
}

}  // namespace

std::vector<CommandEntry> ListCommandTree(const CLI::App& root) {
  std::vector<CommandEntry> list;
  Walk(root, {}, &list);
  return list;
}

std::string PathText(const CommandEntry& command, const char* between) {
  return fmt::format("{}", fmt::join(command.path, between));
}

}  // namespace ward::emulator
