#include "tests/vm/first_process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace ward::test {
namespace {

constexpr char kPort[] = "/dev/ttyS1";

bool MountAll() {
  return ::mount("dev", "/dev", "devtmpfs", 0, nullptr) == 0 &&
         ::mount("proc", "/proc", "proc", 0, nullptr) == 0 &&
         ::mount("sys", "/sys", "sysfs", 0, nullptr) == 0;
}

// As "stty raw -echo 115200".
bool MakeRaw(int port) {
  termios settings = {};
  if (::tcgetattr(port, &settings) != 0) return false;
  ::cfmakeraw(&settings);
  ::cfsetspeed(&settings, B115200);
  return ::tcsetattr(port, TCSANOW, &settings) == 0;
}

bool Say(std::string_view text) {
  return ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

bool IsFirstProcess() { return ::getpid() == 1; }

bool BecomeInit() {
  if (!MountAll()) return false;
  const int port = ::open(kPort, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (port < 0 || !MakeRaw(port) || ::dup2(port, STDIN_FILENO) < 0 ||
      ::dup2(port, STDOUT_FILENO) < 0) {
    return false;
  }
  ::close(port);
  ::setenv("PATH", "/bin", 1);
  ::setenv("TERM", "dumb", 1);
  return Say("ward-guest: started\nward-guest: ready\n");
}

void PowerOff(int code) {
  Say("ward-guest: exit " + std::to_string(code) + "\n");
  ::tcdrain(STDOUT_FILENO);
  while (true) ::reboot(RB_POWER_OFF);
}

}  // namespace ward::test
