#include "emulator/cli/help_form.h"

#include <regex>

namespace ward::emulator {
namespace {

// What an option takes, from "TEXT", "UINT:SIZE [b, kb(=1024b), ...]", "TEXT:{text,log}",
// "ENUM:value in {fast->0,realistic->1} OR {0,1}" or "UINT:UINT in [1 - 600000]", the forms in
// which CLI11 puts a type and its validators together. More than one validator: the last counts.
std::string Plain(const std::string& type) {
  std::smatch found;
  if (std::regex_search(type, found, std::regex(R"(\{([^}]*)\})"))) {
    std::string choices = std::regex_replace(found[1].str(), std::regex("->[^,]*"), "");
    return std::regex_replace(choices, std::regex(","), "|");
  }
  if (type.find(":SIZE") != std::string::npos) return "SIZE";
  if (std::regex_search(type, found, std::regex(R"(\[(\S+) - (\S+)\])"))) {
    return found[1].str() + ".." + found[2].str();
  }
  return type.substr(0, type.find(':'));
}

}  // namespace

std::string HelpForm::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0 || option->get_type_name().empty()) {
    return Formatter::make_option_opts(option);
  }
  const std::string theirs = get_label(option->get_type_name());
  std::string text = Formatter::make_option_opts(option);
  const size_t place = text.find(theirs);
  return place == std::string::npos ? text : text.replace(place, theirs.size(), Plain(theirs));
}

}  // namespace ward::emulator
