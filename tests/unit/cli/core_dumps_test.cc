#include "emulator/cli/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch2/catch_test_macros.hpp"

namespace ward::emulator {
namespace {

TEST_CASE("P4_ a process that forbids core files has a limit of 0 and is not dumpable") {
  REQUIRE(prctl(PR_GET_DUMPABLE) == 1);  // or the test shows nothing
  const pid_t child = fork();
  if (child == 0) {
    std::string error;
    rlimit limit = {1, 1};
    const bool forbidden = ForbidCoreDumps(&error) && getrlimit(RLIMIT_CORE, &limit) == 0 &&
                           limit.rlim_cur == 0 && limit.rlim_max == 0 &&
                           prctl(PR_GET_DUMPABLE) == 0;
    _exit(forbidden ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace ward::emulator
