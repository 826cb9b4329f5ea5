#include "examples/protected_player/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "examples/protected_player/step_failure.h"

namespace ward::examples {

Output::Output(const std::string& path)
    : path_(path), file_(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) {
  if (file_ < 0) Refuse(std::strerror(errno));
}

Output::~Output() { close(file_); }

void Output::Write(uint64_t offset, ConstByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) Refuse(written < 0 ? std::strerror(errno) : "no room is left");
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void Output::Finish() {
  if (fsync(file_) != 0 && errno != EINVAL) Refuse(std::strerror(errno));
}

void Output::Refuse(const std::string& text) const {
  throw StepFailure("output", "E_FAIL", "can't write " + path_ + ": " + text);
}

}  // namespace ward::examples
