#include "emulator/cli/man_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/command_tree.h"

namespace ward::emulator {
namespace {

constexpr int kWrongUsage = 2;

struct ManArguments {
  std::vector<std::string> command;
  std::string all;
};

// Text for roff: backslashes and what begins a request are escaped, '-' is a hyphen to copy.
std::string Escape(std::string_view text) {
  std::string roff;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) roff += "\\&";
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else {
      roff += c;
    }
    line_begins = c == '\n';
  }
  return roff;
}

// What a person types: "[-f,--function VALUE]", "PLACE...".
std::string Usage(const OptionEntry& option) {
  std::string text = option.positional.empty()
                         ? fmt::format("\\fB{}\\fR", Escape(option.names.back()))
                         : fmt::format("\\fI{}\\fR", Escape(option.positional));
  if (option.positional.empty() && option.takes_value) text += " \\fIVALUE\\fR";
  if (option.is_list) text += " ...";
  return option.is_required ? text : fmt::format("[{}]", text);
}

std::string OptionParagraph(const OptionEntry& option) {
  std::string head;
  if (option.positional.empty()) {
    std::vector<std::string> names;
    for (const std::string& name : option.names) {
      names.push_back(fmt::format("\\fB{}\\fR", Escape(name)));
    }
    head = fmt::format("{}{}", fmt::join(names, ", "), option.takes_value ? " \\fIVALUE\\fR" : "");
  } else {
    head = fmt::format("\\fI{}\\fR", Escape(option.positional));
  }
  std::string text = fmt::format(".TP\n{}\n{}.\n", head, Escape(option.summary));
  if (!option.default_text.empty()) {
    text += fmt::format("Default: {}.\n", Escape(option.default_text));
  }
  return text;
}

std::string Synopsis(const CommandEntry& command) {
  std::string text = fmt::format(".SH SYNOPSIS\n\\fB{}\\fR", Escape(PathText(command)));
  for (const OptionEntry& option : command.options) text += "\n" + Usage(option);
  if (!command.children.empty()) text += "\n\\fICOMMAND\\fR ...";
  return text + "\n";
}

std::string MakePage(const CommandEntry& command, const std::vector<CommandEntry>& tree) {
  std::string upper = PathText(command, "-");
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string page =
      fmt::format(".TH {} 1 \"\" \"ward {}\" \"WardGPU\"\n.SH NAME\n{} \\- {}\n", Escape(upper),
                  WARD_VERSION, Escape(PathText(command, "-")), Escape(command.summary));
  page += Synopsis(command);
  if (!command.footer.empty()) {
    page += fmt::format(".SH DESCRIPTION\n.nf\n{}\n.fi\n", Escape(command.footer));
  }
  page += ".SH OPTIONS\n";
  for (const OptionEntry& option : command.options) page += OptionParagraph(option);
  std::vector<std::string> others;
  if (!command.children.empty()) page += ".SH COMMANDS\n";
  for (const CommandEntry& other : tree) {
    const bool is_child = other.path.size() == command.path.size() + 1 &&
                          std::equal(command.path.begin(), command.path.end(), other.path.begin());
    const bool is_parent = command.path.size() == other.path.size() + 1 &&
                           std::equal(other.path.begin(), other.path.end(), command.path.begin());
    if (is_child) {
      page +=
          fmt::format(".TP\n\\fB{}\\fR\n{}.\n", Escape(other.path.back()), Escape(other.summary));
    }
    if (is_child || is_parent) {
      others.push_back(fmt::format("\\fB{}\\fR(1)", Escape(PathText(other, "-"))));
    }
  }
  page += ".SH EXIT STATUS\n0 when it is done, 1 when it could not be done, 2 for wrong usage.\n";
  if (!others.empty()) page += fmt::format(".SH SEE ALSO\n{}\n", fmt::join(others, ",\n"));
  return page;
}

int WriteAll(const std::vector<CommandEntry>& tree, const std::filesystem::path& folder) {
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  for (const CommandEntry& command : tree) {
    const auto path = folder / (PathText(command, "-") + ".1");
    std::ofstream file(path, std::ios::trunc);
    file << MakePage(command, tree);
    if (!file.flush()) return Complain(path.string() + " can't be written");
  }
  return 0;
}

int Man(const ManArguments& arguments, const CLI::App& root) {
  const std::vector<CommandEntry> tree = ListCommandTree(root);
  if (!arguments.all.empty()) return WriteAll(tree, arguments.all);
  std::vector<std::string> path = {root.get_name()};
  path.insert(path.end(), arguments.command.begin(), arguments.command.end());
  for (const CommandEntry& command : tree) {
    if (command.path != path) continue;
    fmt::print("{}", MakePage(command, tree));
    return 0;
  }
  Complain(fmt::format("no command is called \"{}\"; they are listed by: ward --help",
                       fmt::join(arguments.command, " ")));
  return kWrongUsage;
}

}  // namespace

void AddManCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<ManArguments>();
  CLI::App* man = AddCommand(app, "man", "Print a manual page, in roff");
  man->add_option("COMMAND", arguments->command, "Which; the tool's own page without it");
  man->add_option("--all", arguments->all, "Write the pages of all commands to this directory");
  man->footer(
      "The pages are made of the same tree as --help. Examples:\n"
      "  ward man peek | man -l -\n"
      "  ward man --all ~/.local/share/man/man1");
  man->callback([arguments, exit_code, app] { *exit_code = Man(*arguments, *app); });
}

}  // namespace ward::emulator
