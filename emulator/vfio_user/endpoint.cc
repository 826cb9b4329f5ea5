#include "emulator/vfio_user/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr int kBacklog = 128;
constexpr unsigned long kMaximumPort = 65535;

std::string ErrnoText() { return std::strerror(errno); }

bool FillAddress(const std::string& path, sockaddr_un* address, std::string* error) {
  *address = {};
  address->sun_family = AF_UNIX;
  if (path.empty()) {
    *error = "the socket's path is empty: give one, for example --socket /tmp/ward-gpu.sock";
    return false;
  }
  if (path.size() >= sizeof(address->sun_path)) {
    *error = fmt::format(
        "the socket's path has {} bytes and a UNIX socket takes at most {}: give a shorter one, "
        "for "
        "example under /tmp",
        path.size(), sizeof(address->sun_path) - 1);
    return false;
  }
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  return true;
}

// Servers that begin at one path take turns: between a bind and its listen a socket looks like a
// dead server's. Held on the folder, so that nothing is left behind. Who may not have it, or not in
// time since somebody else holds it for ever, goes on without.
class Turn {
 public:
  explicit Turn(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    folder_ = FileDescriptor(open(folder.empty() ? "." : folder.c_str(),
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
    constexpr int kTries = 200;
    for (int i = 0; i < kTries && flock(folder_.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
      if (errno != EWOULDBLOCK && errno != EINTR) return;
      const timespec pause = {0, 10'000'000};
      nanosleep(&pause, nullptr);
    }
  }

 private:
  FileDescriptor folder_;
};

// Makes room at the path. False, with `error`, when something is there that is not ours to remove.
bool ClearPath(const std::string& path, const sockaddr_un& address, std::string* error) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return true;
  if (!S_ISSOCK(status.st_mode)) {
    *error = fmt::format("{} is there and is no socket: give another path, or remove it", path);
    return false;
  }
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // EAGAIN: it listens, and so many wait for it that we would have to.
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    *error = fmt::format("another server listens at {}: end it, or give another path", path);
    return false;
  }
  if (errno != ECONNREFUSED || unlink(path.c_str()) != 0) {
    *error = fmt::format("the socket at {} can't be replaced ({}): remove it with: rm '{}'", path,
                         ErrnoText(), path);
    return false;
  }
  return true;
}

struct AddressInfoFree {
  void operator()(addrinfo* info) const { freeaddrinfo(info); }
};

bool IsLoopback(const addrinfo& info) {
  if (info.ai_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(info.ai_addr);
    return ntohl(address->sin_addr.s_addr) >> 24 == 127;
  }
  const auto* address = reinterpret_cast<const sockaddr_in6*>(info.ai_addr);
  return IN6_IS_ADDR_LOOPBACK(&address->sin6_addr) != 0;
}

// "tcp:127.0.0.1:7000", as the socket is really bound.
std::string TcpName(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  char host[NI_MAXHOST] = {};
  char port[NI_MAXSERV] = {};
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&bound), size, host, sizeof(host), port, sizeof(port),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "tcp";
  }
  return bound.ss_family == AF_INET6 ? fmt::format("tcp:[{}]:{}", host, port)
                                     : fmt::format("tcp:{}:{}", host, port);
}

}  // namespace

std::unique_ptr<Endpoint> Endpoint::ListenUnix(const std::string& path, std::string* error) {
  sockaddr_un address{};
  if (!FillAddress(path, &address, error)) return nullptr;
  const Turn turn(path);
  if (!ClearPath(path, address, error)) return nullptr;
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = umask(0177);
  const bool bound =
      bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int bind_error = errno;
  umask(before);
  struct stat status{};
  if (!bound || listen(socket.get(), kBacklog) != 0 || lstat(path.c_str(), &status) != 0) {
    if (!bound) errno = bind_error;
    *error =
        fmt::format("can't listen at {} ({}): give a path in a folder that exists and is yours",
                    path, ErrnoText());
    return nullptr;
  }
  std::unique_ptr<Endpoint> endpoint(new Endpoint(std::move(socket), true, "vfio-user:" + path));
  endpoint->path_ = path;
  endpoint->device_ = status.st_dev;
  endpoint->inode_ = status.st_ino;
  return endpoint;
}

std::unique_ptr<Endpoint> Endpoint::ListenTcp(const std::string& address, bool has_key,
                                              std::string* error) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  // getaddrinfo takes the lower 16 bits of a port that is too large.
  if (colon == std::string::npos || host.empty() || colon + 1 == address.size() ||
      std::strtoul(address.c_str() + colon + 1, nullptr, 10) > kMaximumPort ||
      getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0) {
    *error = fmt::format("\"{}\" is no address and port: give for example 127.0.0.1:7000", address);
    return nullptr;
  }
  const std::unique_ptr<addrinfo, AddressInfoFree> info(found);
  if (!IsLoopback(*info) && !has_key) {
    *error = fmt::format(
        "{} can be reached from other machines, and whoever connects drives the device: give a key "
        "with --key-file FILE (make one with: head -c 32 /dev/urandom > FILE), or listen at "
        "127.0.0.1",
        address);
    return nullptr;
  }
  FileDescriptor socket(::socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(socket.get(), info->ai_addr, info->ai_addrlen) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    *error = fmt::format("can't listen at {} ({}): give another port, or 0 for a free one", address,
                         ErrnoText());
    return nullptr;
  }
  std::string name = TcpName(socket.get());
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(socket), false, std::move(name)));
}

std::unique_ptr<Endpoint> Endpoint::Adopt(FileDescriptor socket, std::string* error) {
  int listens = 0;
  int type = 0;
  socklen_t size = sizeof(listens);
  socklen_t type_size = sizeof(type);
  sockaddr_un address{};
  socklen_t address_size = sizeof(address);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
      getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 ||
      type != SOCK_STREAM ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &address_size) != 0 ||
      address.sun_family != AF_UNIX) {
    *error = fmt::format(
        "descriptor {} is no UNIX stream socket that listens: hand one over as systemd does "
        "(ListenStream= in the .socket file)",
        socket.get());
    return nullptr;
  }
  fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  // A path that fills its place has no end of its own; an abstract name begins with a zero.
  std::string path(address.sun_path, address_size - offsetof(sockaddr_un, sun_path));
  if (!path.empty() && path.front() == '\0') {
    path.front() = '@';
  } else {
    path.resize(std::strlen(path.c_str()));
  }
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(socket), true, "vfio-user:" + path));
}

Endpoint::~Endpoint() {
  struct stat status{};
  if (path_.empty() || lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace ward::emulator
