// A terminal that is redrawn in place, and is as it was when this ends.
#ifndef WARD_EMULATOR_CLI_TOP_SCREEN_H_
#define WARD_EMULATOR_CLI_TOP_SCREEN_H_

#include <termios.h>

#include <string>
#include <vector>

namespace ward::emulator {

class Screen {
 public:
  // Where standard output is no terminal, or `redraws` is false, frames are plain text below each
  // other. One at a time: signals are the process's. SIGINT, SIGTERM and SIGHUP end Wait from here
  // on.
  explicit Screen(bool redraws);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool is_terminal() const { return is_terminal_; }
  // What does not fit is cut off. False when the standard output does not take it.
  [[nodiscard]] bool Draw(const std::vector<std::string>& lines);
  // Waits, and redraws when the terminal changes its size. False when the user wants to end (q,
  // Ctrl-C, or a signal), or the standard output does not take the frame.
  bool Wait(int milliseconds);

 private:
  bool has_keys_ = false;  // standard input is a terminal, and says each key at once
  bool is_terminal_ = false;
  bool is_first_ = true;
  termios before_{};
  std::vector<std::string> lines_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_TOP_SCREEN_H_
