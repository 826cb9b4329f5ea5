#include "emulator/cli/core_dumps.h"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/App.hpp>
#include <cerrno>
#include <cstring>

namespace ward::emulator {

void AddCoreDumpsOption(CLI::App* command, bool* allowed) {
  command->add_flag("--core-dumps", *allowed,
                    "Allow core files and debuggers of the same user; such a file may hold what "
                    "was decrypted");
}

bool ForbidCoreDumps(std::string* error) {
  const rlimit none = {0, 0};
  // The limit alone is not heeded where the system pipes core files to a program (core(5)).
  if (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return true;
  *error = fmt::format("core files can't be ruled out: {}; allow them with --core-dumps",
                       std::strerror(errno));
  return false;
}

}  // namespace ward::emulator
