#include "emulator/boundary/bounded_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "emulator/boundary/standard_error.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

// A pipe's reader that makes no room in this time makes none.
constexpr int kPatienceMs = 100;

}  // namespace

bool BoundedFile::Open(const std::string& path, Access access) {
  if (path == "-" && access == Access::kShared) {
    is_standard_error_ = true;
    return true;
  }
  const mode_t mode = access == Access::kPrivate ? 0600 : 0666;
  // A pipe that nobody reads would have us wait, here and at each write.
  FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode));
  if (!file.valid()) return false;
  if (access == Access::kPrivate && fchmod(file.get(), mode) != 0) return false;
  file_ = std::move(file);
  return true;
}

bool BoundedFile::Write(std::string_view text) {
  return Write(ConstByteSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

bool BoundedFile::Write(ConstByteSpan bytes) {
  if (is_full_ || (!file_.valid() && !is_standard_error_)) return false;
  if (bytes.size() > maximum_bytes_ - written_) {
    return Fail(
        fmt::format("it has {} bytes and may have no more than {}", written_, maximum_bytes_));
  }
  if (is_standard_error_) {
    Tell(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  } else if (!WriteWhole(bytes)) {
    return false;
  }
  written_ += bytes.size();
  return true;
}

// People are told what they missed, as soon as they listen again.
void BoundedFile::Tell(std::string_view text) {
  if (lost_ != 0 &&
      StandardError::Write(fmt::format("{} lines were lost: nobody took them\n", lost_))) {
    lost_ = 0;
  }
  if (lost_ != 0 || !StandardError::Write(text)) ++lost_;
}

bool BoundedFile::WriteWhole(ConstByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(file_.get(), bytes.data(), bytes.size());
    if (size >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(size));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) break;
    pollfd output = {file_.get(), POLLOUT, 0};
    if (poll(&output, 1, kPatienceMs) == 0) return Fail("nobody reads it");
  }
  if (bytes.empty()) return true;
  const int error = errno;
  // What is there of it goes again, where that can be.
  if (ftruncate(file_.get(), static_cast<off_t>(written_)) == 0) {
    lseek(file_.get(), 0, SEEK_END);
  }
  return Fail(std::strerror(error));
}

bool BoundedFile::Fail(std::string why) {
  is_full_ = true;
  trouble_ = std::move(why);
  return false;
}

void BoundedFile::WriteLast(std::string_view text) {
  if (is_standard_error_) return Tell(text);
  if (!file_.valid()) return;
  const ssize_t size = write(file_.get(), text.data(), text.size());
  static_cast<void>(size);  // the file has ended, and says so if it can
}

}  // namespace ward::emulator
