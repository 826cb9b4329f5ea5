#include "emulator/vfio_user/readiness.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/file_descriptor.h"

namespace ward::emulator {
namespace {

FileDescriptor& NotifySocket() {
  static FileDescriptor socket;
  return socket;
}

// sd_notify(3): one datagram, assignments separated by newlines.
void Notify(const char* text) {
  if (!NotifySocket().valid()) return;
  const ssize_t sent = send(NotifySocket().get(), text, std::strlen(text), MSG_NOSIGNAL);
  static_cast<void>(sent);  // whoever does not listen has lost it
}

}  // namespace

void OpenNotifySocket() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || *path == '\0' || std::strlen(path) >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, path, std::strlen(path));
  // A name that begins with @ is an abstract one: its first byte is zero.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return;
  NotifySocket() = std::move(socket);
}

void TellReady(int ready_fd, const std::vector<std::string>& endpoints) {
  Notify("READY=1");
  if (ready_fd < 0) return;
  std::string text;
  for (const std::string& endpoint : endpoints) text += endpoint + "\n";
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = write(ready_fd, text.data() + at, text.size() - at);
    if (written <= 0) break;
    at += static_cast<size_t>(written);
  }
  close(ready_fd);
}

void TellStopping() { Notify("STOPPING=1"); }

}  // namespace ward::emulator
