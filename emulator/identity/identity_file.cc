#include "emulator/identity/identity_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/secret_bytes.h"

namespace ward::emulator {
namespace {

constexpr size_t kMaxFileBytes = 65536;

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

bool Fail(const char* what, std::string* error) {
  *error = std::string(what) + ": " + std::strerror(errno);
  return false;
}

bool ReadAll(int file, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::read(file, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(size));
  }
  return true;
}

bool WriteAll(int file, ConstByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(file, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(size));
  }
  return true;
}

}  // namespace

FileBytes::~FileBytes() { SecureWipe(bytes_.data(), bytes_.size()); }

std::optional<FileBytes> ReadIdentityFile(const std::filesystem::path& path, std::string* error) {
  // Opening a pipe would wait for its writer.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (file.get() < 0) {
    *error = errno == ENOENT ? "is missing" : std::string("can't be opened: ") + strerror(errno);
    return std::nullopt;
  }
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    *error = "is not a regular file";
    return std::nullopt;
  }
  if (status.st_size > static_cast<off_t>(kMaxFileBytes)) {
    *error = "is longer than 65536 bytes, no PEM file of an identity is";
    return std::nullopt;
  }
  FileBytes content(static_cast<size_t>(status.st_size));
  if (!ReadAll(file.get(), content.bytes())) {
    Fail("can't be read", error);
    return std::nullopt;
  }
  return content;
}

PendingFile::~PendingFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})) {}

bool PendingFile::Write(ConstByteSpan bytes, mode_t mode, std::string* error) {
  std::string pattern = target_.string() + ".XXXXXX";
  const FileDescriptor file(::mkstemp(pattern.data()));  // mode 0600 from the start
  if (file.get() < 0) return Fail("can't be created", error);
  temporary_ = pattern;
  if (!WriteAll(file.get(), bytes) || ::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) {
    return Fail("can't be written", error);
  }
  return true;
}

bool PendingFile::Commit(std::string* error) {
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return Fail("can't be put in place", error);
  temporary_.clear();
  // A rename lasts through a loss of power when the directory does.
  const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : ".";
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return Fail("is in place, but its directory can't be flushed", error);
  }
  return true;
}

}  // namespace ward::emulator
