#include "emulator/boundary/standard_error.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "emulator/boundary/patient_poll.h"

namespace ward::emulator {
namespace {

// Room is asked for and taken under it: two threads would take the same room, and one wait.
std::mutex lock;
bool is_stalled = false;

bool HasRoom(int wait_ms) {
  pollfd output = {STDERR_FILENO, POLLOUT, 0};
  return PollPatiently({&output, 1}, wait_ms) == 1 && (output.revents & POLLOUT) != 0;
}

}  // namespace

bool StandardError::Write(std::string_view text, int patience_ms) {
  const std::lock_guard<std::mutex> guard(lock);
  while (!text.empty()) {
    // A pipe that can be written to has room for PIPE_BUF bytes; its flags are not ours alone.
    if (!HasRoom(is_stalled ? 0 : patience_ms)) {
      is_stalled = is_stalled || patience_ms > 0;
      return false;
    }
    const ssize_t written =
        write(STDERR_FILENO, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    is_stalled = false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace ward::emulator
