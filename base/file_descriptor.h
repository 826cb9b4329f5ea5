// An open file that closes itself. Unix only.
#ifndef WARD_BASE_FILE_DESCRIPTOR_H_
#define WARD_BASE_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace ward {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace ward

#endif  // WARD_BASE_FILE_DESCRIPTOR_H_
