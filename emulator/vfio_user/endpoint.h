// Where a served device is reached: a UNIX socket's path, or a TCP address and port.
#ifndef WARD_EMULATOR_VFIO_USER_ENDPOINT_H_
#define WARD_EMULATOR_VFIO_USER_ENDPOINT_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/file_descriptor.h"

namespace ward::emulator {

class Endpoint {
 public:
  // Listens at a path, readable and writable by this user alone. A socket that a dead server left
  // there is replaced; anything else that is there is refused. Null, with what is wrong and what
  // mends it.
  static std::unique_ptr<Endpoint> ListenUnix(const std::string& path, std::string* error);
  // Listens at "HOST:PORT" ("[HOST]:PORT" for IPv6), HOST a number; port 0 takes a free one. Beyond
  // this machine only with a key.
  static std::unique_ptr<Endpoint> ListenTcp(const std::string& address, bool has_key,
                                             std::string* error);
  // A socket that listens already, handed over by systemd or a parent.
  static std::unique_ptr<Endpoint> Adopt(FileDescriptor socket, std::string* error);

  // Takes the socket away from the file system, if it is still ours.
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  int socket() const { return socket_.get(); }
  bool is_unix() const { return is_unix_; }
  // As a client writes it: "vfio-user:/run/gpu0.sock", "tcp:127.0.0.1:7000".
  const std::string& name() const { return name_; }

 private:
  Endpoint(FileDescriptor socket, bool is_unix, std::string name)
      : socket_(std::move(socket)), is_unix_(is_unix), name_(std::move(name)) {}

  FileDescriptor socket_;
  bool is_unix_;
  std::string name_;
  std::string path_;  // to remove; empty: none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_ENDPOINT_H_
