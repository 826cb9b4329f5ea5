#include "emulator/vfio_user/thread_patience.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <string_view>

namespace ward::emulator {

ThreadState::ThreadState()
    : thread_(pthread_self()), stat_(open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC)) {}

ThreadReading ThreadState::Read() const {
  char line[256];
  clockid_t clock;
  timespec time{};
  // Not pread(2), which the sandbox has no need of otherwise.
  if (!stat_.valid() || lseek(stat_.get(), 0, SEEK_SET) != 0) return {};
  const ssize_t got = read(stat_.get(), line, sizeof(line));
  if (got <= 0 || pthread_getcpuclockid(thread_, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return {};  // it has ended
  }
  // proc_pid_stat(5): "NUMBER (NAME) STATE ...", and a name may hold anything.
  const std::string_view text(line, static_cast<size_t>(got));
  const size_t state = text.rfind(')') + 2;
  return {.is_runnable = state < text.size() && text[state] == 'R',
          .ran = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

}  // namespace ward::emulator
