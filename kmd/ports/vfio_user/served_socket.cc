#include "kmd/ports/vfio_user/served_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/vfio_user.h"
#include "base/secret_bytes.h"
#include "kmd/ports/vfio_user/deadline.h"

namespace ward::kmd {
namespace {

using abi::PciError;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  template <typename T>
  void Set(const T& address) {
    static_assert(sizeof(T) <= sizeof(storage));
    std::memcpy(&storage, &address, sizeof(T));
    size = sizeof(T);
  }
};

bool MakeUnixAddress(const std::string& path, SocketAddress* made, std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    *error = "the socket's path has " + std::to_string(path.size()) +
             " characters, and a socket address holds " +
             std::to_string(sizeof(address.sun_path) - 1) + "; use a shorter folder";
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  made->Set(address);
  return true;
}

bool MakeTcpAddress(const ServedAddress& where, SocketAddress* made, std::string* error) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(where.port);
  if (inet_pton(AF_INET, where.host.c_str(), &four.sin_addr) == 1) {
    made->Set(four);
    return true;
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(where.port);
  if (inet_pton(AF_INET6, where.host.c_str(), &six.sin6_addr) == 1) {
    made->Set(six);
    return true;
  }
  *error = "\"" + where.host + "\" is no IP address; names are not looked up";
  return false;
}

std::string ExplainConnect(const ServedAddress& address, int reason) {
  const std::string place =
      address.is_tcp ? address.host + ":" + std::to_string(address.port) : address.path;
  std::string text = place + ": " + std::strerror(reason);
  if (reason == ENOENT) text += "; no server has made that socket yet: start it first";
  if (reason == ECONNREFUSED) text += "; nobody listens there any more: start the server";
  if (reason == EACCES) text += "; the socket belongs to another user";
  if (reason == ENOTSOCK) text += "; that is no socket";
  if (reason == EAGAIN) text += "; the server serves somebody else and has others waiting";
  return text;
}

// Waits for `events`; false at the deadline.
bool Await(const FileDescriptor& socket, short events, const Deadline& deadline) {
  while (true) {
    pollfd waited{socket.get(), events, 0};
    const int ready = poll(&waited, 1, deadline.MillisecondsLeft());
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the call that follows tells why
    if (ready == 0 && deadline.MillisecondsLeft() == 0) return false;
  }
}

// 0, or the errno of a connection that did not come about.
int ConnectWithin(const FileDescriptor& socket, const SocketAddress& to, const Deadline& deadline) {
  const auto* address = reinterpret_cast<const sockaddr*>(&to.storage);
  if (connect(socket.get(), address, to.size) == 0) return 0;
  // Interrupted, it goes on by itself all the same.
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  if (!Await(socket, POLLOUT, deadline)) return ETIMEDOUT;
  int result = 0;
  socklen_t size = sizeof(result);
  return getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}

// A pre-shared key: read, used once, wiped.
class SharedKey {
 public:
  bool Read(const std::string& path, std::string* error) {
    FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status{};
    const ByteSpan bytes = key_.Expose();
    if (!file.valid()) {
      *error = "the key file " + path + ": " + std::strerror(errno);
    } else if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
               status.st_size != static_cast<off_t>(bytes.size()) ||
               read(file.get(), bytes.data(), bytes.size()) != status.st_size) {
      *error = "the key file " + path + " has not " + std::to_string(bytes.size()) +
               " bytes; it is a copy of the server's";
    } else {
      return true;
    }
    return false;
  }

  using Proof = std::array<uint8_t, abi::vfio_user::kAuthenticationBytes>;
  bool Answer(const Proof& challenge, Proof* proof) const {
    const ConstByteSpan key = key_.Expose();
    unsigned int size = 0;
    return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), challenge.data(),
                challenge.size(), proof->data(), &size) != nullptr &&
           size == proof->size();
  }

 private:
  SecretBytes<32> key_;
};

PciError Authenticate(const FileDescriptor& socket, const SharedKey& key, const Deadline& deadline,
                      std::string* error) {
  SharedKey::Proof challenge{};
  size_t got = 0;
  while (got < challenge.size()) {
    if (!Await(socket, POLLIN, deadline)) {
      *error = "the server sent no challenge; it was started without a key: leave out key=";
      return PciError::kTimeout;
    }
    const ssize_t more =
        recv(socket.get(), challenge.data() + got, challenge.size() - got, MSG_DONTWAIT);
    if (more < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (more <= 0) {
      *error =
          "the server closed the connection before its challenge; does it serve somebody else?";
      return PciError::kGone;
    }
    got += static_cast<size_t>(more);
  }
  SharedKey::Proof proof{};
  // 32 bytes into an empty socket never block.
  if (!key.Answer(challenge, &proof) || send(socket.get(), proof.data(), proof.size(),
                                             MSG_NOSIGNAL) != static_cast<ssize_t>(proof.size())) {
    *error = "the challenge can't be answered";
    return PciError::kGone;
  }
  return PciError::kNone;
}

}  // namespace

PciError OpenServedSocket(const ServedAddress& address, FileDescriptor* opened,
                          std::string* error) {
  SocketAddress to;
  const bool is_made = address.is_tcp ? MakeTcpAddress(address, &to, error)
                                      : MakeUnixAddress(address.path, &to, error);
  if (!is_made) return PciError::kBadArgument;
  SharedKey key;
  if (!address.key_file.empty() && !key.Read(address.key_file, error)) {
    return PciError::kBadArgument;
  }
  FileDescriptor socket(
      ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) {
    *error = std::string("no socket: ") + std::strerror(errno);
    return PciError::kNoMemory;
  }
  const Deadline deadline(address.timeout_ms);
  const int reason = ConnectWithin(socket, to, deadline);
  if (reason != 0) {
    *error = ExplainConnect(address, reason);
    return PciError::kBadArgument;
  }
  const int on = 1;  // register accesses are small and waited for
  if (address.is_tcp) setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (!address.key_file.empty()) {
    const PciError known = Authenticate(socket, key, deadline, error);
    if (known != PciError::kNone) return known;
  }
  *opened = std::move(socket);
  return PciError::kNone;
}

}  // namespace ward::kmd
