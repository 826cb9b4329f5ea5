// Core files of a process that has a chip with keys in it.
#ifndef WARD_EMULATOR_CLI_CORE_DUMPS_H_
#define WARD_EMULATOR_CLI_CORE_DUMPS_H_

#include <string>

namespace CLI {
class App;
}

namespace ward::emulator {

// `--core-dumps`, which sets `*allowed`.
void AddCoreDumpsOption(CLI::App* command, bool* allowed);

// From here on this process leaves no core file (RLIMIT_CORE is 0, for its children too), hands
// none to a program of the system's, and lets no other process of its user look in (it is not
// dumpable, prctl(2)). False and `error` when the system refuses.
[[nodiscard]] bool ForbidCoreDumps(std::string* error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_CORE_DUMPS_H_
