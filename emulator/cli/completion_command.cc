#include "emulator/cli/completion_command.h"

#include <fmt/format.h>

#include <CLI/Validators.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/reference.h"
#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/command_tree.h"

namespace ward::emulator {
namespace {

struct CompletionArguments {
  std::string shell;
};

// What the contract names, for the commands whose arguments it is.
std::vector<std::string> ContractWords(const CommandEntry& command) {
  const std::string& name = command.path.back();
  std::vector<std::string> words;
  if (name == "peek" || name == "poke" || name == "regs") {
    for (const abi::RegisterReference& info : abi::kRegisterReferences) words.push_back(info.name);
  }
  if (name == "ring" || name == "regs") {
    for (const abi::CommandInfo& info : abi::kCommands) words.push_back(info.name);
  }
  return words;
}

std::vector<std::string> WordsOf(const CommandEntry& command) {
  std::vector<std::string> words = command.children;
  for (const OptionEntry& option : command.options) {
    words.insert(words.end(), option.names.begin(), option.names.end());
  }
  for (const std::string& word : ContractWords(command)) words.push_back(word);
  return words;
}

// Options whose next word is their value, so it names no command.
std::string ValueOptions(const std::vector<CommandEntry>& tree) {
  std::set<std::string> names;
  for (const CommandEntry& command : tree) {
    for (const OptionEntry& option : command.options) {
      if (option.takes_value) names.insert(option.names.begin(), option.names.end());
    }
  }
  return fmt::format("{}", fmt::join(names, "|"));
}

// The lines of a `case` of bash and zsh: the words after each path.
std::string CaseLines(const std::vector<CommandEntry>& tree) {
  std::string lines;
  for (const CommandEntry& command : tree) {
    lines += fmt::format("    \"{}\") list=\"{}\" ;;\n", PathText(command),
                         fmt::join(WordsOf(command), " "));
  }
  return lines;
}

// The paths below which words are commands, for a `case`.
std::string PathPattern(const std::vector<CommandEntry>& tree) {
  std::vector<std::string> paths;
  for (const CommandEntry& command : tree) {
    if (command.path.size() > 1) paths.push_back(fmt::format("\"{}\"", PathText(command)));
  }
  return fmt::format("{}", fmt::join(paths, "|"));
}

std::string Bash(const std::vector<CommandEntry>& tree) {
  return fmt::format(
      "# Completion of ward for bash. Made by `ward completion bash`.\n"
      "_ward() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} path=ward list= skip= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    if [ -n \"$skip\" ]; then skip=; continue; fi\n"
      "    case \"${{COMP_WORDS[i]}}\" in {}) skip=1; continue ;; esac\n"
      "    case \"$path ${{COMP_WORDS[i]}}\" in\n"
      "      {}) path=\"$path ${{COMP_WORDS[i]}}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  [ -n \"$skip\" ] && return  # a value: what bash completes by itself\n"
      "  case \"$path\" in\n{}  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\")\n"
      "}}\n"
      "complete -o default -F _ward ward\n",
      ValueOptions(tree), PathPattern(tree), CaseLines(tree));
}

std::string Zsh(const std::vector<CommandEntry>& tree) {
  return fmt::format(
      "#compdef ward\n"
      "# Completion of ward for zsh. Made by `ward completion zsh`.\n"
      "_ward() {{\n"
      "  local path_=ward list= skip= i\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    if [[ -n $skip ]]; then skip=; continue; fi\n"
      "    case \"${{words[i]}}\" in {}) skip=1; continue ;; esac\n"
      "    case \"$path_ ${{words[i]}}\" in\n"
      "      {}) path_=\"$path_ ${{words[i]}}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  if [[ -n $skip ]]; then _files; return; fi\n"
      "  case \"$path_\" in\n{}  esac\n"
      "  compadd -- ${{=list}}\n"
      "  [[ ${{PREFIX}} == -* ]] || _files\n"
      "}}\n"
      "if [[ $funcstack[1] == _ward ]]; then _ward \"$@\"; else compdef _ward ward; fi\n",
      ValueOptions(tree), PathPattern(tree), CaseLines(tree));
}

// In single quotes for fish.
std::string Quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

// When the words of `command` are offered: it was named, and none below it was.
std::string FishCondition(const CommandEntry& command) {
  if (command.path.size() == 1) return "__fish_use_subcommand";
  std::string text;
  for (size_t i = 1; i < command.path.size(); ++i) {
    text +=
        fmt::format("{}__fish_seen_subcommand_from {}", i == 1 ? "" : "; and ", command.path[i]);
  }
  if (command.children.empty()) return text;
  return fmt::format("{}; and not __fish_seen_subcommand_from {}", text,
                     fmt::join(command.children, " "));
}

std::string Fish(const std::vector<CommandEntry>& tree) {
  std::string text = "# Completion of ward for fish. Made by `ward completion fish`.\n";
  for (const CommandEntry& command : tree) {
    const std::string head = "complete -c ward -n " + Quote(FishCondition(command));
    for (const CommandEntry& child : tree) {
      const bool is_child =
          child.path.size() == command.path.size() + 1 &&
          std::equal(command.path.begin(), command.path.end(), child.path.begin());
      if (!is_child) continue;
      text += fmt::format("{} -f -a {} -d {}\n", head, child.path.back(), Quote(child.summary));
    }
    for (const OptionEntry& option : command.options) {
      if (option.names.empty()) continue;
      text += head;
      for (const std::string& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += fmt::format("{} -d {}\n", option.takes_value ? " -r" : "", Quote(option.summary));
    }
    const std::vector<std::string> words = ContractWords(command);
    if (!words.empty()) {
      text += fmt::format("{} -f -a {}\n", head, Quote(fmt::format("{}", fmt::join(words, " "))));
    }
  }
  return text;
}

int Complete(const CompletionArguments& arguments, const CLI::App& root) {
  const std::vector<CommandEntry> tree = ListCommandTree(root);
  const std::string text = arguments.shell == "bash"  ? Bash(tree)
                           : arguments.shell == "zsh" ? Zsh(tree)
                                                      : Fish(tree);
  fmt::print("{}", text);
  return 0;
}

}  // namespace

void AddCompletionCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<CompletionArguments>();
  CLI::App* completion =
      AddCommand(app, "completion", "Print a script that completes the tool's words in a shell");
  completion->add_option("SHELL", arguments->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer(
      "Commands, options, and the names of registers and commands. Examples:\n"
      "  source <(ward completion bash)\n"
      "  ward completion zsh > ~/.zfunc/_ward        with ~/.zfunc in fpath\n"
      "  ward completion fish > ~/.config/fish/completions/ward.fish");
  completion->callback([arguments, exit_code, app] { *exit_code = Complete(*arguments, *app); });
}

}  // namespace ward::emulator
