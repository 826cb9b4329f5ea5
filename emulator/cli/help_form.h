// How the help writes what an option takes.
#ifndef WARD_EMULATOR_CLI_HELP_FORM_H_
#define WARD_EMULATOR_CLI_HELP_FORM_H_

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>

namespace ward::emulator {

// CLI11's own form, without what its validators say of themselves for programmers: "SIZE" for a
// number with a unit, "fast|realistic" for a choice, "1..600000" for a range.
class HelpForm : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_HELP_FORM_H_
