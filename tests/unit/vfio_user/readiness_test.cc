#include "emulator/vfio_user/readiness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"

namespace ward::test {
namespace {

std::string Take(int socket) {
  char text[256];
  const ssize_t got = recv(socket, text, sizeof(text), MSG_DONTWAIT);
  return got > 0 ? std::string(text, static_cast<size_t>(got)) : "";
}

TEST_CASE("V23 readiness is told over an inherited descriptor, a line for each device") {
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  const FileDescriptor in(pipes[0]);
  emulator::TellReady(pipes[1], {"vfio-user:/a", "tcp:127.0.0.1:7"});
  char text[256];
  const ssize_t got = read(in.get(), text, sizeof(text));
  CHECK(std::string(text, static_cast<size_t>(got)) == "vfio-user:/a\ntcp:127.0.0.1:7\n");
  CHECK(read(in.get(), text, sizeof(text)) == 0);  // closed
  CHECK(fcntl(pipes[1], F_GETFD) < 0);
  emulator::TellReady(-1, {"vfio-user:/a"});
}

TEST_CASE("V23 systemd is told when the server is ready and when it ends") {
  const TempFolder folder;
  const std::string path = folder / "notify";
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  emulator::OpenNotifySocket();
  unsetenv("NOTIFY_SOCKET");
  emulator::TellReady(-1, {});
  CHECK(Take(socket.get()) == "READY=1");
  emulator::TellStopping();
  CHECK(Take(socket.get()) == "STOPPING=1");
}

}  // namespace
}  // namespace ward::test
