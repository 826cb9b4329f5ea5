#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "abi/generated/registers.h"
#include "base/assert.h"
#include "tests/fuzz/device/machine.h"
#include "tests/fuzz/device/reproduce/child.h"
#include "tests/fuzz/device/reproduce/outcome.h"
#include "tests/fuzz/device/reproduce/writers.h"

namespace ward::fuzz {
namespace {

// The first line that says what fell; a report has many.
std::string FirstVerdict(const std::string& said) {
  for (const char* mark : {"oracle ", "internal error", "runtime error", "ERROR: "}) {
    const size_t at = said.find(mark);
    if (at == std::string::npos) continue;
    const size_t begin = said.rfind('\n', at) + 1;
    return said.substr(begin, said.find('\n', at) - begin);
  }
  return said.substr(0, said.find('\n'));
}

// A file of no disk, which might be full, or read-only.
std::FILE* OpenMemory() {
  const int file = memfd_create("ward-reproduce", MFD_CLOEXEC);
  std::FILE* const stream = file < 0 ? nullptr : fdopen(file, "w+");
  WARD_ASSERT(stream != nullptr);
  return stream;
}

}  // namespace

std::optional<std::string> RunInChild(const std::function<std::string()>& run, std::string* fell) {
  std::FILE* const result = OpenMemory();
  std::FILE* const said = OpenMemory();
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  WARD_ASSERT(child >= 0);
  if (child == 0) {
    // An input that hangs goes with whoever ended this program for it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    // Whoever catches signals in this program, as test frameworks do, has nothing to say of these.
    std::signal(SIGABRT, SIG_DFL);
    dup2(fileno(said), STDOUT_FILENO);
    dup2(fileno(said), STDERR_FILENO);
    const std::string text = run();
    const bool written =
        write(fileno(result), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(written ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
  }
  const auto read_all = [](std::FILE* file) {
    std::rewind(file);
    std::string text;
    char part[4096];
    while (const size_t size = std::fread(part, 1, sizeof(part), file)) text.append(part, size);
    std::fclose(file);
    return text;
  };
  const std::string text = read_all(result);
  const std::string errors = read_all(said);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  *fell = FirstVerdict(errors);
  if (fell->empty()) *fell = "it ended without a word";
  return std::nullopt;
}

Played PlayInChild(const Story& story) {
  Played played;
  const auto outcome = RunInChild(
      [&story] {
        Machine machine;
        const uint32_t first_epoch = machine.LookAtRegister(abi::kRegKeyEpoch);
        for (const Step& step : story.steps) machine.Do(step.operation());
        machine.End(false);
        machine.RunToRest();
        return ReadOutcome(first_epoch,
                           [&machine](uint64_t offset) { return machine.LookAtRegister(offset); });
      },
      &played.text);
  played.fell = !outcome;
  if (outcome) played.text = *outcome;
  return played;
}

}  // namespace ward::fuzz
