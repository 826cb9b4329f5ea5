#include "emulator/cli/top/screen.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace ward::emulator {
namespace {

// Of a VT100 and its many successors: the second page, the cursor, places and what to clear.
constexpr char kBegin[] = "\x1b[?1049h\x1b[?25l";
constexpr char kEnd[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kClearLine[] = "\x1b[K";
constexpr char kClearBelow[] = "\x1b[J";

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  return signals;
}

volatile sig_atomic_t is_over = 0;

void OnSignal(int signal) {
  if (signal != SIGWINCH) is_over = 1;
}

}  // namespace

Screen::Screen(bool redraws) {
  // Taken while ppoll waits and at no other time, so that none comes between a look and the wait.
  const sigset_t signals = HandledSignals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  struct sigaction action{};
  action.sa_handler = OnSignal;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
  is_terminal_ = redraws && isatty(STDOUT_FILENO) == 1;
  if (!is_terminal_) return;
  sigaction(SIGWINCH, &action, nullptr);
  has_keys_ = tcgetattr(STDIN_FILENO, &before_) == 0;
  if (has_keys_) {
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VSUSP] = _POSIX_VDISABLE;  // a shell would find its terminal so
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  }
  fmt::print("{}", kBegin);
}

Screen::~Screen() {
  if (is_terminal_) {
    std::fputs(kEnd, stdout);  // throws nothing, should the terminal be gone
    std::fflush(stdout);
  }
  if (has_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

bool Screen::Draw(const std::vector<std::string>& lines) {
  lines_ = lines;
  if (!is_terminal_) {
    if (!std::exchange(is_first_, false)) fmt::print("\n");
    for (const std::string& line : lines) fmt::print("{}\n", line);
    return std::fflush(stdout) == 0;
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    size.ws_row = 24;
    size.ws_col = 80;
  }
  // One write, so that no half of a frame is seen.
  std::string frame = kHome;
  for (size_t i = 0; i < std::min<size_t>(lines.size(), size.ws_row); ++i) {
    if (i != 0) frame += "\r\n";
    frame += lines[i].substr(0, size.ws_col);
    frame += kClearLine;
  }
  frame += kClearBelow;
  fmt::print("{}", frame);
  return std::fflush(stdout) == 0;
}

bool Screen::Wait(int milliseconds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  sigset_t none;
  sigemptyset(&none);
  while (true) {
    const auto left = std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                               limit - std::chrono::steady_clock::now())
                                               .count());
    const timespec time = {left / 1'000'000'000, left % 1'000'000'000};
    pollfd keys = {STDIN_FILENO, POLLIN, 0};
    const int ready = ppoll(&keys, has_keys_ ? 1 : 0, &time, &none);
    if (is_over != 0) return false;
    if (ready == 0) return true;
    if (ready < 0) {
      if (errno != EINTR) return false;
      if (is_terminal_ && !Draw(lines_)) return false;  // it has another size
      continue;
    }
    char key = 0;
    // A terminal that is gone reads as the end.
    if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q') return false;
  }
}

}  // namespace ward::emulator
